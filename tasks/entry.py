"""From what was typed to a run: the few lines that every task on hosts shares."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke import Context
from invoke.exceptions import Exit

from . import lines, sandbox, targets
from .errors import Refused
from .flags import SHOWING
from .fleet import setup
from .inventory.named import Target, find
from .paths import hosts_come_from
from .report import Shown, opened
from .run.observer import Report

# What carries a run out (pydantic, rich, the machines) is imported when there is one: `fab --list` has none.
if TYPE_CHECKING:
    from fabric import Config

    from .inventory.model import Inventory


def check(task: str, typed: Mapping[str, Any], target: Target | None) -> None:
    """Raises Refused for flags that the task would be refused for before it reaches a host.

    typed: the flags by their names; target: on which hosts, or None where that is not looked at (the sandbox).
    """
    from .run.request import Request, check_request
    from .sop.workflows import PROCEDURES

    Shown(**{name: typed[name] for name in SHOWING if name in typed}).check()
    _check_wait(typed.get("lock_wait", 0.0), task)
    _check_last(typed.get("last", 1))
    if target and task in PROCEDURES:
        version, unverified = typed.get("version"), typed.get("unverified")
        check_request(Request(PROCEDURES[task], target.host_set, target.hosts, target.asked_as, version, unverified))


def _check_wait(seconds: float, task: str) -> None:
    if not (isfinite(seconds) and seconds >= 0):
        raise Refused(
            f"--lock-wait must be a number of seconds, 0 or more, not {seconds:g}", next_line=f"fab --help {task}"
        )


def _check_last(runs: int) -> None:
    if runs < 1:
        raise Refused(f"--last {runs}: at least one run has to be shown", next_line="fab --help history")


def start(
    context: Context,
    procedure: str,
    shown: Shown,
    version: str | None = None,
    unverified: str | None = None,
    plan: bool = False,
    yes: bool = False,
    serial: bool = False,
    parallel: bool = False,
    lock_wait: float = 0.0,
) -> None:
    """Carry out one of PROCEDURES on the hosts that `context` names.

    lock_wait: in seconds. Raises Exit with the run's code, unless that is 0.
    """
    from .ansible.checkout import template_state
    from .around.occasion import check_that_no_run_has_started_this
    from .run.consent import Consent
    from .run.flow import carry_out
    from .run.request import Request
    from .sop.workflows import PROCEDURES, RESTART_TOGETHER

    _check_wait(lock_wait, procedure)
    consent = Consent(plan_only=plan or context.config.run.dry, yes=yes, lock_wait=lock_wait)
    if not consent.plan_only:
        check_that_no_run_has_started_this(procedure)
    with opened(shown.as_configured(context.config.report, agreed=yes and not consent.plan_only)) as report:
        inventory, config, target = _meant_hosts(context, procedure, report)
        ansible = context.config.ansible
        request = Request(
            procedure=RESTART_TOGETHER if parallel and not serial else PROCEDURES[procedure],
            host_set=target.host_set,
            hosts=target.hosts,
            asked_as=target.asked_as,
            version=version,
            unverified=unverified,
            serial=serial,
            unsettled=tuple(template_state(Path(ansible.checkout), ansible.template, ansible.branch)),
        )
        code = carry_out(request, inventory, config, consent, report)
        _ends(int(code), plan_only=consent.plan_only)


def after_a_failure(context: Context, task: str, shown: Shown, plan: bool = False, yes: bool = False) -> None:
    """`resume`, `abort` or `unlock` the set that `context` names. Raises Exit with the code, unless that is 0."""
    from .around.occasion import check_that_no_run_has_started_this
    from .run.abort import abort, unlock
    from .run.consent import Consent
    from .run.resume import resume

    do = {"resume": resume, "abort": abort, "unlock": unlock}[task]
    consent = Consent(plan_only=plan or context.config.run.dry, yes=yes)
    if not consent.plan_only:
        check_that_no_run_has_started_this(task)
    with opened(shown.as_configured(context.config.report, agreed=yes and not consent.plan_only)) as report:
        _, config, target = _meant_hosts(context, task, report)
        code = do(target.host_set, config, consent, report)
        _ends(int(code), plan_only=consent.plan_only)


def _ends(code: int, plan_only: bool) -> None:
    """Raise Exit with the code, unless that is 0. On a line of plans alone the last of them does, with the worst."""
    if plan_only and lines.only_plans():
        code = lines.worst(code)
        if lines.another_follows():
            return
    if code:
        raise Exit(code=code)


def status(context: Context, shown: Shown) -> None:
    """Show every fact of every host of the set that `context` names; changes nothing."""
    from .run.status import show

    with opened(shown.as_configured(context.config.report)) as report:
        _, config, target = _meant_hosts(context, "status", report)
        show(target.host_set, config, report)


def history(context: Context, shown: Shown, last: int) -> None:
    """Show the `last` runs of the set that `context` names: all operators', or only this machine's, and then say so."""
    from .run.status import show_history

    _check_last(last)
    with opened(shown.as_configured(context.config.report)) as report:
        _, config, target = _meant_hosts(context, "history", report)
        show_history(target.host_set, config, report, last)


def report(context: Context, run: str, out: str) -> None:
    """Write the page and the picture of a run from this machine's journal, and say where. Reaches no host."""
    from .journal.file import kept_here
    from .timeline import shelf

    name, set_name, package = targets.named(context), None, ""
    if name in sandbox.NAMES:
        from .sandbox import session

        set_name, package = session.SET.name, session.package()
    elif name:
        host_set = find(name, setup.inventory(context), "report", sandbox.NAMES).host_set
        set_name, package = host_set.name, host_set.app.package
    context.config.target.used = True
    entries = shelf.entries_of(kept_here(), set_name, run or None, package)
    with opened() as report:
        for path in shelf.put(entries, Path(out).expanduser() if out else None):
            report.note(str(path))


def _meant_hosts(context: Context, task: str, report: Report) -> tuple[Inventory, Config, Target]:
    """hosts.yml, the SSH configuration that belongs to it, and who is meant."""
    from .fleet import ssh_config

    name = targets.named(context)
    if name in sandbox.NAMES:
        from .sandbox import session

        inventory, config = session.enter(setup.inventory_file(context))
        hosts_come_from(session.home() / "hosts.yml")
    else:
        inventory, config = setup.inventory(context), setup.ssh(context)
        if not ssh_config.understood():
            report.warning(f"no ssh is installed here: {ssh_config.NOT_UNDERSTOOD}")
    target = find(name, inventory, task, sandbox.NAMES)
    context.config.target.used = True
    stage = inventory.host_sets.get(target.host_set.after or "")
    hosts = (*target.host_set.machines, *(stage.hosts if stage else ()))
    ssh_config.expect(setup.ssh_config_file(config), [host.name for host in hosts])
    return inventory, config, target
