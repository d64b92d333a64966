"""pgrep: `pgrep -f PATTERN`, among the programs of this host: the machine's other processes are not on it."""

from __future__ import annotations

import os
import re
import subprocess

from ._host import Host, Quit, say


def run(host: Host, args: list[str]) -> None:
    """The process ids whose command line matches; exit status 1 if there is none."""
    pattern = re.compile(args[-1])
    # Not by PATH: that begins with this host's own programs.
    listed = subprocess.run(["/bin/ps", "-ww", "-e", "-o", "pid=,args="], capture_output=True, text=True, check=True)
    found = False
    for line in listed.stdout.splitlines():
        pid, _, words = line.strip().partition(" ")
        # A program's line ends with `main('ROOT')`, its name and its arguments.
        _, here, called = words.partition(f"main({host.root!r})")
        if here and int(pid) != os.getpid() and pattern.search(called):
            say(pid)
            found = True
    raise Quit(0 if found else 1)
