"""pgrep: `pgrep -f PATTERN`, among the programs of this host: the machine's other processes are not on it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress

from ._ends import Quit
from ._host import Host, not_known, say


def run(host: Host, args: list[str]) -> None:
    """The process ids whose command line matches; exit status 1 if there is none."""
    if len(args) != 2 or args[0] != "-f":
        raise not_known("pgrep", args)
    pattern = re.compile(args[1])
    found = False
    for pid, words in _processes():
        # A program's line ends with `main('ROOT')`, its name and its arguments.
        _, here, called = words.partition(f"main({host.root!r}))")
        if here and int(pid) != os.getpid() and pattern.search(called):
            say(pid)
            found = True
    raise Quit(0 if found else 1)


def _processes() -> Iterator[tuple[str, str]]:
    """This machine's: the process id, and the command line. From /proc, because not every machine has ps."""
    if os.path.isdir("/proc/self"):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError), open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                yield pid, file.read().replace("\0", " ").strip()
        return
    # Not by PATH: that begins with this host's own programs.
    listed = subprocess.run(["/bin/ps", "-ww", "-e", "-o", "pid=,args="], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        pid, _, words = line.strip().partition(" ")
        yield pid, words
