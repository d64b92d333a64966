"""Runs, as a journal has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.journal.coding import Entry, read
from tasks.timeline import story

ONE, TWO = "blockerbugs01.example", "blockerbugs02.example"
OLD, NEW = "blockerbugs-1.0.0-1.el7", "blockerbugs-1.1.0-1.el7"
URL = "https://qa.example/blockerbugs/"
BEGAN = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)


def entries(lines: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """What is read of a journal with these lines."""
    return read(json.dumps(line) for line in lines)


def tell(lines: Iterable[Mapping[str, Any]]) -> story.Story:
    """The story of the run that these lines tell."""
    return story.tell(entries(lines))


def at(seconds: float) -> str:
    """So many seconds after ten in the evening."""
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def event(after: float, name: str, /, run: str = "c0ffee12", **details: Any) -> dict[str, Any]:
    return {"time": at(after), "run": run, "event": name, **details}


def begin(**details: Any) -> dict[str, Any]:
    given = {
        "operator": "lbrabec@laptop",
        "set": "prod",
        "procedure": "major-upgrade",
        "target": NEW,
        "unverified": None,
        "hosts": {ONE: OLD, TWO: OLD},
        "order": [ONE, TWO],
        "steps": [["stop-httpd", ONE, TWO], ["upgrade-db", ONE], ["start-httpd", ONE, TWO]],
    }
    return event(0, "begin", **{**given, **details})


def phase(seconds: float, number: int, step: str, *hosts: str, command: str = "true") -> dict[str, Any]:
    return event(
        seconds, "phase", set="prod", number=number, step=step, says=f"do {step}", command=command, hosts=[*hosts]
    )


def host(state: str, seconds: float, taken: float, failure: str | None = None, output: str = "") -> dict[str, Any]:
    return {"state": state, "began": at(seconds), "seconds": taken, "failure": failure, "output": output.splitlines()}


def ended(seconds: float, number: int, step: str, **hosts: dict[str, Any]) -> dict[str, Any]:
    rows = {{"one": ONE, "two": TWO}[name]: row for name, row in hosts.items()}
    failed = any(row["failure"] for row in rows.values())
    return event(seconds, "ended", set="prod", number=number, step=step, failed=failed, hosts=rows)


STOPPED = [
    begin(),
    phase(1, 1, "stop-httpd", ONE, TWO, command="service httpd stop"),
    ended(3, 1, "stop-httpd", one=host("done", 1, 1.5), two=host("done", 1, 2.0, output="Stopping httpd")),
    phase(3, 2, "upgrade-db", ONE, command="blockerbugs upgrade_db"),
    ended(8, 2, "upgrade-db", one=host("failed", 3, 5.0, "exit status 1: no such table", "no such table")),
    event(9, "watched", url=URL, requests=80, failed=60, longest=7.0, outages=[[at(1.2), 7.0]]),
    event(9, "end", how="stopped half-way", code=5, seconds=9, httpd_down=7.5, hosts={ONE: NEW, TWO: NEW}),
]
NEXT_MORNING = 9 * 3600
RESUMED = [
    *STOPPED,
    event(NEXT_MORNING, "resume", operator="kparal@desk", set="prod"),
    phase(NEXT_MORNING + 1, 2, "upgrade-db", ONE),
    ended(NEXT_MORNING + 6, 2, "upgrade-db", one=host("done", NEXT_MORNING + 1, 5.0)),
    phase(NEXT_MORNING + 6, 3, "start-httpd", ONE, TWO),
    ended(
        NEXT_MORNING + 8,
        3,
        "start-httpd",
        one=host("done", NEXT_MORNING + 6, 1.0),
        two=host("done", NEXT_MORNING + 6, 2.0),
    ),
    event(NEXT_MORNING + 18, "waited", seconds=10, why="until the balancer sees it back"),
    event(NEXT_MORNING + 18, "watched", url=URL, requests=180, failed=70, longest=8.0, outages=[[at(NEXT_MORNING), 8]]),
    event(NEXT_MORNING + 19, "end", how="done", code=0, seconds=19, hosts={ONE: NEW, TWO: NEW}),
]
OF_THE_FIRST_VERSION = [
    event(0, "begin", operator="root@vm", set="prod", procedure="minor-upgrade", target=NEW, hosts={ONE: OLD}),
    event(1, "phase", set="prod", step="yum-update", hosts=[ONE]),
    event(3, "ended", set="prod", step="yum-update", failed=False, hosts={ONE: "done in 1.250 s"}),
    event(3, "phase", set="prod", step="healthy", hosts=[ONE]),
    event(5, "ended", set="prod", step="healthy", failed=True, hosts={ONE: "answers 500"}),
    event(5, "end", how="stopped half-way", seconds=5.0),
]
