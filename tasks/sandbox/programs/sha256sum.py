"""sha256sum: `sha256sum FILE…`; /etc/x is the host's, not this machine's."""

from __future__ import annotations

from ._ends import Quit
from ._host import Host, complain, not_known, say

try:  # hashlib loads all of OpenSSL first: see _light
    from _sha2 import sha256  # type: ignore[import-not-found]  # Python 3.12 and later
except ImportError:
    from _sha256 import sha256  # type: ignore[import-not-found]


def run(host: Host, args: list[str]) -> None:
    """One line for each file: the checksum, two spaces, the name as it was given."""
    if any(name.startswith("-") and name != "--" for name in args) or not args:
        raise not_known("sha256sum", args)
    status = 0
    for name in [a for a in args if a != "--"]:
        try:
            with open(host.path(name), "rb") as file:
                say(f"{sha256(file.read()).hexdigest()}  {name}")
        except OSError as error:
            complain(f"sha256sum: {name}: {error.strerror}")
            status = 1
    raise Quit(status)
