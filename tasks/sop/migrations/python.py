"""alembic's migrations, read with `ast` and never run: which operations may `upgrade()` come to, and what is each?

Both branches of an `if` count, a loop's body counts, a function of the file's own is followed. What is called and is
neither alembic's, nor SQLAlchemy's, nor known to change nothing, may do anything: that cannot be told.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .executed import executed
from .found import ADDS, CHANGES, UNKNOWN, Found, Unreadable, at_line, words
from .operations import operation
from .values import AT_WORK, Function, Kind, Scope, Value, attribute, scope_of, value

MOST_FOLLOWED = 200  # functions, each time they are called

_HARMLESS = words(
    "logging datetime uuid textwrap json decimal enum typing re collections itertools string secrets hashlib time "
    "functools math"
)
_OWN_TYPES = words("sqlmodel sqlalchemy_utils geoalchemy2 pgvector citext")  # classes of columns
# Methods of what is not known, or of plain values, that change nothing in a database.
_TAME = words(
    "get items keys values append extend lower upper strip split join format replace startswith endswith all first "
    "one scalar scalars fetchall fetchone one_or_none scalar_one scalar_one_or_none mappings info debug warning error "
    "encode decode hex isoformat copy index count setdefault pop sort bindparams"
)
_READS = re.compile("(get|has|is)_(?!or_)[a-z_]+")
_BUILTIN = words(
    "len print str int float range list dict set tuple enumerate zip sorted isinstance any all max min repr bool "
    "reversed sum map filter frozenset super"
)
_WORKS = re.compile("(create|drop|add|alter|rename|bulk|batch|run|execute|invoke|exec)(_[a-z_]+)?")


def read_python(text: str) -> list[Found]:
    """What `upgrade()` does, operation by operation. Raises Unreadable where the file is not one that can be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        raise Unreadable(f"it cannot be read as Python 3{where}") from None
    scope = scope_of(tree.body)
    upgrade = scope.functions.get("upgrade")
    if upgrade is None or scope.rebinds("upgrade"):
        raise Unreadable("it has no upgrade() of its own")
    reader = _Reader()
    return [*reader.statements(tree.body, scope), *reader.function(upgrade, scope)]


class _Reader:
    """Goes through what may be run, and keeps which functions it is in."""

    def __init__(self) -> None:
        self._inside: list[Function] = []
        self._followed = 0

    def function(self, function: Function, scope: Scope) -> Iterator[Found]:
        """What a function of the file's own does; scope: the one in which it is called."""
        if function in self._inside:
            return
        self._followed += 1
        if function.decorator_list or self._followed > MOST_FOLLOWED:
            yield Found(UNKNOWN, f"line {function.lineno}: {function.name}() is not followed")
            return
        self._inside.append(function)
        yield from self.statements(function.body, scope_of(function.body, scope, function.args))
        self._inside.pop()

    def statements(self, body: Sequence[ast.stmt], scope: Scope) -> Iterator[Found]:
        """What these do, one after the other."""
        for statement in body:
            if isinstance(statement, Function):  # what it does is read where it is called
                for default in (*statement.args.defaults, *filter(None, statement.args.kw_defaults)):
                    yield from self._expression(default, scope)
            elif isinstance(statement, ast.ClassDef):
                for part in (*statement.bases, *statement.keywords, *statement.decorator_list):
                    yield from self._expression(part, scope)
                if any(isinstance(part, Function | ast.Lambda) for part in ast.walk(statement)):
                    yield Found(
                        UNKNOWN, f"line {statement.lineno}: what the class {statement.name} does is not followed"
                    )
                yield from self.statements(statement.body, scope_of(statement.body, scope))
            elif isinstance(statement, ast.Global | ast.Nonlocal | ast.Match):
                yield Found(UNKNOWN, f"line {statement.lineno}: what it means is not followed")
            else:
                yield from self._statement(statement, scope)

    def _statement(self, statement: ast.stmt, scope: Scope) -> Iterator[Found]:
        """Its own expressions, and the statements in it."""
        for _, field in ast.iter_fields(statement):
            for part in field if isinstance(field, list) else [field]:
                if isinstance(part, ast.withitem):
                    yield from self._expression(part.context_expr, scope)
                    if isinstance(part.optional_vars, ast.Name):
                        scope.withs[part.optional_vars.id] = part.context_expr
                elif isinstance(part, ast.stmt | ast.ExceptHandler):
                    inner = self.statements(part.body if isinstance(part, ast.ExceptHandler) else [part], scope)
                    # What stands under a condition or in a loop may not be done: no table is surely new by it.
                    surely = isinstance(statement, ast.With)
                    yield from inner if surely else (replace(one, creates=None) for one in inner)
                elif isinstance(part, ast.AST):
                    yield from self._expression(part, scope)

    def _expression(self, node: ast.AST, scope: Scope) -> Iterator[Found]:
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom):
            yield Found(UNKNOWN, f"line {node.lineno}: what it waits for is not followed")
        if isinstance(node, ast.Call):
            yield from self._arguments(node, scope)
            yield from (at_line(one, node.lineno) for one in self._call(node, scope))
            return
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield from self._handed_on(node, scope)
        for child in ast.iter_child_nodes(node):
            if not (isinstance(node, ast.Attribute) and isinstance(child, ast.Name)):
                yield from self._expression(child, scope)

    def _arguments(self, node: ast.Call, scope: Scope) -> Iterator[Found]:
        """What is done before the call itself."""
        before = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        for part in (*([] if isinstance(before, ast.Name) else [before]), *node.args, *node.keywords):
            yield from self._expression(part, scope)

    def _handed_on(self, node: ast.Name | ast.Attribute, scope: Scope) -> Iterator[Found]:
        """What is not called here may be called by whoever it is given to."""
        if isinstance(node, ast.Name):
            own = scope.functions.get(node.id)
            if own is not None and not scope.rebinds(node.id):
                yield from self.function(own, scope)
            elif _operates(scope.lookup(node.id)):
                yield Found(UNKNOWN, f"line {node.lineno}: what is done with {node.id} is not followed")
        elif _WORKS.fullmatch(node.attr) or _operates(value(node, scope)):
            yield Found(UNKNOWN, f"line {node.lineno}: what is done with {ast.unparse(node)[:60]} is not followed")

    def _call(self, node: ast.Call, scope: Scope) -> Iterator[Found]:
        called = node.func
        if isinstance(called, ast.Name):
            yield from self._by_name(called, node, scope)
        elif isinstance(called, ast.Attribute):
            yield from _by_attribute(called, node, scope)
        else:
            yield _not_followed(node)

    def _by_name(self, called: ast.Name, node: ast.Call, scope: Scope) -> Iterator[Found]:
        own, found = scope.functions.get(called.id), value(called, scope)
        if own is not None and not scope.rebinds(called.id):
            yield from self.function(own, scope)
        elif found.kind == Kind.PATH:
            yield from _of_path(found.path, node, scope)
        elif called.id not in _BUILTIN or scope.knows(called.id):
            yield _not_followed(node)


def _operates(found: Value) -> bool:
    """Is it alembic's `op`, one of its operations, the connection, or a batch?"""
    if found.kind in (Kind.BIND, Kind.BATCH):
        return found.kind == Kind.BATCH
    name = found.path.removeprefix("alembic.op.")
    return found.kind == Kind.PATH and (found.path == "alembic.op" or (name != found.path and bool(_WORKS.match(name))))


def _by_attribute(called: ast.Attribute, node: ast.Call, scope: Scope) -> Iterator[Found]:
    base, method = value(called.value, scope), called.attr
    whole = attribute(base, method)
    if whole.kind == Kind.PATH:
        yield from _of_path(whole.path, node, scope)
    elif base.kind == Kind.BIND:
        yield from _of_bind(method, node, scope)
    elif base.kind == Kind.BATCH:
        yield from operation(method, node, scope, base)
    elif base.kind == Kind.SQLALCHEMY:
        yield from _of_sqlalchemy(method, node, base)
    elif method not in _TAME and not _READS.fullmatch(method):
        yield _not_followed(node)


def _not_followed(node: ast.Call) -> Found:
    return Found(UNKNOWN, f"{ast.unparse(node.func)[:60]}() is not followed")


def _of_path(path: str, node: ast.Call, scope: Scope) -> Iterator[Found]:
    """A call of something that was imported."""
    root, last = path.partition(".")[0], path.rpartition(".")[2]
    if path == "alembic.op.execute":
        yield from executed(node.args[0] if node.args else None, scope)
    elif path.startswith("alembic.op."):
        yield from operation(path.removeprefix("alembic.op."), node, scope, None)
    elif path.startswith("sqlalchemy."):
        if "create_engine" in path or path.startswith(AT_WORK):
            yield _not_followed(node)
    elif not (
        root in _HARMLESS or path.startswith("alembic.context.get_") or (root in _OWN_TYPES and last[0].isupper())
    ):
        yield _not_followed(node)


def _of_bind(method: str, node: ast.Call, scope: Scope) -> Iterator[Found]:
    """A call on the connection itself."""
    if method in ("execute", "scalar", "scalars", "exec_driver_sql"):
        yield from executed(node.args[0] if node.args else None, scope)
    elif method == "commit" or any(word.arg == "isolation_level" for word in node.keywords):
        yield Found(ADDS, "", commits=True)
    elif method not in ("begin", "begin_nested", "execution_options", "get_bind"):
        yield _not_followed(node)


def _of_sqlalchemy(method: str, node: ast.Call, base: Value) -> Iterator[Found]:
    """A method of a type, a table or a statement: most of them only put a statement together."""
    what = base.path.rpartition(".")[2].lower()
    if method in ("create", "create_all"):
        yield Found(ADDS, f"the {what} {base.text}".rstrip())
    elif method in ("drop", "drop_all"):
        yield Found(CHANGES, f"drops the {what} {base.text}".rstrip())
    elif method.startswith(("execute", "scalar", "exec_")):
        yield _not_followed(node)
