"""What --json writes is what docs/json.md says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import HalfWay
from tasks.fleet.outcome import Outcome
from tasks.journal.events import Around, Blocked
from tasks.journal.history import Past
from tasks.report.jsonl import Machine
from tasks.run.lock_file import Lock
from tasks.run.observer import EVENTS
from tasks.run.probe import Seen
from tasks.run.remaining import Remaining
from tasks.sop.migrations import cannot_tell
from tasks.sop.model import Schema
from tasks.sop.restarts import Restart
from tasks.sop.transaction import Change, Transaction
from tests.unit.builders import NEW, OLD, ONE, TWO, found, prod, well
from tests.unit.report.values import ended, planned

PAGE = Path(__file__).parents[3] / "docs" / "json.md"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
ROW = re.compile(r"^\| ([a-z_\[\].]+) \| (\w+\??) \|", re.M)
LOCK = Lock("abcd", "lbrabec@laptop", "2026-11-25T20:00:00+00:00", "major-upgrade")

PAST = Past(
    run="abcd",
    began=datetime(2026, 11, 25, 20, tzinfo=UTC).timestamp(),
    who=("lbrabec@laptop",),
    what="major-upgrade",
    before=(OLD,),
    after=(NEW,),
    how="done",
    well=True,
    stops_httpd=True,
    httpd_down=1.2,
    still_down=False,
    seconds=9.0,
    target=NEW,
    put_back=(ONE.name,),
)


def documented() -> dict[str, dict[str, str]]:
    """Event → key → type."""
    text = PAGE.read_text(encoding="utf-8")
    common, *sections = re.split(r"^## ", text, flags=re.M)
    return {part.split("\n", 1)[0]: {**_rows(common), **_rows(part)} for part in sections}


def _rows(part: str) -> dict[str, str]:
    rows = dict(ROW.findall(part))
    rows.pop("key", None)
    return rows


def everything_told() -> list[dict[str, Any]]:
    """One of each event, and some that go badly."""
    stream = StringIO()
    machine = Machine(stream)
    plan = planned("major-upgrade", host_set=prod(url="https://qa.example/blockerbugs/", around=[{"begin": "x"}]))
    along = Transaction((Change(NEW.name, NEW.vr, "noarch", "update"), Change("libbugs", "2.0-1", "noarch", "install")))
    plan = replace(plan, facts={**plan.facts, ONE: replace(plan.facts[ONE], would=along)})
    phase, run = plan.phases[0], ended(plan, "exit status 1")
    machine.said("blockerbugs01", "Please touch the device.")
    machine.waits_for([ONE, TWO], "to connect", 5.0)
    machine.looking((ONE, TWO))
    machine.plan(replace(plan, migrations=(cannot_tell("/v/2b.py", "it has no upgrade()"),)))
    machine.nothing_to_do(plan)
    machine.blocked(Blocked("prod", ONE.name, 5.0, ("4711 psql",), "1a0c9", "1a0c9", False))
    machine.resume(plan, LOCK, [Remaining({ONE: "01-download"}, (ONE,), (ONE,)) for _ in plan.phases])
    machine.held(prod(), LOCK, {ONE: {"04-yum-update": "runs"}})
    machine.aborted(prod(), LOCK, found(prod(), well(service="inactive")))
    machine.free(prod(), found(prod(), well(service="inactive", paused="0123abcd")), "prod is unlocked")
    machine.phase(1, 10, phase)
    machine.line(ONE, "Complete!")
    machine.done(ONE, 1.0)
    machine.failed(TWO, "exit status 1")
    machine.unknown(TWO, "the connection was lost")
    machine.lost(ONE, 110.0)
    machine.restarted(Restart(TWO, "0123abcd", "during upgrade-db", "httpd"))
    machine.back(ONE)
    machine.waiting(10.0, "for the balancer to see the host back")
    machine.finishing()
    run.users = Seen(40, 3, 0.31, outages=((0.0, 0.31),), slow=((9.0, 1.2),))
    run.nodes = {ONE.model_copy(update={"url": "http://blockerbugs01.iad2.example/blockerbugs/"}): run.users}
    run.restarts = [Restart(TWO, "0123abcd", "during upgrade-db", "httpd")]
    run.outcomes[0][1][ONE] = Outcome("warning: settings.py created as settings.py.rpmnew", 1.0)
    machine.recap(run)
    machine.recap(ended(planned()))
    machine.finished(run, "fab prod status")
    machine.status(prod(), {ONE: well(problems=("yum cannot list",))})
    machine.status(prod(balancer={"drain": {"file": "/srv/drained"}}), {ONE: well(drain_file=True)})
    machine.status(prod(), {ONE: well(around=(("0123abcd", 600, "silence"),))})
    machine.around(Around("prod", "silence", "begin", 0.1, 3600.0, "http://am.example does not answer in 10 s"))
    machine.history(prod(), [PAST])
    machine.note("a sentence")
    machine.warning("nobody could be told")
    machine.close(HalfWay("prod01: it broke", next_line="fab prod resume"))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_after_an_abort_the_last_line_has_what_people_are_shown() -> None:
    stream = StringIO()
    machine = Machine(stream)
    machine.aborted(prod(), LOCK, found(prod(), well(service="inactive", schema=Schema.PENDING)))
    machine.close(None)
    end = json.loads(stream.getvalue().splitlines()[-1])
    by_hand = "fab prod upgrade-db sync start-httpd  # by hand, step by step"
    assert (end["event"], end["next"]) == (
        "exit",
        f"fab prod major-upgrade --version 1.0.0-1.el7  # all hosts to 1.0.0-1.el7\n  or: {by_hand}",
    )


def flattened(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """`hosts[].steps[].step` and the like, with what stands there."""
    if key:
        yield key, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from flattened(one, f"{key}.{name}" if key else name)
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                for name, part in one.items():
                    yield from flattened(part, f"{key}[].{name}")
            else:
                yield f"{key}[]", one


def fits(value: Any, type_: str) -> bool:
    if value is None:
        return type_.endswith("?")
    if isinstance(value, bool):
        return type_.rstrip("?") == "boolean"
    return isinstance(value, TYPES[type_.rstrip("?")])


@pytest.mark.parametrize("event", documented())
def test_an_event_has_the_keys_and_types_that_its_page_says(event: str) -> None:
    told = [line for line in everything_told() if line["event"] == event]
    assert told, f"docs/json.md has {event}, which nothing tells"
    said = documented()[event]
    for line in told:
        for key, value in flattened(line):
            assert key in said, f"{event}: {key} is not on the page"
            assert fits(value, said[key]), f"{event}: {key} is {value!r}, the page says {said[key]}"
    assert set(said) == {key for line in told for key, _ in flattened(line)}


def test_every_event_is_on_the_page() -> None:
    assert {line["event"] for line in everything_told()} == set(documented())


def test_every_event_of_a_run_is_told_to_programs_too() -> None:
    # The plan has the commands, the recap what was watched, the verdict who is put back.
    silent = {"commands", "watching", "puts_back"}
    assert [event for event in EVENTS if event not in vars(Machine)] == [e for e in EVENTS if e in silent]


def test_a_run_that_ended_well_ends_with_exit_code_0() -> None:
    stream = StringIO()
    Machine(stream).close(None)
    assert json.loads(stream.getvalue())["exit_code"] == 0


def test_what_a_host_says_stays_on_one_line_whatever_it_is() -> None:
    stream = StringIO()
    Machine(stream).line(ONE, 'a "quoted"\nline of žluťoučký \u2028 kůň')
    assert len(stream.getvalue().splitlines()) == 1
    assert json.loads(stream.getvalue())["text"].endswith("kůň")


def test_the_build_that_was_installed_is_a_whole_nvr() -> None:
    told = next(line for line in everything_told() if line["event"] == "plan")
    assert told["target"] == str(NEW)
