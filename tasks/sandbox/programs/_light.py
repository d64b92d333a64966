"""json, signal and others by their halves in C: those in Python import enum and re, for longer than a program runs.

No public interface leads to these halves, but json, signal, socket, sqlite3 and threading themselves have had them from
there since Python 3.5 (hashlib has moved one); tests hold what is said here against json.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, make_encoder, make_scanner
from _signal import SIG_DFL, SIGINT, SIGKILL, SIGPIPE, SIGTERM, signal  # type: ignore[import-not-found]  # has no stub

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SIGINT", "SIGKILL", "SIGPIPE", "SIGTERM", "SIG_DFL", "dumps", "loads", "signal"]


class _Json:
    """What json.JSONDecoder has, too: what to make of each kind of value."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float, parse_int, parse_constant = float, int, float


def _refuse(value: object) -> object:
    raise TypeError(f"JSON has nothing for {value!r}")


_scan = make_scanner(_Json)  # type: ignore[arg-type]  # the stub asks for a scanner, json.decoder gives its own class
_encode = make_encoder({}, _refuse, encode_basestring_ascii, None, ": ", ", ", False, False, True)


def loads(text: str) -> Any:
    """The value that `text` begins with. Raises json's JSONDecodeError when it begins with none."""
    try:
        return _scan(text, 0)[0]
    except (StopIteration, SystemError):  # where nobody has imported json, the scanner finds no words for what is wrong
        import json

        return json.loads(text)


def dumps(value: object) -> str:
    """`value` as one line of JSON."""
    return "".join(_encode(value, 0))
