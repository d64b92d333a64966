"""A run that is given up, and what keeps that from ending well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from fabric import Config

from tasks.errors import Code, HalfWay, Interrupted, Refused
from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome, failure
from tasks.inventory.model import App, Balancer, Host, HostSet
from tasks.run import abort
from tasks.run.consent import Consent
from tasks.run.lock_file import Lock
from tasks.run.look import Reached
from tasks.run.observer import Report
from tasks.run.put_back import PutBack, put_back
from tasks.run.takeover import Found
from tasks.sop.model import Facts

from ..builders import Shell, found, of, prod, well

LOCK = Lock("0123abcd", "alice@desk", "2026-11-26T05:00:00+00:00", "major-upgrade")
PROXY = Host(name="proxy01.example")
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


@pytest.mark.parametrize("do", [abort.abort, abort.unlock])
def test_o2_a_run_that_ends_by_itself_while_it_is_taken_over_is_not_told_as_taken_over(
    do: Callable[[HostSet, Config, Consent, Report], Code], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machines, "_all", lambda *_: {})
    monkeypatch.setattr(abort, "find", lambda *_: Found(LOCK, [], {}, found(prod(), well(lock=LOCK.text))))
    monkeypatch.setattr(abort, "states", lambda *_: {})
    monkeypatch.setattr(abort, "take_over", lambda *_: {})
    monkeypatch.setattr(abort, "look", lambda *_, **__: found(prod(), well()))
    with pytest.raises(Refused) as error:
        do(prod(), Config(), Consent(yes=True), Report())
    assert error.value.problems == ("prod: run 0123abcd no longer holds the lock",)


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
    (tmp_path / "etc/cron.d").mkdir(parents=True)
    shell.file(f"{KEPT}/cron", "*/30 sync")
    shell.file(f"{KEPT}/cron.run", f"{LOCK.run}\n")
    return shell


@pytest.mark.parametrize("held", [True, False])
def test_c3_where_cron_cannot_be_put_back_abort_fails_and_the_lock_stays(
    held: bool, sync_host: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    host_set = of(App(root="."), prod())
    (sync_host.folder / "etc/cron.d").rmdir()  # it cannot be put back there
    facts = found(host_set, well(lock=LOCK.text if held else None, paused=LOCK.run))
    monkeypatch.setattr(abort, "find", lambda *_: Found(LOCK, [], {}, facts) if held else facts)
    monkeypatch.setattr(abort, "look", lambda *_, **__: facts)
    monkeypatch.setattr(abort, "_put_back", lambda *_: (PutBack(), "true"))
    monkeypatch.setattr(abort, "what_is_drained", lambda *_: ["proxy01: prod01 was drained"])
    if not held:
        (sync_host.folder / KEPT / "lock").unlink()
    with pytest.raises(HalfWay) as error:
        abort.abort(host_set, Config(), Consent(yes=True), Report())
    assert "cron" in error.value.problems[0]
    assert (sync_host.folder / KEPT / "lock").exists() == held
    assert (sync_host.folder / KEPT / "cron").read_text() == "*/30 sync"


@pytest.mark.parametrize("held", [True, False])
def test_b6_abort_ends_half_way_where_what_was_drained_is_not_put_back_and_does_not_say_that_it_is(
    held: bool, sync_host: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    host_set = of(App(root="."), prod(balancer=Balancer(proxies=(PROXY,), backend="bb")))
    out = Facts(drained=((LOCK.run, "bb,blockerbugs01"),))
    facts = {**found(host_set, well(lock=LOCK.text if held else None)), PROXY: out}
    monkeypatch.setattr(abort, "find", lambda *_: Found(LOCK, [], {}, facts) if held else facts)
    monkeypatch.setattr(abort, "look", lambda *_, **__: facts)
    monkeypatch.setattr(abort, "ask_hosts", lambda *_, **__: facts)
    denied = PutBack({PROXY: "exit status 1: Permission denied"})
    monkeypatch.setattr(abort, "put_back", lambda *_: denied)
    if not held:
        (sync_host.folder / KEPT / "lock").unlink()
    said: list[str] = []
    report = Report()
    monkeypatch.setattr(report, "free", lambda *told: said.append(told[2]))
    with pytest.raises(HalfWay, match="may still be drained: exit status 1: Permission denied") as error:
        abort.abort(host_set, Config(), Consent(yes=True), report)
    assert error.value.next_line
    assert said == ([] if held else ["prod: not all that was drained is put back"])
    assert not (sync_host.folder / KEPT / "lock").exists()
    assert len(error.value.problems) == 1


def test_b2_a_server_that_somebody_else_has_put_into_maintenance_over_our_drain_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host_set = prod(balancer=Balancer(proxies=(PROXY,), backend="bb"))
    left = "server blockerbugs01 was put into maintenance by somebody else meanwhile: it is left so"
    asked = {PROXY: Outcome(f"left\t{left}\nundrained\tblockerbugs02 is put back\n", 0.0)}
    machines = cast(Machines, SimpleNamespace(ask=lambda *_: asked))
    report, told = Report(), list[str]()
    for kind in ("note", "warning"):
        monkeypatch.setattr(report, kind, told.append)
    done = put_back(Reached(host_set, machines, (PROXY,)), "", [PROXY], {}, report)
    assert done == PutBack({}, (f"proxy01.example: {left}",))
    assert told == ["proxy01.example: blockerbugs02 is put back", f"proxy01.example: {left}"]


def test_b8_abort_puts_back_what_an_unknown_run_has_drained(sync_host: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    host_set = of(App(root="."), prod(balancer=Balancer(proxies=(PROXY,), backend="bb")))
    (sync_host.folder / KEPT / "lock").unlink()
    facts = {**found(host_set, well()), PROXY: Facts(drained=(("", "bb,blockerbugs01"),))}
    monkeypatch.setattr(abort, "find", lambda *_: facts)
    monkeypatch.setattr(abort, "look", lambda *_, **__: facts)
    monkeypatch.setattr(abort, "ask_hosts", lambda *_, **__: {**facts, PROXY: Facts()})
    asked: list[str] = []

    def put_back_of(_: Reached, run: str, *__: object) -> PutBack:
        asked.append(run)
        return PutBack()

    monkeypatch.setattr(abort, "put_back", put_back_of)
    assert abort.abort(host_set, Config(), Consent(yes=True), Report()) == Code.DONE
    assert asked == [""]
