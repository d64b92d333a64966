"""What a migration gives to the database to be carried out: SQL as text, or SQLAlchemy's own statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .found import ADDS, CHANGES, UNKNOWN, Found, Unreadable
from .sql import HARMLESS, read_sql
from .values import OPAQUE, Kind, Scope, Value, value

_PUT_TOGETHER = Found(UNKNOWN, "SQL that is put together when it runs")

# What these make is not followed within another statement.
_SQL = (".text", ".literal_column", ".update", ".delete", ".DDL")


def executed(node: ast.expr | None, scope: Scope) -> Iterator[Found]:
    """What `execute(node)` does."""
    found = value(node, scope) if node is not None else OPAQUE
    if found.kind == Kind.TEXT:
        yield from _of_text(found.text)
    elif found.kind == Kind.PIECES:
        # It may be anything; but what surely begins with DROP does not only add.
        yield from (one for one in _of_text(found.text) if one.kind == CHANGES)
        yield _PUT_TOGETHER
    elif found.kind == Kind.SQLALCHEMY:
        yield _of_statement(found, scope)
    else:
        yield _PUT_TOGETHER


def _of_text(text: str) -> Iterator[Found]:
    try:
        yield from read_sql(text)
    except Unreadable as error:
        yield Found(UNKNOWN, f"SQL: {error}")


def _of_statement(found: Value, scope: Scope) -> Found:
    last, of = found.path.rpartition(".")[2], found.text or "a table"
    if last in ("update", "delete"):
        return Found(CHANGES, f"{'changes' if last == 'update' else 'deletes'} rows of {of}", found.table)
    if last.startswith("on_"):
        return Found(CHANGES, f"changes rows of {of}", found.table)
    if last.startswith("Drop"):
        return Found(CHANGES, f"drops a {last.removeprefix('Drop').lower()}")
    if last.startswith("Create") and not found.path.startswith("sqlalchemy.orm."):
        return Found(ADDS, f"a {last.removeprefix('Create').lower()}")
    if last not in ("insert", "select") or calls(found, scope):
        return Found(UNKNOWN, f"execute({last or 'something'}) is not followed")
    return Found(ADDS, f"rows of {of}" if last == "insert" else "")


def calls(found: Value, scope: Scope) -> bool:
    """May a function of the database's be called that changes something, or SQL stand in it that is not looked at?"""
    nodes = [node for node in ast.walk(found.node) if isinstance(node, ast.Attribute | ast.Name)] if found.node else []
    paths = [one.path for node in nodes if (one := value(node, scope)).kind in (Kind.PATH, Kind.SQLALCHEMY)]
    called = {after.partition(".")[0] for path in paths if (after := path.partition(".func.")[2])}
    return any(name.upper() not in HARMLESS for name in called) or any(path.endswith(_SQL) for path in paths)


def filled_in(node: ast.expr, scope: Scope) -> bool:
    """Is it sure that a default, as the database has it, changes nothing else?"""
    found = value(node, scope)
    if found.kind == Kind.TEXT:  # a string, or SQL
        plain = isinstance(node, ast.Constant)
        return plain or all(one.kind == ADDS for one in _of_text(f"SELECT {found.text}"))
    return found.kind == Kind.CONSTANT or (found.kind == Kind.SQLALCHEMY and not calls(found, scope))
