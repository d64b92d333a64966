"""rpm2cpio: `rpm2cpio FILE`: what is in a package, for cpio."""

from __future__ import annotations

from ._ends import Quit
from ._host import Host, complain, not_known, say


def run(host: Host, args: list[str]) -> None:
    """Hand the package on as it is: cpio here reads no other archive."""
    if len(args) != 1 or args[0].startswith("-"):
        raise not_known("rpm2cpio", args)
    try:
        with open(host.path(args[0]), encoding="utf-8") as file:
            say(file.read(), end="")
    except OSError as error:
        complain(f"error: cannot open {args[0]}: {error.strerror}")
        raise Quit(1) from None
