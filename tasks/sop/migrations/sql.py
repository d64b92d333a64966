"""SQL as migrations have it: which statements there are, and what each does. PostgreSQL's, where databases differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from .found import ADDS, CHANGES, UNKNOWN, Found, new_column, new_index, words
from .tokens import Token, tokens

# Nothing that stays, or nothing but a comment: of no interest.
_SILENT = words("BEGIN START SAVEPOINT RELEASE SET RESET ANALYZE COMMENT LOCK SHOW CHECKPOINT REFRESH REINDEX")
_ENDS = {"COMMIT", "END", "VACUUM"}  # these end a transaction, or stand outside of one
_NEW = words("TYPE SEQUENCE SCHEMA EXTENSION VIEW DOMAIN FUNCTION PROCEDURE AGGREGATE STATISTICS COLLATION")
_MEDDLES = {"TRIGGER", "RULE", "POLICY"}  # who writes to the table meets it
_CONSTRAINT = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE"}
_TABLE = words("OWNER SET RESET ENABLE DISABLE ATTACH DETACH INHERIT NO CLUSTER FORCE REPLICA MODIFY CHANGE")
_SERIAL = {"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL4", "SERIAL8", "SERIAL2"}
# What stands in front of a parenthesis and is no function, or is one that changes nothing.
HARMLESS = words(
    "VALUES IN AND OR NOT EXISTS FROM AS ON USING OVER ALL ANY SOME SELECT WHERE UNION ROW ARRAY CAST EXTRACT FILTER "
    "THEN ELSE WHEN CASE DISTINCT BY LIMIT VARCHAR CHAR NUMERIC DECIMAL CONFLICT NOW COUNT MAX MIN SUM AVG COALESCE "
    "NULLIF LOWER UPPER LENGTH TRIM CONCAT MD5 REPLACE SUBSTRING TO_TIMESTAMP TO_CHAR ARRAY_AGG STRING_AGG ROW_NUMBER "
    "GENERATE_SERIES NEXTVAL GEN_RANDOM_UUID UUID_GENERATE_V4 CLOCK_TIMESTAMP JSONB_BUILD_OBJECT TO_JSONB UNNEST "
    "GREATEST LEAST ROUND ABS"
)


def read_sql(text: str) -> list[Found]:
    """What each statement does, in their order. Raises Unreadable where it is not known where a statement ends."""
    found: list[Found] = []
    statement: list[Token] = []
    for token in (*tokens(text), Token("other", ";")):
        if token.kind == "string" and "\\" in token.text and token.text[0] == "'":
            found.append(Found(UNKNOWN, "a string with a backslash, which databases end at different places"))
        elif (token.kind, token.text) == ("other", "\\"):
            found.append(Found(UNKNOWN, "a command of psql's own"))
        if (token.kind, token.text) != ("other", ";"):
            statement.append(token)
        elif statement:
            found += _Statement(statement).read()
            statement = []
    return found


class _Statement:
    """One statement, read from its beginning on."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens, self._at = tokens, 0
        self._words = [token.word for token in tokens]

    def read(self) -> list[Found]:
        first = self._next()
        rules: dict[str, Callable[[], list[Found]]] = {
            "CREATE": self._create,
            "ALTER": self._alter,
            "DROP": self._drop,
            "INSERT": self._insert,
            "SELECT": self._select,
            "WITH": self._with,
            "TRUNCATE": partial(self._rows, "empties", "TABLE", "ONLY"),
            "DELETE": partial(self._rows, "deletes rows of", "FROM", "ONLY"),
            "UPDATE": partial(self._rows, "changes rows of", "ONLY"),
            "MERGE": partial(self._rows, "changes rows of", "INTO"),
            "GRANT": lambda: [Found(ADDS, "rights")],
            "REVOKE": lambda: [Found(CHANGES, "takes rights away")],
        }
        if first in rules:
            return rules[first]()
        if first in _SILENT:
            return [Found(ADDS, "", commits=True)] if "CONCURRENTLY" in self._words else []
        return [Found(ADDS, "", commits=True)] if first in _ENDS else self._cannot_tell()

    def _cannot_tell(self) -> list[Found]:
        return [Found(UNKNOWN, f"`{' '.join(token.text for token in self._tokens[:4])} …`")]

    def _next(self) -> str:
        """The next word, passed; nothing where there is none."""
        self._at += 1
        return self._words[self._at - 1] if self._at <= len(self._words) else ""

    def _takes(self, *wanted: str) -> bool:
        """Do these come next? Then they are passed."""
        if tuple(self._words[self._at : self._at + len(wanted)]) != wanted:
            return False
        self._at += len(wanted)
        return True

    def _skips(self, *skipped: str) -> None:
        while any(self._takes(word) for word in skipped):
            pass

    def _name(self) -> str | None:
        """A name as the database keeps it, with its schema where it has one; None where something else comes."""
        parts: list[str] = []
        while self._at < len(self._tokens) and self._tokens[self._at].kind in ("word", "name"):
            parts.append(self._tokens[self._at].name)
            self._at += 1
            if self._at >= len(self._tokens) or self._tokens[self._at].text != ".":
                return ".".join(parts)
            self._at += 1
        return None

    def _create(self) -> list[Found]:
        replaces = self._takes("OR", "REPLACE")
        kept = self._takes("MATERIALIZED")
        self._skips("GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "RECURSIVE", "CONSTRAINT")
        unique, kind = self._takes("UNIQUE"), self._next()
        together = kind == "INDEX" and self._takes("CONCURRENTLY")
        may_be_there = self._takes("IF", "NOT", "EXISTS")
        if kind == "INDEX":
            self._at = next((n + 1 for n in range(self._at, len(self._words)) if self._words[n] == "ON"), self._at)
            self._skips("ONLY")
            return [new_index(unique, self._name(), together)]
        name = self._name()
        if name is None or unique:
            return self._cannot_tell()
        if kind == "TABLE" and not replaces:
            made = Found(ADDS, f"the table {name}", creates=None if may_be_there else name)
            return [made, *self._query()]
        if kind in _MEDDLES:
            on = next((n + 1 for n in range(self._at, len(self._words)) if self._words[n] in ("ON", "TO")), self._at)
            self._at = on
            table = self._name()
            return [Found(CHANGES, f"a {kind.lower()} of {table or 'a table'}, which writes meet", table)]
        if kind not in _NEW and kind != "TABLE":
            return self._cannot_tell()
        what = f"the {kind.lower()} {name}"
        found = Found(CHANGES, f"replaces {what}") if replaces else Found(ADDS, what)
        return [found, *self._query()] if kept else [found]

    def _query(self) -> list[Found]:
        """What the query does that fills a new table, if there is one."""
        depth = 0
        for n, token in enumerate(self._tokens[self._at :], self._at):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and token.word in ("AS", "SELECT"):
                start = n + (token.word == "AS")
                while start < len(self._tokens) and self._tokens[start].text == "(":
                    start += 1
                return _Statement(self._tokens[start:]).read()
        return []

    def _alter(self) -> list[Found]:
        kind = self._next()
        if kind == "TYPE":
            name = self._name()
            adds = self._takes("ADD", "VALUE")
            return [Found(ADDS, f"a value of {name}") if adds else Found(CHANGES, f"changes the type {name}")]
        if kind != "TABLE":
            return [Found(CHANGES, f"changes the {kind.lower()} {self._name() or ''}".rstrip())] if kind else []
        self._takes("IF", "EXISTS")
        self._skips("ONLY")
        table = self._name()
        if table is None:
            return self._cannot_tell()
        rest = _Statement(self._tokens[self._at :])
        return [one for part in rest._parts() for one in _Statement(part)._action(table)]

    def _parts(self) -> Iterator[Sequence[Token]]:
        """What the commas part that stand in no parenthesis."""
        depth = 0
        part: list[Token] = []
        for token in self._tokens:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if token.text == "," and depth == 0:
                yield part
                part = []
            else:
                part.append(token)
        yield part

    def _action(self, table: str) -> list[Found]:
        """One thing that is done to a table."""
        verb = self._next()
        if verb == "ADD":
            return self._add(table)
        if verb == "VALIDATE":
            return [Found(ADDS, f"checks all rows of {table}")]
        if verb == "RENAME":
            return self._rename(table)
        if verb in ("DROP", "ALTER"):
            what = "drops" if verb == "DROP" else "changes"
            noun = "constraint" if self._takes("CONSTRAINT") else "column"
            self._skips("COLUMN")
            self._takes("IF", "EXISTS")
            return [Found(CHANGES, f"{what} the {noun} {table}.{self._name() or '?'}", table)]
        return [Found(CHANGES, f"changes the table {table}", table)] if verb in _TABLE else self._cannot_tell()

    def _rename(self, table: str) -> list[Found]:
        if self._takes("TO"):
            return [Found(CHANGES, f"renames the table {table} to {self._name() or '?'}", table, ends=True)]
        noun = "constraint" if self._takes("CONSTRAINT") else "column"
        self._skips("COLUMN")
        name, new = self._name(), self._name() if self._takes("TO") else None
        return [Found(CHANGES, f"renames the {noun} {table}.{name or '?'} to {new or '?'}", table)]

    def _add(self, table: str) -> list[Found]:
        column = self._takes("COLUMN")
        if not column and self._words[self._at : self._at + 1] and self._words[self._at] in _CONSTRAINT:
            return [Found(CHANGES, f"restricts the rows of {table}", table)]
        self._takes("IF", "NOT", "EXISTS")
        name = self._name()
        if name is None or name.upper() in ("INDEX", "KEY", "FULLTEXT", "SPATIAL"):
            return self._cannot_tell()
        if "DEFAULT" in self._words and _Statement(self._tokens[self._words.index("DEFAULT") :])._calls():
            return self._cannot_tell()
        says = list(self._outside())
        text, known = " ".join(says), set(says)
        if "CHECK" in known:  # it may be of other columns, too
            return self._cannot_tell()
        filled = bool(known & (_SERIAL | {"GENERATED"})) or ("DEFAULT" in known and "DEFAULT NULL" not in text)
        return [new_column(table, name, "NOT NULL" in text, filled, "UNIQUE" in known, "PRIMARY" in known)]

    def _outside(self) -> Iterator[str]:
        """The words that are left and stand in no parenthesis."""
        depth = 0
        for token in self._tokens[self._at :]:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and token.word:
                yield token.word

    def _drop(self) -> list[Found]:
        kind = self._next()
        self._skips("VIEW", "CONCURRENTLY")
        self._takes("IF", "EXISTS")
        name = self._name() or "?"
        what = f"drops the {kind.lower()} {name}" if kind else "drops something"
        together, table = "CONCURRENTLY" in self._words, name if kind == "TABLE" else None
        if any(token.text == "," for token in self._tokens):
            table = None  # it is not the only one
        return [Found(CHANGES, what, table, commits=together, ends=kind == "TABLE")]

    def _rows(self, what: str, *skipped: str) -> list[Found]:
        self._skips(*skipped)
        table = self._name()
        several = any(token.text == "," for token in self._tokens) and what == "empties"
        return [Found(CHANGES, f"{what} {table or 'a table'}", None if several else table)]

    def _insert(self) -> list[Found]:
        if not self._takes("INTO"):
            return self._cannot_tell()
        table = self._name()
        if "DO UPDATE" in " ".join(self._words) or "DUPLICATE" in self._words:
            return [Found(CHANGES, f"changes rows of {table or 'a table'}", table)]
        if self._writes():
            return [Found(CHANGES, "changes rows")]
        return [Found(ADDS, f"rows of {table or 'a table'}")] if not self._calls() else self._cannot_tell()

    def _writes(self) -> bool:
        """Does a WITH in it change rows?"""
        says = " ".join(self._words).replace("FOR UPDATE", "").replace("FOR NO KEY UPDATE", "").split()
        return bool({"UPDATE", "DELETE", "MERGE"} & set(says))

    def _calls(self) -> bool:
        """May a function be called in what is left that changes something?"""
        before = [None, *self._tokens[self._at :]]
        return any(
            token.kind in ("word", "name") and after.text == "(" and (token.word not in HARMLESS or _is_dot(first))
            for first, (token, after) in zip(before, pairwise(self._tokens[self._at :]), strict=False)
        )

    def _select(self) -> list[Found]:
        if "INTO" in self._words or self._calls():
            return self._cannot_tell()
        return []

    def _with(self) -> list[Found]:
        if self._writes():
            return [Found(CHANGES, "changes rows")]
        inserts = "INSERT" in self._words
        if self._calls() or ("INTO" in self._words and not inserts):
            return self._cannot_tell()
        return [Found(ADDS, "rows")] if inserts else []


def _is_dot(token: Token | None) -> bool:
    return token is not None and token.text == "."
