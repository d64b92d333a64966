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

# The system's programs. Those of the application come beside them, called as fleet.json has it.
PROGRAMS = ("sudo", "rpm", "yum", "yum-complete-transaction", "service", "systemctl", "curl", "df", "sha256sum",
            "setsid", "pgrep", "socat", "rpm2cpio", "cpio")  # fmt: skip
# Python programs get an exception when their reader is gone; C programs and shell scripts die of SIGPIPE.
WRITTEN_IN_PYTHON = {"yum", "application"}


def main(root: str) -> None:
    """Run one program on the host with this root folder; ends the process with its status."""
    argv = sys.argv[1:]
    program = argv[0]
    host = Host(root, program)
    module = _module_of(program)
    if module not in WRITTEN_IN_PYTHON:
        _light.signal(_light.SIGPIPE, _light.SIG_DFL)
    _light.signal(_light.SIGINT, _light.SIG_DFL)
    host.event(argv, "start")
    try:
        _imported(module).run(host, argv[1:])
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


def _module_of(program: str) -> str:
    """The name of the module that is the program; one that is none of the system's is the application's."""
    name = program.replace("-", "_")
    return name if program in PROGRAMS else "application"


def _imported(name: str) -> ModuleType:
    module: ModuleType = __import__(f"{__package__}.{name}", fromlist=["run"])
    return module
