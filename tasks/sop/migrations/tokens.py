"""SQL in its smallest parts: words, names in quotes, strings. PostgreSQL's, where databases differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .found import Unreadable

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
    |(?P<comment>/\*)
    |(?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")+"|`[^`]+`)
    |(?P<body>\$(?:[A-Za-z_][A-Za-z_0-9]*)?\$)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<other>.)""",
    re.X | re.S,
)
_COMMENT = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class Token:
    """kind: space, string, name (a quoted one), word, number or other; text: as it stands there."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """In capitals, where it is a word."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """As the database keeps it: in small letters, unless it stands in quotes."""
        return self.text.lower() if self.kind == "word" else self.text[1:-1].replace('""', '"')


def tokens(text: str) -> Iterator[Token]:
    """What a text is made of, without blanks and comments. Raises Unreadable where something does not end."""
    at = 0
    while match := _TOKEN.match(text, at):
        kind, at = match.lastgroup or "", match.end()
        if kind == "comment":
            at = _after_comment(text, at)
        elif kind == "body":
            end = text.find(match[0], at)
            if end < 0:
                raise Unreadable(f"{match[0]} begins a text that does not end")
            at = end + len(match[0])
            yield Token("string", "")
        elif kind == "other" and match[0] in "'\"`":
            raise Unreadable(f"{match[0]} begins a text that does not end")
        elif kind != "space":
            yield Token(kind, match[0])


def _after_comment(text: str, at: int) -> int:
    """Comments may stand in comments."""
    if text[at : at + 1] in ("!", "+"):
        raise Unreadable("it has a comment that some databases carry out")
    depth = 1
    while depth and (match := _COMMENT.search(text, at)):
        depth += 1 if match[0] == "/*" else -1
        at = match.end()
    if depth:
        raise Unreadable("/* begins a comment that does not end")
    return at
