"""The downtime's shell functions and a real nagios, which is told by its command file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.around import parts
from tasks.around.occasion import Occasion
from tasks.fleet.outcome import Outcome, failure
from tasks.inventory.around import Command, Downtime, Part
from tests.nagios import Nagios, nagios
from tests.unit.builders import ONE, TWO, Shell, checked, prod
from tests.wanted import wanted

REAL = wanted("nagios4", "nagios4-core")
BOTH = sorted([ONE.name, TWO.name, f"{ONE.name};http", f"{TWO.name};http"])


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Nagios]:
    with nagios(tmp_path / "nagios", ONE.name, TWO.name) as one:
        yield one


@pytest.fixture
def here(tmp_path: Path) -> parts.Means:
    """The host that is asked is this machine."""
    shell = Shell(tmp_path)

    def ask(name: str, script: str, seconds: float) -> Outcome:
        ended = shell.run(script)
        return Outcome(ended.stdout, 0.1, failure(ended.returncode, ended.stdout), exited=ended.returncode)

    return parts.Means(ask, lambda: None)


def occasion(run: str = "0123abcd") -> Occasion:
    return Occasion(prod(), run, "lbrabec@laptop; really", expires=600.0)


def downtime(file: Path, **keys: object) -> Downtime:
    return checked(Downtime, downtime="noc01.example", file=str(file), **keys)


@REAL
def test_r1_a_downtime_of_each_host_and_its_services_is_undone_by_its_run(real: Nagios, here: parts.Means) -> None:
    part = downtime(real.file)
    assert parts.look(part, occasion(), here) == parts.Result()
    assert parts.begin(part, occasion(), here) == parts.Result()
    real.waits(lambda: real.alerts("STARTED") == BOTH, "begins no downtime")
    assert parts.end(part, occasion(), {"89abcdef"}, here) == parts.Result()  # another run's
    assert parts.end(part, occasion(), {"0123abcd", "89abcdef"}, here) == parts.Result()
    real.waits(lambda: real.alerts("CANCELLED") == BOTH, "ends no downtime")


@REAL
def test_a_downtime_that_a_resume_begins_again_is_undone_as_one(real: Nagios, here: parts.Means) -> None:
    part = downtime(real.file)
    for _ in range(2):
        parts.begin(part, occasion(), here)
    real.waits(lambda: real.alerts("STARTED") == BOTH, "begins no downtime")
    parts.end(part, occasion(), {"0123abcd"}, here)
    real.waits(lambda: real.alerts("STOPPED") + real.alerts("CANCELLED") >= BOTH, "ends no downtime")


def test_r2_a_command_file_that_is_none_or_that_nobody_reads_is_told(tmp_path: Path, here: parts.Means) -> None:
    file = tmp_path / "nagios.cmd"
    gone = parts.look(downtime(file), occasion(), here).failure
    assert f"{file} is not there (does nagios run, and check_external_commands=1?)" in gone
    file.touch()
    assert f"{file} is no named pipe" in parts.begin(downtime(file), occasion(), here).failure
    file.unlink()
    os.mkfifo(file)
    told = parts.begin(downtime(file, seconds=0.2), occasion(), here)
    assert f"{file} is there, but nagios reads nothing in 0.2 s" in told.failure
    assert not told.known


def on_a_host(begin: str, **keys: object) -> Command:
    return checked(Command, begin=begin, on="noc01.example", **keys)


def test_w3_a_command_on_a_host_that_ignores_its_end_is_ended_all_the_same(here: parts.Means) -> None:
    began = time.monotonic()
    told = parts.begin(on_a_host("trap '' TERM; sleep 3; sleep 3", seconds=0.3), occasion(), here)
    assert (told.failure.endswith("did not end in 0.3 s"), told.known) == (True, False)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("status", [124, 137])
def test_a_commands_own_exit_status_is_not_taken_for_its_time_being_up(status: int, here: parts.Means) -> None:
    told = parts.begin(on_a_host(f"exit {status}"), occasion(), here)
    assert told == parts.Result(f"exit status 1: its own exit status is {status}")
    assert parts.begin(on_a_host("exit 3"), occasion(), here).failure.startswith("exit status 3")
    assert parts.begin(on_a_host("test $UPGRADE_SET = prod"), occasion(), here) == parts.Result()


@pytest.mark.parametrize("part", [on_a_host("true"), downtime(Path("/nowhere"))], ids=repr)
def test_r2_a_host_without_timeout_is_told_before_anything_is_begun(part: Part, tmp_path: Path) -> None:
    shell = Shell(tmp_path)

    def ask(name: str, script: str, seconds: float) -> Outcome:
        ended = shell.run(f"command() {{ return 1; }}\n{script}")
        return Outcome(ended.stdout, 0.1, failure(ended.returncode, ended.stdout), exited=ended.returncode)

    for act in (parts.look, parts.begin):
        told = act(part, occasion(), parts.Means(ask, lambda: None))
        assert told == parts.Result("exit status 1: there is no timeout here  # yum install coreutils")


def test_r5_who_leaves_while_it_is_begun_on_a_host_has_it_stay_noted(here: parts.Means) -> None:
    def ctrl_c(*_: object) -> Outcome:
        raise KeyboardInterrupt

    part = on_a_host("true", end="true")
    with pytest.raises(KeyboardInterrupt):
        parts.begin(part, occasion("00000003"), parts.Means(ctrl_c, lambda: None))
    told = parts.end(part, occasion("00000003"), {"00000003"}, here)
    assert (told.failure, told.known) == (parts.BROKEN_OFF, False)
