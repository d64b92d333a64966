"""yum-complete-transaction: `--cleanup-only` forgets the transactions that a killed yum left."""

from __future__ import annotations

import os

from ._files import listed, remove
from ._host import Host, not_known, say


def run(host: Host, args: list[str]) -> None:
    """Remove the journals of unfinished transactions."""
    if args not in (["--cleanup-only"], ["--cleanup-only", "-y"], ["-y", "--cleanup-only"]):
        raise not_known("yum-complete-transaction", args)
    files = listed(os.path.join(host.root, "var/lib/yum"), "transaction-")
    if not files:
        say("No unfinished transactions left.")
        return
    for file in files:
        remove(file)
    say("Cleaning up completed transaction file\nNo unfinished transactions left.")
