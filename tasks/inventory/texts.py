"""The kinds of text in hosts.yml: the pattern of each, and what is told about a text that does not match it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Annotated

from ..fleet.output import clean
from .declared import AfterValidator


def _text(pattern: str, longest: int, wanted: str, shown: Callable[[str], str] = ascii) -> AfterValidator:
    """All of a text matches `pattern`, in `longest` characters at most; else `wanted` is said, `{}` in it being it.

    shown: how it is written there.
    """

    def check(text: str) -> str:
        if len(text) > longest:
            raise ValueError(f"is longer than {longest} characters")
        if not re.fullmatch(pattern, text):
            raise ValueError(wanted.replace("{}", shown(clean(text)[:60])))
        return text

    return AfterValidator(check)


def _expression(text: str) -> str:
    """As grep -E has them; Python's differ in what hardly anybody writes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return text


def _matched(text: str) -> str:
    """What a label is to be: a text, or ~ and a regular expression."""
    return f"~{_expression(text[1:])}" if text.startswith("~") else text


def _without_user_and_port(text: str) -> str:
    if "@" in text or ":" in text:
        raise ValueError(f"{clean(text)[:60]!a} is no host name; user and port belong in ~/.ssh/config")
    return text


def _to_a_host(text: str) -> str:
    """An address leads to a host, and to a port where it names one."""
    from urllib.parse import urlsplit  # only where a file is read strictly

    try:
        parts = urlsplit(text)
        leads = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an end, a port beyond 65535
        leads = False
    if not leads:
        raise ValueError("is no address: a host is wanted, and a port from 1 to 65535 if any")
    return text


_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_VERSION = r"[A-Za-z0-9][A-Za-z0-9._+~^]*"
_HOST = "{} is no host name: host names are ASCII letters, digits, - and ."
_SET = "invalid set name {}: lower-case letters, digits and dashes, starting with a letter"
_REPO = "{} is no repository's name: one is wanted, without wildcards"
_FOLDER = "{} is no folder: letters, digits, dots, dashes and / are wanted"
_SOCKET = "{} is no socket's full path: letters, digits, dots, dashes and / are wanted, and / in front"
_IN_HAPROXY = "{} is no name in haproxy: letters, digits, dots, colons, dashes and underscores are wanted"
_PAGE = "{} is no page's path: it begins with /, and has no blanks"
_WATCHED = "is no address to be watched: http:// or https:// is wanted, without blanks, user and password"
_ASKED = "is no address: http:// or https:// is wanted, without blanks, user and password (headers has a token)"
_TOLD = "is no address: it begins with ${NAME} or a scheme, as mailto:, and has no blanks"

HostName = Annotated[
    str, AfterValidator(_without_user_and_port), _text(rf"{_LABEL}(\.{_LABEL})*", 253, _HOST, shown=repr)
]
Version = Annotated[
    str,
    _text(rf"{_VERSION}(-{_VERSION})?", 128, "{} is no version: VERSION or VERSION-RELEASE is wanted, as rpm has it"),
]
SetName = Annotated[str, _text(r"[a-z][a-z0-9-]*", 63, _SET)]
PackageName = Annotated[str, _text(r"(?!none$)[A-Za-z0-9][A-Za-z0-9._+-]*", 128, "{} is no package's name")]
ServiceName = Annotated[str, _text(r"(?!none$)[A-Za-z0-9][A-Za-z0-9._@-]*", 128, "{} is no service's name")]
TimerName = Annotated[
    str, _text(r"[A-Za-z0-9][A-Za-z0-9._@-]*[.]timer", 128, "{} is no timer's name: it ends with .timer")
]
RepoName = Annotated[str, _text(r"[A-Za-z0-9][A-Za-z0-9._:-]*", 128, _REPO)]
FilePath = Annotated[str, _text(r"/[^\x00-\x1f\x7f]*", 1024, "{} is no file's full path: it begins with /")]
AnyPath = Annotated[
    str, _text(r"[^\x00-\x1f\x7f,-][^\x00-\x1f\x7f,]*", 1024, "{} is no path of a file or folder, or has a comma")
]
GroupName = Annotated[
    str, _text(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", 128, "{} is no group's name: one is wanted, without patterns")
]
Folder = Annotated[str, _text(r"[A-Za-z0-9._/-]+", 1024, _FOLDER)]
# socat takes commas and colons in a socket's name for something else.
SocketPath = Annotated[str, _text(r"/[A-Za-z0-9._/-]*[A-Za-z0-9._-]", 1024, _SOCKET)]
ProxyName = Annotated[str, _text(r"[A-Za-z0-9_.:-]+", 128, _IN_HAPROXY)]
PartName = Annotated[str, _text(r"[a-z][a-z0-9-]*", 40, "{} is no name: small letters, digits and dashes are wanted")]
LabelName = Annotated[str, _text(r"[a-zA-Z_][a-zA-Z0-9_]*", 128, "{} is no label's name, as Prometheus has them")]
HeaderName = Annotated[str, _text(r"[A-Za-z0-9-]+", 128, "{} is no header's name")]
NagiosName = Annotated[str, _text(r"[A-Za-z0-9][A-Za-z0-9 ._-]*", 253, "{} is no host's name in nagios")]
UrlPath = Annotated[str, _text(r"/[!-~]*", 1024, _PAGE)]
# No user and password in front of the host: urllib would take them for a port.
Url = Annotated[str, _text(r"https?://[!-\"$-.0->A-~]+([/?#][!-~]*)?", 2048, _WATCHED), AfterValidator(_to_a_host)]
ApiUrl = Annotated[str, _text(r"https?://[!-\"$-.0->A-~]+(/[!-~]*)?", 2048, _ASKED), AfterValidator(_to_a_host)]
Address = Annotated[str, _text(r"(\$\{[A-Za-z_]|[a-z][a-z0-9+-]*:)[!-~]*", 2048, _TOLD)]
Pattern = Annotated[
    str,
    _text(r"[^\x00-\x1f\x7f]+", 4096, "one line is wanted, not empty, without control characters"),
    AfterValidator(_expression),
]
Matched = Annotated[
    str,
    _text(r"[^\x00-\x1f\x7f]+", 4096, "one line is wanted, not empty, without control characters"),
    AfterValidator(_matched),
]
Line = Annotated[str, _text(r"[^\x00-\x1f\x7f]+", 4096, "one line is wanted, not empty, without control characters")]
