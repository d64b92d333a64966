"""What a name or an expression of a migration stands for, as far as that can be read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from .found import words

LONGEST = 100_000  # characters of a text that is put together of others
Function = ast.FunctionDef | ast.AsyncFunctionDef

_STATEMENTS = words("update delete insert select on_conflict_do_update on_duplicate_key_update")
# What these make works on a database by itself.
AT_WORK = ("sqlalchemy.orm.", "sqlalchemy.ext.", "sqlalchemy.event.", "sqlalchemy.create_engine")


class Kind(Enum):
    """PATH: imported, by its dotted name; BIND: the connection; BATCH: operations on one table; TEXT: a string;
    PIECES: one that is put together, `?` for what is not known; CONSTANT: None, a number; SQLALCHEMY: made by it;
    OPAQUE: anything.
    """

    PATH = "path"
    BIND = "bind"
    BATCH = "batch"
    TEXT = "text"
    PIECES = "pieces"
    CONSTANT = "constant"
    SQLALCHEMY = "sqlalchemy"
    OPAQUE = "opaque"


@dataclass(frozen=True)
class Value:
    """path: where it was imported from, or what made it; text: a string, or a table's name; node: the call it is."""

    kind: Kind
    path: str = ""
    text: str = ""
    constant: object = None
    node: ast.Call | None = None

    @property
    def table(self) -> str | None:
        """The table's name, where it is known."""
        return self.text or None


OPAQUE = Value(Kind.OPAQUE)


@dataclass
class Scope:
    """The names of a function, or of the module, and the scope around it.

    bound: name → what is assigned to it, each time; None for what is no expression (a loop's variable, a parameter).
    withs: name → what `with … as name` opened last.
    """

    bound: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    withs: dict[str, ast.expr] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    around: Scope | None = None
    _known: dict[str, Value] = field(default_factory=dict)
    _simple: set[int] = field(default_factory=set)

    def rebinds(self, name: str) -> bool:
        """Is it something else than the function of that name, here or around it?"""
        here = name in self.bound or name in self.imported or name in self.withs
        return here or bool(self.around and self.around.rebinds(name))

    def knows(self, name: str) -> bool:
        """Is it anything but a builtin?"""
        return self.rebinds(name) or name in self.functions

    def lookup(self, name: str) -> Value:
        """What a name stands for; OPAQUE where it is given more than one thing, or depends on itself."""
        if name in self.withs:
            opened = OPAQUE if name in self.bound or name in self.imported else value(self.withs[name], self)
            return opened if opened.kind in (Kind.BATCH, Kind.BIND) else OPAQUE
        if name in self.bound:
            if name not in self._known:
                self._known[name] = OPAQUE  # for what depends on itself
                self._known[name] = self._given(name)
            return self._known[name]
        if name in self.imported:
            return Value(Kind.PATH, self.imported[name])
        return self.around.lookup(name) if self.around else OPAQUE

    def _given(self, name: str) -> Value:
        given = self.bound[name]
        if name in self.imported or len(given) > 1 or given[0] is None:
            return OPAQUE
        return value(given[0], self)

    def bind(self, node: ast.AST) -> None:
        """Take in the names that a node binds by itself."""
        if isinstance(node, Function):
            if node.name in self.functions:
                self._gives(node.name, None)  # one of the two
            self.functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            self._gives(node.name, None)
        elif isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.partition(".")[0]
                self._imports(one.asname or first, one.name if one.asname else first)
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                self._imports(one.asname or one.name, f"{'.' * node.level}{node.module or ''}.{one.name}")
        else:
            self._bind_variable(node)

    def _bind_variable(self, node: ast.AST) -> None:
        target = None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            target = node.target
        elif isinstance(node, ast.withitem):
            target = node.optional_vars
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self._gives(node.name, None)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and id(node) not in self._simple:
            self._gives(node.id, None)
        if isinstance(target, ast.Name):
            self._simple.add(id(target))
            if isinstance(node, ast.withitem):
                self.withs[target.id] = node.context_expr
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
                self._gives(target.id, node.value)

    def _gives(self, name: str, given: ast.expr | None) -> None:
        self.bound.setdefault(name, []).append(given)

    def _imports(self, name: str, path: str) -> None:
        if self.imported.setdefault(name, path) != path:
            self._gives(name, None)


def scope_of(body: Sequence[ast.stmt], around: Scope | None = None, takes: ast.arguments | None = None) -> Scope:
    """The names that these statements bind, and those that a function takes."""
    scope = Scope(functions=dict(around.functions) if around else {}, around=around)
    if takes:
        for one in (*takes.posonlyargs, *takes.args, *takes.kwonlyargs, takes.vararg, takes.kwarg):
            if one:
                scope.bound[one.arg] = [None]
    for node in _own(body):
        scope.bind(node)
    return scope


def _own(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes, without those of the functions and classes in them."""
    for node in body:
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            yield from _own(ast.iter_child_nodes(node))


def value(node: ast.AST, scope: Scope) -> Value:
    """What an expression stands for."""
    if isinstance(node, ast.Constant):
        text = node.value if isinstance(node.value, str) else None
        return Value(Kind.CONSTANT, constant=node.value) if text is None else Value(Kind.TEXT, text=text)
    if isinstance(node, ast.JoinedStr):
        pieces = (str(one.value) if isinstance(one, ast.Constant) else "?" for one in node.values)
        return Value(Kind.PIECES, text="".join(pieces))
    if isinstance(node, ast.BinOp):
        return _together(node, scope)
    if isinstance(node, ast.Name):
        return scope.lookup(node.id)
    if isinstance(node, ast.Attribute):
        return attribute(value(node.value, scope), node.attr)
    return _made(node, scope) if isinstance(node, ast.Call) else OPAQUE


def attribute(base: Value, name: str) -> Value:
    """What `base.name` stands for."""
    if base.kind == Kind.PATH:
        return Value(Kind.PATH, f"{base.path}.{name}")
    return base if base.kind == Kind.SQLALCHEMY else OPAQUE


def _together(node: ast.BinOp, scope: Scope) -> Value:
    """Strings that are added, or filled in."""
    left = value(node.left, scope)
    if isinstance(node.op, ast.Mod) and left.kind in (Kind.TEXT, Kind.PIECES):
        return Value(Kind.PIECES, text=left.text)
    if not isinstance(node.op, ast.Add):
        return OPAQUE
    right = value(node.right, scope)
    texts = [one.text if one.kind in (Kind.TEXT, Kind.PIECES) else "?" for one in (left, right)]
    kinds = {left.kind, right.kind}
    if not kinds & {Kind.TEXT, Kind.PIECES} or sum(map(len, texts)) > LONGEST:
        return OPAQUE
    return Value(Kind.TEXT if kinds == {Kind.TEXT} else Kind.PIECES, text="".join(texts))


def _made(node: ast.Call, scope: Scope) -> Value:
    """What a call gives."""
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    base = value(node.func.value, scope) if isinstance(node.func, ast.Attribute) else OPAQUE
    called = attribute(base, method) if method else value(node.func, scope)
    if called.kind == Kind.PATH:
        return _by(called.path, node, value(node.args[0], scope) if node.args else OPAQUE)
    if base.kind == Kind.SQLALCHEMY:
        return Value(base.kind, f"{base.path}.{method}" if method in _STATEMENTS else base.path, base.text, node=node)
    stays = {(Kind.BIND, "execution_options"), (Kind.TEXT, "bindparams"), (Kind.TEXT, "strip")}
    return base if (base.kind, method) in stays else OPAQUE


def _by(path: str, node: ast.Call, first: Value) -> Value:
    """What something that was imported makes of what it is given."""
    last = path.rpartition(".")[2]
    if path in ("alembic.op.get_bind", "alembic.context.get_bind"):
        return Value(Kind.BIND)
    if path in ("alembic.op.get_context", "alembic.context.get_context"):
        return Value(Kind.PATH, "alembic.op")
    if path == "alembic.op.batch_alter_table":
        return Value(Kind.BATCH, text=first.text)
    if path == "alembic.op.create_table":
        return Value(Kind.SQLALCHEMY, "table", first.text, node=node)
    if path in ("alembic.op.f", "textwrap.dedent"):
        return first
    if not path.startswith("sqlalchemy.") or path.startswith(AT_WORK):
        return OPAQUE
    if last == "text":
        return first if first.kind in (Kind.TEXT, Kind.PIECES) else OPAQUE
    return Value(Kind.SQLALCHEMY, path, first.text, node=node)
