"""Secrets in a settings template: found by the names they stand under and by their shape, in Python and in Jinja2.

A template's expression (`{{ blockerbugs_secret_key }}`) is no secret; a literal in its place is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..fleet.output import plain
from .secret_names import is_secret

REDACTED = "[redacted]"
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?P<secret>.*?)(?:-----END|\Z)", re.S)
# What is a secret by its looks: tokens of GitHub, GitLab, Slack, AWS, Google, Stripe, JWT, addresses of hooks.
_SHAPES = re.compile(
    r"(?P<secret>\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{30,}|\b[sr]k_live_\w{16,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})"
    r"|https?://(?:hooks\.[\w.-]+|[\w.-]*webhook[\w.-]*)/(?P<hook>[^\s'\"{]{8,})"
    r"|https?://[\w.-]+/(?:api/)?(?:web)?hooks?/(?P<path>[^\s'\"{]{8,})",
    re.I,
)
_PATH = re.compile(r"/[\w./-]+\.(?:json|pem|key|crt|cert|txt|ya?ml|cfg|ini|conf|secret)")
_LOOKED_UP = frozenset({"getenv", "get", "open", "lookup", "import_module", "Path", "read_text"})
_OPTION = re.compile(
    r"(?:\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+|(?<!\S)--?[\w-]{0,64}(?:passw(?:or)?d|passphrase"
    r"|secret|token|api-?key)[\s=]+)[\"']?(?P<secret>[^\s'\"]+)",
    re.I,
)
_DEFAULTED = re.compile(
    r"(?:^\s*|\b(?:default|d)\(\s*|\b(?:or|else)\s+|[~+]\s*)(?P<secret>'(?:\\.|[^'\\])+'|\"(?:\\.|[^\"\\])+\")"
)


@dataclass(frozen=True)
class Marks:
    """How a template's expressions, statements and comments begin and end; a `#jinja2:` header may say otherwise."""

    expression: tuple[str, str] = ("{{", "}}")
    statement: tuple[str, str] = ("{%", "%}")
    comment: tuple[str, str] = ("{#", "#}")

    def _between(self, marks: tuple[str, str]) -> str:
        begin, end = map(re.escape, marks)
        return rf"{begin}(?:(?!{end})[\s\S])*{end}"

    @cached_property
    def expressions(self) -> re.Pattern[str]:
        """An expression."""
        return re.compile(self._between(self.expression))

    @cached_property
    def tokens(self) -> re.Pattern[str]:
        """The next token of Python in which template's parts stand."""
        part = f"{self._between(self.expression)}|{self._between(self.statement)}"
        return re.compile(
            rf"(?P<hidden>{self._between(self.comment)}|#[^\n]*)|(?P<expression>{self._between(self.expression)})"
            rf"|(?P<statement>{self._between(self.statement)})"
            r"|(?P<string>[bBrRuUfF]{0,2}(?:'''[\s\S]*?(?:'''|\Z)|\"\"\"[\s\S]*?(?:\"\"\"|\Z)"
            rf"|'(?:\\[\s\S]|{part}|[^'\\\n])*'?|\"(?:\\[\s\S]|{part}|[^\"\\\n])*\"?))"
            r"|(?P<name>[^\W\d]\w*)|(?P<number>\d\w*)|(?P<space>(?:[^\S\n]|\\\n)+)|(?P<sign>[=!<>]?=|[\s\S])"
        )

    @cached_property
    def address(self) -> re.Pattern[str]:
        """`://user:SECRET@host`, `https://SECRET@host`."""
        expression = self._between(self.expression)
        user = rf"(?:{expression}|[^\s:/@'\"])*"
        return re.compile(
            rf"://{user}:(?P<secret>(?:{expression}|[^\s@'\"]|@(?=[^\s'\"/]*@))+)@|https?://(?P<token>{user})@", re.I
        )


@dataclass(frozen=True)
class Secret:
    """Where one stands: from its first character to behind its last. name: what it is called.

    literal: it is surely written here, so that whoever reads the repository has it.
    """

    start: int
    end: int
    name: str
    literal: bool = True


def shown(text: str, marks: Marks) -> list[str]:
    """The lines of a template without its secrets and without control characters; as many as it has."""
    pieces, at = [], 0
    for secret in sorted(found(text, marks), key=lambda one: (one.start, -one.end)):
        if secret.end > at:
            start = max(at, secret.start)
            hidden = text[start : secret.end].split("\n")
            pieces += [text[at:start], "\n".join(REDACTED if line.strip() else line for line in hidden)]
            at = secret.end
    lines = "".join([*pieces, text[at:]]).split("\n")
    return [plain(line) for line in lines]


def literals(text: str, marks: Marks) -> dict[tuple[str, str], int]:
    """The secrets that are written in a template: (name, value) → line."""
    return {
        (one.name, text[one.start : one.end]): text.count("\n", 0, one.start) + 1
        for one in sorted(found(text, marks), key=lambda one: -one.start)
        if one.literal
    }


def found(text: str, marks: Marks) -> Iterator[Secret]:
    """Every secret in a template; some of them twice."""
    for match in _PEM.finditer(text):
        if marks.expressions.sub("", match["secret"]).strip("\\n \n\r\t\"'"):
            yield Secret(*match.span("secret"), "a private key")
    for match in _SHAPES.finditer(text):
        group = match.lastgroup or "secret"
        yield Secret(*match.span(group), "a token" if group == "secret" else "a webhook's address")
    for match in marks.address.finditer(text):
        group = "secret" if match["secret"] else "token"
        value = match[group] or ""
        if value and not marks.expressions.search(value):
            yield Secret(*match.span(group), "a password in an address")
    block = rf"{re.escape(marks.statement[0])}[-+]?\s*set\s+(\w+)\s*[-+]?{re.escape(marks.statement[1])}"
    for match in re.finditer(rf"{block}(?P<body>[\s\S]*?){re.escape(marks.statement[0])}[-+]?\s*endset", text):
        if is_secret(match[1]) and marks.expressions.sub("", match["body"]).strip():
            yield Secret(*match.span("body"), match[1])
    yield from _in_code(text, 0, marks)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def _in_code(text: str, offset: int, marks: Marks) -> Iterator[Secret]:
    tokens = []
    for match in marks.tokens.finditer(text):
        token = _Token(match.lastgroup or "", match[0], offset + match.start())
        if token.kind == "hidden":
            begin, end = marks.comment if token.text.startswith(marks.comment[0]) else ("#", "")
            hidden = token.text[len(begin) : len(token.text) - len(end)]
            yield from _in_code(hidden, token.start + len(begin), marks)
            yield from _in_words(token, marks)
        elif token.kind == "statement":
            inner = len(marks.statement[0])
            yield from _in_code(token.text[inner : -len(marks.statement[1])], token.start + inner, marks)
        elif token.kind == "string":
            yield from _in_words(token, marks)
        if token.kind not in ("hidden", "statement", "space"):
            tokens.append(token)
    for index, token in enumerate(tokens):
        name = token.text.strip("bBrRuUfF").strip("'\"") if token.kind == "string" else token.text
        if token.kind in ("name", "string") and is_secret(name) and " " not in name:
            yield from _values(name, tokens, _after_name(tokens, index), marks)


def _after_name(tokens: list[_Token], index: int) -> int:
    """Behind the name's `=`, `:` or `,` (of `get("NAME", …)`), and its subscripts; behind all, if it has none."""
    at = index + 1
    while at < len(tokens):
        sign = tokens[at].text
        if sign in ("=", "==", "!=", ":") or (sign == "," and tokens[index].kind == "string"):
            return at + 1
        if sign == "," and tokens[index].kind == "name":  # SECRET, DEBUG = 'x', False
            line = [token.text for token in tokens[at : at + 40]]
            line = line[: line.index("\n")] if "\n" in line else line
            opened = any(token.text in "([{" for token in tokens[max(0, index - 1) : index])
            return at + line.index("=") + 1 if "=" in line and not opened else len(tokens)
        if sign in ("+", "]", ")") or (sign == "[" and tokens[index].kind == "name"):
            at = _closing(tokens, at) + 1 if sign == "[" else at + 1
            continue
        break
    return len(tokens)


def _closing(tokens: list[_Token], at: int) -> int:
    depth = 0
    for index in range(at, len(tokens)):
        depth += {"[": 1, "]": -1}.get(tokens[index].text, 0)
        if not depth:
            return index
    return len(tokens)


def _values(name: str, tokens: list[_Token], at: int, marks: Marks) -> Iterator[Secret]:
    """The literals of the expression that begins at `at`: to its line's end, or in brackets to a comma."""
    depth, begun = 0, False
    inside = _depth(tokens, at) > 0
    for index in range(at, len(tokens)):
        token = tokens[index]
        if token.text in ("(", "[", "{"):
            depth += 1
        elif token.text in (")", "]", "}"):
            depth -= 1
        if depth < 0 or (not depth and begun and token.text == ("," if inside else "\n")):
            return
        begun = begun or token.text != "\n"
        if token.kind == "string" and not _key(tokens, index):
            yield from _in_string(name, token, marks)
        elif token.kind == "expression":
            yield from _in_expression(name, token, marks)
        elif token.kind == "number" and re.fullmatch(r"\d{4,}", token.text):
            yield Secret(token.start, token.end, name)


def _depth(tokens: list[_Token], at: int) -> int:
    """How many brackets are open before `at`; looked for as far back as a value may reach."""
    depth = 0
    for token in tokens[max(0, at - 400) : at]:
        depth = max(0, depth + {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0))
    return depth


def _key(tokens: list[_Token], index: int) -> bool:
    """Is this string what something is looked up by: `environ["X"]`, `getenv("X")`, or a key: `{"user": …}`?"""
    before = tokens[index - 1] if index else None
    owner = tokens[index - 2] if index > 1 else None
    if index + 1 < len(tokens) and tokens[index + 1].text == ":":
        return True
    if not before or not owner:
        return False
    if before.text == "[":
        return owner.kind == "name" or owner.text in ")]"
    return before.text == "(" and owner.text in _LOOKED_UP


def _in_string(name: str, token: _Token, marks: Marks) -> Iterator[Secret]:
    content = token.text.lstrip("bBrRuUfF").strip("'\"")
    expressions = list(marks.expressions.finditer(token.text))
    if not expressions:
        if content.strip() and not _PATH.fullmatch(content):
            yield Secret(token.start, token.end, name)
        return
    for match in expressions:
        yield from _in_expression(name, _Token("expression", match[0], token.start + match.start()), marks)
    if "://" in token.text or re.match(r"\W*(bearer|basic|token)\s", content, re.I):
        return
    at = 0
    for start, end in [*(match.span() for match in expressions), (len(token.text), len(token.text))]:
        if len(re.findall(r"\w", token.text[at:start])) >= 4:
            yield Secret(token.start + at, token.start + start, name)
        at = end


def _in_expression(name: str, token: _Token, marks: Marks) -> Iterator[Secret]:
    """The literals in an expression that can be its value: `{{ 'x' }}`, `{{ a | default('x') }}`."""
    begin = len(marks.expression[0])
    for match in _DEFAULTED.finditer(token.text[begin:]):
        start = token.start + begin
        yield Secret(start + match.start("secret"), start + match.end("secret"), name)


def _in_words(token: _Token, marks: Marks) -> Iterator[Secret]:
    """`password=hunter2` in a string or a comment: in `key: value`'s form it may be prose, so it is only hidden."""
    for match in _OPTION.finditer(token.text):
        if not marks.expressions.search(match["secret"]) and not match["secret"].startswith(marks.expression[0]):
            yield Secret(token.start + match.start("secret"), token.start + match.end("secret"), "an option")
    words = re.compile(r"(?<![\w.-])([\w.-]{1,64})[\"']?\s*([:=])\s*([\"']?)(?=(?P<secret>[^\s;&,'\"]+))")
    for match in words.finditer(token.text):
        value = match["secret"]
        if is_secret(match[1]) and not value.startswith(
            (*marks.expression[:1], *marks.statement[:1], "//", "%(", "{", "$")
        ):
            sure = match[2] == "=" or bool(match[3])
            yield Secret(token.start + match.start("secret"), token.start + match.end("secret"), match[1], sure)
