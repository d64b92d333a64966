"""setsid: a command in a session of its own. The host's power is its own too: it ends when the host goes down."""

from __future__ import annotations

import os
import select

from . import _control, _light
from ._ends import Quit
from ._host import Host, complain


def run(host: Host, args: list[str]) -> None:
    """`setsid COMMAND…`, and its exit status."""
    if not args:
        complain("setsid: no command specified")
        raise Quit(1)
    power = _control.dial(host.home, "hold", host=host.name)
    over, end = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        # `end` is the child's and its children's alone: it reads as closed when none of them runs any more.
        os.set_inheritable(end, True)
        try:
            os.execvp(args[0], args)
        finally:
            os._exit(127)
    os.close(end)
    os.setsid()
    if power.fileno() in select.select([power.fileno(), over], [], [])[0]:
        os.killpg(child, _light.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    raise Quit(status if status >= 0 else 128 - status)
