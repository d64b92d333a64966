"""Where every program starts: `main(root)` with the program's name and arguments in sys.argv[1:]."""

from __future__ import annotations

import os
import sys

from . import _light
from ._ends import NoFleet, Quit
from ._host import Host, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# Python programs get an exception when their reader is gone; C programs and shell scripts die of SIGPIPE.
WRITTEN_IN_PYTHON = {"yum", "blockerbugs", "alembic"}


def main(root: str) -> None:
    """Run one program on the host with this root folder; ends the process with its status."""
    argv = sys.argv[1:]
    program = argv[0]
    if program not in WRITTEN_IN_PYTHON:
        _light.signal(_light.SIGPIPE, _light.SIG_DFL)
    _light.signal(_light.SIGINT, _light.SIG_DFL)
    host = Host(root)
    host.event(argv, "start")
    try:
        _module(program).run(host, argv[1:])
        status = 0
    except Quit as end:
        status = end.status
    except BrokenPipeError:
        # The reader is gone, and so is the chance to say it. The buffers must not be flushed again at exit.
        status = 1
    except (NoFleet, OSError) as error:
        complain(f"{program}: {error}")
        status = 1
    host.event(argv, "end", status)
    os._exit(status)


def _module(program: str) -> ModuleType:
    """The module that is the program."""
    module: ModuleType = __import__(f"{__package__}.{program.replace('-', '_')}", fromlist=["run"])
    return module
