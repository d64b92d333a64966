"""A run that is given up, and what keeps that from ending well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from fabric import Config

from tasks.errors import Code, HalfWay, Interrupted, Refused
from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome, failure
from tasks.inventory.model import App, Host, HostSet
from tasks.run import abort
from tasks.run.consent import Consent
from tasks.run.lock_file import Lock
from tasks.run.observer import Report
from tasks.run.takeover import Found

from ..builders import Shell, found, of, prod, well

LOCK = Lock("0123abcd", "alice@desk", "2026-11-26T05:00:00+00:00", "major-upgrade")
KEPT = "var/lib/blockerbugs-upgrade"


@pytest.mark.parametrize("do", [abort.abort, abort.unlock])
def test_n3_ctrl_c_in_the_middle_says_so_and_how_to_see_how_far_it_went(
    do: Callable[[HostSet, Config, Consent, Report], Code], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Machines, "_all", lambda *_: {})
    monkeypatch.setattr(abort, "find", lambda *_: Found(LOCK, [], {}, found(prod(), well())))
    monkeypatch.setattr(abort, "states", lambda *_: {})
    monkeypatch.setattr(abort, "take_over", leave)
    with pytest.raises(Interrupted) as error:
        do(prod(), Config(), Consent(yes=True), Report())
    name = do.__name__
    assert error.value.problems == (f"prod: {name} of run 0123abcd was left in its middle",)
    assert error.value.next_line == f"fab prod status\n  or: fab prod {name}  # if the run still has it locked"


@pytest.fixture
def sync_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """All that is asked while a run is given up is done in this host's shell."""
    shell = Shell(tmp_path)

    def ask(_: Machines, scripts: Mapping[Host, str], *__: object) -> dict[Host, Outcome]:
        done = {host: shell.run(script) for host, script in scripts.items()}
        return {host: Outcome(one.stdout, 0.0, failure(one.returncode, one.stdout)) for host, one in done.items()}

    monkeypatch.setattr(Machines, "_all", lambda *_: {})
    monkeypatch.setattr(Machines, "ask", ask)
    monkeypatch.setattr(abort, "states", lambda *_: {})
    monkeypatch.setattr(abort, "take_over", lambda *_: {})
    shell.file(f"{KEPT}/lock", LOCK.text + "\n")
    shell.file(f"{KEPT}/cron", "*/30 sync")
    shell.file(f"{KEPT}/cron.run", f"{LOCK.run}\n")
    return shell


@pytest.mark.parametrize("held", [True, False])
def test_c3_where_cron_cannot_be_put_back_abort_fails_and_the_lock_stays(
    held: bool, sync_host: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    host_set = of(App(root="."), prod())  # and there is no folder etc/cron.d to put it back into
    facts = found(host_set, well(lock=LOCK.text if held else None, paused=LOCK.run))
    monkeypatch.setattr(abort, "find", lambda *_: Found(LOCK, [], {}, facts) if held else facts)
    monkeypatch.setattr(abort, "look", lambda *_, **__: facts)
    monkeypatch.setattr(abort, "_put_back", lambda *_: "true")
    monkeypatch.setattr(abort, "told", lambda *_: ["proxy01: prod01 was drained"])
    if not held:
        (sync_host.folder / KEPT / "lock").unlink()
    with pytest.raises(HalfWay if held else Refused) as error:
        abort.abort(host_set, Config(), Consent(yes=True), Report())
    assert "cron" in error.value.problems[0]
    assert (sync_host.folder / KEPT / "lock").exists() == held
    assert (sync_host.folder / KEPT / "cron").read_text() == "*/30 sync"
