"""The kinds of text in hosts.yml: the pattern of each, and what is told about a text that does not match it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from .output import clean


def _text(wanted: str) -> WrapValidator:
    """Says `wanted` where a text does not match its pattern; `{}` in it is that text."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            if error.errors()[0]["type"] != "string_pattern_mismatch":
                raise
            raise ValueError(wanted.replace("{}", ascii(clean(value)[:60]))) from None

    return WrapValidator(check)


_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_VERSION = r"[A-Za-z0-9][A-Za-z0-9._+~^]*"
HostName = Annotated[
    str,
    StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253),
    _text("{} is no host name; user and port belong in ~/.ssh/config"),
]
Version = Annotated[
    str,
    StringConstraints(pattern=rf"^{_VERSION}(-{_VERSION})?$", max_length=128),
    _text("{} is no version: VERSION or VERSION-RELEASE is wanted, as rpm has it"),
]
SetName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=63),
    _text("{} is no name for a set: a small letter is wanted, then small letters, digits and dashes"),
]
PackageName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=128), _text("{} is no package's name")
]
ServiceName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$", max_length=128), _text("{} is no service's name")
]
RepoName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=128),
    _text("{} is no repository's name: one is wanted, without wildcards"),
]
FilePath = Annotated[
    str,
    StringConstraints(pattern=r"^/[^\x00-\x1f\x7f]*$", max_length=1024),
    _text("{} is no file's full path: it begins with /"),
]
UrlPath = Annotated[
    str,
    StringConstraints(pattern=r"^/[!-~]*$", max_length=1024),
    _text("{} is no page's path: it begins with /, and has no blanks"),
]
Url = Annotated[
    str,
    # No user and password in front of the host: urllib would take them for a port.
    StringConstraints(pattern=r"^https?://[!-\"$-.0->A-~]+([/?#][!-~]*)?$", max_length=2048),
    _text("is no address to be watched: http:// or https:// is wanted, without blanks, user and password"),
]
Address = Annotated[
    str,
    StringConstraints(pattern=r"^(\$\{[A-Za-z_]|[a-z][a-z0-9+-]*:)[!-~]*$", max_length=2048),
    _text("is no address: it begins with ${NAME} or a scheme, as mailto:, and has no blanks"),
]
Line = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=4096),
    _text("one line is wanted, not empty, without control characters"),
]
Folder = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._/-]+$", max_length=1024),
    _text("{} is no folder: letters, digits, dots, dashes and / are wanted"),
]
