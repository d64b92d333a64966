"""The outermost net: whatever nobody expected ends in a sentence, and never in a traceback on the operator's screen.

It is Python's own hook for what no one has caught, so it holds however `fab` and `invoke` were started: from the moment
the tasks are loaded (`spread`), and in the `fab` and `invoke` that ./run makes from the first moment, when Fabric reads
the operator's own configuration.
"""

from __future__ import annotations

import atexit
import errno
import os
import select
import sys
import threading
import time
import traceback
from contextlib import suppress
from types import TracebackType
from typing import Any

from .errors import Code, HalfWay, SopError
from .paths import state_dir

STREAMS = ("stdin", "stdout", "stderr")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
GONE = (errno.EPIPE, errno.EIO)  # what a pipe without a reader answers, and a terminal that is closed
_locked: list[str] = []


def locks(set_name: str) -> None:
    """From here on this process may hold the set's lock: an end that nobody expected says so."""
    unlocks(set_name)
    _locked.append(set_name)


def unlocks(set_name: str) -> None:
    """The lock was given back."""
    with suppress(ValueError):
        _locked.remove(set_name)


def spread() -> None:
    """Catch what nobody else does, until the process ends."""
    for number, name in enumerate(STREAMS):
        _open(number, name)
    sys.excepthook = told
    threading.excepthook = _told_of_a_thread
    atexit.register(_write_out)


def _open(number: int, name: str) -> None:
    """A stream that was closed by whoever started us is nowhere: the next file we open must not take its number."""
    if getattr(sys, name) is None:
        with suppress(OSError):
            os.fstat(number)
            number = -1  # it is open, and somebody else's
        if number >= 0:
            os.open(os.devnull, os.O_RDWR)
        setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    elif name != "stdin":
        getattr(sys, name).reconfigure(errors="backslashreplace")


def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """`sys.excepthook`: say what happened, and leave with the exit code that it has. Raises SystemExit."""
    if issubclass(kind, KeyboardInterrupt):
        _leave(Code.INTERRUPTED)
    if _is_for_nobody(error):
        before = error.__context__
        _nowhere(sys.stdout)
        _nowhere(sys.stderr)
        _leave(before.exit_code if isinstance(before, SopError) else Code.DONE)
    end = _lost(error) or (None if _locked else _known(error, trace))
    end = end or _unknown(error, _kept("".join(traceback.format_exception(kind, error, trace))))
    with suppress(OSError, ValueError):
        print(end, file=sys.stderr, flush=True)
    _leave(end.exit_code)


def _told_of_a_thread(args: Any) -> None:
    """`threading.excepthook`: the process goes on, and what waits for the thread has its own end."""
    if args.exc_type is SystemExit:
        return
    where = _kept("".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)))
    with suppress(OSError, ValueError):
        print(f"warning: unexpected: {_named(args.exc_value)}; {where}", file=sys.stderr, flush=True)


def _known(error: BaseException, trace: TracebackType | None) -> SopError | None:
    """What an operator's file, variable or word has caused before any task was begun."""
    try:
        from .causes import cause

        return cause(error, trace)
    except Exception:  # noqa: BLE001  # who looks for the cause must not hide what happened
        return None


def _unknown(error: BaseException, where: str) -> SopError:
    what = f"unexpected: {_named(error)}"
    if not _locked:
        return SopError(what, where)
    name = _locked[-1]
    still = f"{name} stays locked by this run; a step that was running goes on"
    return HalfWay(what, where, still, next_line=f"fab {name} status")


def _named(error: BaseException | None) -> str:
    from .fleet.output import clean

    text = clean(" ".join(str(error).split()))[:300]
    return f"{type(error).__name__}{': ' if text else ''}{text}"


def _kept(text: str) -> str:
    """Write the details into the state directory; where they are, or why they are not, with the last line of code."""
    name = f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    try:
        folder = state_dir() / "unexpected"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / name).touch(mode=0o600)
        with (folder / name).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{' '.join(sys.argv)}\n{text}")
    except (OSError, SopError) as error:
        last = [line.strip() for line in text.splitlines() if line.lstrip().startswith("File ")][-1:]
        return f"the details could not be kept ({error}): {''.join(last)}"
    return f"the details are in {folder / name}"


def _is_for_nobody(error: BaseException) -> bool:
    """Is it one of our own two streams that nobody reads any more: a pipe whose reader has left, a closed terminal?"""
    if not isinstance(error, OSError) or error.filename or error.errno not in GONE:
        return False
    watched = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            watched.register(stream.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLNVAL | select.POLLHUP) for _, event in watched.poll(0))


def _lost(error: BaseException) -> SopError | None:
    """Output that could not be written, on a full disk for one: files that we write ourselves have their own words."""
    if _locked or not isinstance(error, OSError) or error.filename or error.errno not in FULL:
        return None
    _nowhere(sys.stdout)
    return SopError(f"the output could not be written: {error.strerror}")


def _nowhere(stream: Any) -> None:
    """What is in the buffer has to go somewhere, too: Python writes it out when it ends, and would complain."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _leave(code: int) -> None:
    raise SystemExit(int(code))


def _write_out() -> None:
    """At the end: what is still in the buffers. A reader that has gone is fine, output that is lost is a failure."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        for_nobody = _is_for_nobody(error)
        _nowhere(sys.stdout)
        if for_nobody:
            return
        with suppress(OSError, ValueError):
            why = getattr(error, "strerror", None) or error
            print(SopError(f"the output could not be written: {why}"), file=sys.stderr, flush=True)
        os._exit(int(Code.FAILED))
