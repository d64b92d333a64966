"""What a host says, made fit to be shown and kept: the one place every remote line passes through."""

from __future__ import annotations

import re

from .secret import redacted

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC: titles, links, anything up to its end
    r"|\x1b[ -/]*[0-~]?"
)
# Controls, what turns the direction, and what has no width: in the middle of a word it would hide the word from us.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
LONGEST = 16384  # characters of one line; no program that the SOP runs says more in one breath
CUT_OFF = " (the rest of this line is cut off)"
_CUT = re.compile(r"(?P<keep>[a-z][a-z0-9+.-]{0,30}://)\S*$", re.I)  # a URI whose @ may have been cut off
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----(?!.*-----END )")
LONGEST_KEY = 200  # lines


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
        line = _CUT.sub(r"\g<keep>[redacted]", line[: LONGEST - len(CUT_OFF)]) + CUT_OFF
    return redacted(plain(line))


def plain(line: str) -> str:
    """A line without control characters (S10); tabs stay, a carriage return keeps what stands after it."""
    line = _ESCAPES.sub("", line).rstrip("\r\n")
    return _UNSEEN.sub("", line.rsplit("\r", 1)[-1])


class Cleaner:
    """Cleans the lines of one output, of which some belong together: those of a private key."""

    def __init__(self) -> None:
        self._key = 0  # lines of it that may still come

    def line(self, text: str) -> str:
        """`text` cleaned; nothing, if it is the inside of a private key."""
        cleaned = clean(text)
        if self._key:
            self._key = 0 if "-----END " in cleaned else self._key - 1
            return ""
        if _KEY_BEGINS.search(cleaned):
            self._key = LONGEST_KEY
        return cleaned
