"""Times, numbers and a run's heading, as its page says them and others are told."""

from __future__ import annotations

from datetime import UTC, datetime

from ..fleet.output import duration as shortly
from .events import Around, Begin


def duration(seconds: float) -> str:
    """`0.5 s`, `42 s`, `3 min 5 s`, `9 h 12 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def clock(moment: float) -> str:
    """Seconds since 1970 as `2026-11-25 20:30:05 UTC`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def plural(number: int, noun: str) -> str:
    """`1 host`, `2 hosts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def heading(begin: Begin | None, host_set: str) -> str:
    """`prod: major upgrade to blockerbugs-1.1.0-1.el7`."""
    name = begin.procedure.replace("-upgrade", " upgrade") if begin else ""
    target = f" to {begin.target}" if begin and begin.target else ""
    return f"{host_set or 'unknown set'}: {name or 'a run whose beginning is not in the journal'}{target}"


def around(event: Around) -> str:
    """What became of something that stands around a run, in a sentence."""
    itself = f"ends by itself in {shortly(event.expires)}" if event.expires else ""
    done = "begun" if event.what == "begin" else "undone"
    if event.failure:
        return f"{event.part} could not be {done} ({event.failure}){f'; it {itself}' if itself else ''}"
    return f"{event.part}: {done}{f', {itself}' if itself else ''}"
