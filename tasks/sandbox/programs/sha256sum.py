"""sha256sum: `sha256sum FILE…`; /etc/x is the host's, not this machine's."""

from __future__ import annotations

from hashlib import sha256

from ._host import Host, Quit, complain, say


def run(host: Host, args: list[str]) -> None:
    """One line for each file: the checksum, two spaces, the name as it was given."""
    status = 0
    for name in [a for a in args if a != "--"]:
        try:
            with open(host.path(name), "rb") as file:
                say(f"{sha256(file.read()).hexdigest()}  {name}")
        except OSError as error:
            complain(f"sha256sum: {name}: {error.strerror}")
            status = 1
    raise Quit(status)
