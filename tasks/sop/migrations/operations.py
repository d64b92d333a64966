"""alembic's operations, each with what it does to what is there."""

from __future__ import annotations

import ast

from .executed import filled_in
from .found import ADDS, CHANGES, UNKNOWN, Found, new_column, new_index, words
from .values import OPAQUE, Kind, Scope, Value, value

_DROPS = {"table", "column", "index", "constraint"}
_RESTRICTS = {"unique_constraint", "check_constraint", "foreign_key", "primary_key", "exclude_constraint"}
_SILENT = words("f get_bind get_context create_table_comment drop_table_comment batch_alter_table inline_literal")
# What alter_column says beside what it is told of how the column is now.
_ALTERS = {
    "new_column_name": "renames",
    "name": "renames",
    "type_": "changes the type of",
    "nullable": "changes whether it may be empty:",
    "server_default": "changes the default of",
    "autoincrement": "changes",
}


class _Given:
    """The arguments of an operation; one on a batch has its table from that, and not as an argument."""

    def __init__(self, node: ast.Call, scope: Scope, batch: Value | None) -> None:
        self._node, self.scope, self._batch = node, scope, batch
        named = {word.arg: word.value for word in node.keywords}
        self.unclear = None in named or any(isinstance(one, ast.Starred) for one in node.args)
        self.words = {name: one for name, one in named.items() if name}

    def at(self, place: int, *names: str) -> Value:
        """An argument by its place in op's own signature, or by one of its names."""
        node = next((self.words[name] for name in names if name in self.words), None)
        if node is None and 0 <= place < len(self._node.args):
            node = self._node.args[place]
        return value(node, self.scope) if node is not None else OPAQUE

    def table(self, place: int, *names: str) -> str | None:
        """The table's name, with its schema."""
        given = self._batch or self.at(place, *names)
        name = "" if given.kind == Kind.PIECES else given.text
        schema = self.at(-1, "schema")
        if not name or ("schema" in self.words and not schema.text and not _is(schema, None)):
            return None
        return f"{schema.text}.{name}" if schema.text else name

    def after_table(self, place: int) -> int:
        """A place that comes behind the table's."""
        return place - 1 if self._batch else place

    def yes(self, *names: str) -> bool | None:
        """Is a switch on? None where that cannot be read."""
        found = self.at(-1, *names)
        if not any(name in self.words for name in names):
            return False
        return bool(found.constant) if found.kind == Kind.CONSTANT else None


def _is(found: Value, constant: object) -> bool:
    return found.kind == Kind.CONSTANT and found.constant is constant


def operation(name: str, node: ast.Call, scope: Scope, batch: Value | None) -> list[Found]:
    """What `op.NAME(…)` does, or the same on a batch."""
    given = _Given(node, scope, batch)
    verb, _, noun = name.partition("_")
    if name in _SILENT:
        return []
    if name == "autocommit_block":
        return [Found(ADDS, "", commits=True)]
    if name == "create_table":
        table = given.table(0, "table_name")
        surely = given.yes("if_not_exists") is False and not given.unclear
        return [Found(ADDS, f"the table {table or '?'}", creates=table if surely else None)]
    if name == "bulk_insert":
        return [Found(ADDS, f"rows of {given.at(0, 'table').text or 'a table'}")]
    if name == "add_column":
        return [_add_column(given)]
    if name == "create_index":
        return [_create_index(given)]
    if name == "alter_column":
        return _alter_column(given)
    if verb == "create" and noun in _RESTRICTS:
        table = given.table(0 if noun == "primary_key" and batch else 1, "table_name", "source_table", "source")
        return [Found(CHANGES, f"restricts the rows of {table or 'a table'} ({noun.replace('_', ' ')})", table)]
    if verb == "drop" and noun in _DROPS:
        return [_drop(noun, given)]
    if name == "rename_table":
        old, new = given.table(0, "old_table_name"), given.at(1, "new_table_name").text
        return [Found(CHANGES, f"renames the table {old or '?'} to {new or '?'}", old, ends=True)]
    return [Found(UNKNOWN, f"{'batch' if batch else 'op'}.{name}() is not followed")]


def _drop(noun: str, given: _Given) -> Found:
    if noun == "column":
        table, column = given.table(0, "table_name"), given.at(given.after_table(1), "column_name").text
        return Found(CHANGES, f"drops the column {table or 'a table'}.{column or '?'}", table)
    if noun == "table":
        table = given.table(0, "table_name")
        return Found(CHANGES, f"drops the table {table or '?'}", table, ends=True)
    table = given.table(1, "table_name")
    name = given.at(0, "index_name", "constraint_name").text or "?"
    return Found(CHANGES, f"drops the {noun} {name}", table, commits=given.yes("postgresql_concurrently") is True)


def _create_index(given: _Given) -> Found:
    unique, together = given.yes("unique"), given.yes("postgresql_concurrently")
    table = given.table(1, "table_name")
    if given.unclear or unique is None:
        return Found(UNKNOWN, f"an index of {table or 'a table'} that may be unique")
    return new_index(unique, table, bool(together))


def _alter_column(given: _Given) -> list[Found]:
    table, column = given.table(0, "table_name"), given.at(given.after_table(1), "column_name").text
    name = f"{table or 'a table'}.{column or '?'}"
    if given.unclear:
        return [Found(UNKNOWN, f"op.alter_column() of {name}, which is not all there")]
    to = given.at(-1, "new_column_name", "name").text
    done = [says for word, says in _ALTERS.items() if word in given.words]
    rows = [f"{says} the column {name}{f' to {to}' if says == 'renames' and to else ''}" for says in done]
    return [Found(CHANGES, row, table) for row in dict.fromkeys(rows)]


def _add_column(given: _Given) -> Found:
    table, made = given.table(0, "table_name"), given.at(given.after_table(1), "column")
    node = made.node
    if node is None or not made.path.endswith(".Column") or given.unclear:
        return Found(UNKNOWN, f"a column of {table or 'a table'} that is not written there")
    column = _Given(node, given.scope, None)
    name = column.at(0, "name").text
    nullable, unique, primary = column.at(-1, "nullable"), column.yes("unique"), column.yes("primary_key")
    clear = "nullable" not in column.words or nullable.kind == Kind.CONSTANT
    given_default = column.words.get("server_default")
    clear = clear and (given_default is None or filled_in(given_default, given.scope))
    if column.unclear or unique is None or primary is None or not clear:
        return Found(UNKNOWN, f"the column {table or 'a table'}.{name or '?'}, whose rules are not written there")
    required = "nullable" in column.words and not nullable.constant
    parts = [value(one, given.scope).path for one in node.args]
    if any(path.endswith(".CheckConstraint") for path in parts):
        return Found(UNKNOWN, f"the column {table or 'a table'}.{name or '?'}, which checks its row")
    by_itself = any(path.endswith((".Computed", ".Identity")) for path in parts)
    default = "server_default" in column.words and not _is(column.at(-1, "server_default"), None)
    return new_column(table, name, required, default or by_itself, unique, primary)
