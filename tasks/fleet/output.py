"""What a host says, made fit to be shown and kept: the one place every remote line passes through."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC: titles, links, anything up to its end
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
LONGEST = 16384  # characters of one line; no program that the SOP runs says more in one breath
_CUT = re.compile(r"(?P<keep>[a-z][a-z0-9+.-]{0,30}://)\S*$", re.I)  # a URI whose @ may have been cut off
_MARKS = re.compile("@|auth|pass|secret|token|key", re.I)  # without one of these there is no secret to look for
_SECRETS = (
    # the password in a URI: postgresql://user:PASSWORD@host/
    re.compile(r"(?P<keep>[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s]*(?P<tail>@)", re.I),
    # a token in its user's place: https://TOKEN@host; ssh's and git's users are none
    re.compile(r"(?P<keep>https?://)[^\s:/@]+(?P<tail>@)", re.I),
    # Authorization: Bearer TOKEN
    re.compile(r"(?P<keep>\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+)[^\s\"']+(?P<tail>)", re.I),
    # --password VALUE
    re.compile(
        r"(?P<keep>(?<!\S)--?(?:[\w-]{0,64}-)?(?:passw(?:or)?d|passphrase|secret|token|api-?key)\s+)"
        r"(?:\"[^\"]*(?:\"|$)|'[^']*(?:'|$)|(?!-)\S+)(?P<tail>)",
        re.I,
    ),
    # NAME = value, name: value, "name": "value" with a name that says it is one
    re.compile(
        r"(?P<keep>(?<![\w.-])[\w.-]{0,64}(?:passw(?:or)?d|passphrase|secret(?:[_-](?:access[_-])?key)?|token|(?:api|private)[_-]?key)\b[\"']?\s*[:=]\s*)"
        r"(?:[bru]{0,2}(?:\"(?:\\.|[^\"\\])*(?:\"|$)|'(?:\\.|[^'\\])*(?:'|$))|\S+)(?P<tail>)",
        re.I,
    ),
)


def duration(seconds: float) -> str:
    """`42 s`, `15 min`, `2 min 5 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")


def clean(line: str) -> str:
    """One line of remote output without control characters (S10) and without secrets (S6).

    Tabs stay, a carriage return keeps what stands after it, as a terminal would show it.
    """
    if len(line) > LONGEST:
        line = _CUT.sub(r"\g<keep>[redacted]", line[:LONGEST])
    line = plain(line)
    for secret in _SECRETS if _MARKS.search(line) else ():
        line = secret.sub(r"\g<keep>[redacted]\g<tail>", line)
    return line


def plain(line: str) -> str:
    """A line without control characters (S10); tabs stay, a carriage return keeps what stands after it."""
    line = _ESCAPES.sub("", line).rstrip("\r\n")
    return _CONTROLS.sub("", line.rsplit("\r", 1)[-1])
