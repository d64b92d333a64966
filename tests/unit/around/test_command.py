"""A command that is run here around a run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tasks.around import command
from tasks.around.command import run
from tasks.around.occasion import Occasion, check_that_no_run_has_started_this
from tasks.errors import Refused
from tests.unit.builders import ONE, TWO, prod


def test_it_knows_of_the_run_and_of_how_it_ended(tmp_path: Path) -> None:
    occasion = Occasion(prod(), "0123abcd", "me", build="blockerbugs-1.1.0-1.el7", expires=900, outcome="done")
    assert run(f"env > {tmp_path}/env", occasion.environment, 5) == ("", True)
    said = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert {name: said[name] for name in said if name.startswith("UPGRADE_")} == {
        "UPGRADE_SET": "prod",
        "UPGRADE_HOSTS": f"{ONE.name} {TWO.name}",
        "UPGRADE_BUILD": "blockerbugs-1.1.0-1.el7",
        "UPGRADE_RUN": "0123abcd",
        "UPGRADE_OUTCOME": "done",
        "UPGRADE_EXPIRES": "900",
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("echo first; echo 'no such page\x1b[31m' >&2; exit 3", "exit status 3: no such page"),
        ("exit 1", "exit status 1"),
        ("no-such-program", "exit status 127: /bin/sh: 1: no-such-program: not found"),
        ("yes | head -c 9000000; echo; echo end; exit 1", "exit status 1: end"),
        ("kill -9 $$", "exit status -9"),
    ],
)
def test_s10_why_it_failed_is_its_last_line(line: str, said: str) -> None:
    failure, known = run(line, {}, 20)
    assert known
    assert failure.replace("/bin/sh: line 1:", "/bin/sh: 1:").replace("command not found", "not found") == said


def test_x4_one_that_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    began = time.monotonic()
    assert run(f"(sleep 1; touch {tmp_path}/late) & sleep 60", {}, 0.3) == ("did not end in 0.3 s", False)
    assert time.monotonic() - began < 5
    time.sleep(1)
    assert not (tmp_path / "late").exists()


def test_w3_one_that_takes_longer_is_said_to_be_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SOON_SECONDS", 0.1)
    told: list[str] = []
    assert run("true", {}, 5, lambda: told.append("waits")) == ("", True)
    assert told == []
    assert run("sleep 0.3", {}, 5, lambda: told.append("waits")) == ("", True)
    assert run("sleep 9", {}, 0.3, lambda: told.append("waits")) == ("did not end in 0.3 s", False)
    assert told == ["waits", "waits"]


def test_what_it_leaves_in_the_background_is_not_waited_for() -> None:
    began = time.monotonic()
    assert run("sleep 3 & exit 0", {}, 10) == ("", True)
    assert run("sleep 3 & exit 1", {}, 10) == ("exit status 1", True)
    assert time.monotonic() - began < 2.5


def test_r6_a_fab_that_a_run_has_started_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_no_run_has_started_this("restart-httpd")
    monkeypatch.setenv("UPGRADE_RUN", "0123abcd\x1b[31m")
    with pytest.raises(Refused, match="restart-httpd: run 0123abcd has started this command"):
        check_that_no_run_has_started_this("restart-httpd")
