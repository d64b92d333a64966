"""From what was typed to a run: the few lines that every task on hosts shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Context
from invoke.exceptions import Exit

from .. import sandbox
from ..errors import Interrupted
from ..fleet import target as targets
from ..fleet.hosts_file import chosen_file
from ..fleet.target import Target

# What carries a run out (paramiko, pydantic, rich) is imported when there is one: `fab --list` has none.
if TYPE_CHECKING:
    from fabric import Config

    from ..fleet.hosts import Inventory


def start(
    context: Context,
    procedure: str,
    version: str = "",
    unverified: str = "",
    plan: bool = False,
    yes: bool = False,
    serial: bool = False,
    together: bool = False,
) -> None:
    """Carry out one of PROCEDURES on the hosts that `context` names.

    Raises Exit with the run's code, unless that is 0.
    """
    from ..report import Report
    from .plan import PROCEDURES, RESTART_TOGETHER, Request
    from .run import Consent, carry_out

    inventory, config, target = _target(context, procedure)
    request = Request(
        procedure=RESTART_TOGETHER if together else PROCEDURES[procedure],
        app=inventory.app,
        host_set=target.host_set,
        hosts=target.hosts,
        asked_as=target.asked_as,
        version=version or None,
        unverified=unverified or None,
        serial=serial,
    )
    consent = Consent(plan_only=plan or context.config.run.dry, yes=yes)
    try:
        code = carry_out(request, inventory, config, consent, Report())
    except KeyboardInterrupt:
        raise Interrupted("nothing was changed") from None
    if code:
        raise Exit(code=int(code))


def status(context: Context) -> None:
    """Show every fact of every host of the set that `context` names; changes nothing."""
    from ..fleet.machines import Machines
    from ..report import Report
    from .plan import PROCEDURES, Request
    from .run import ask_hosts

    inventory, config, target = _target(context, "status")
    report = Report()
    everything = PROCEDURES["minor-upgrade"]
    request = Request(everything, inventory.app, target.host_set, target.host_set.hosts, target.asked_as)
    try:
        with Machines(target.host_set.hosts, config) as machines:
            facts = ask_hosts(machines, request, target.host_set, repos=True)
    except KeyboardInterrupt:
        raise Interrupted("nothing was changed") from None
    report.status(inventory.app, target.host_set, facts)


def _target(context: Context, task: str) -> tuple[Inventory, Config, Target]:
    """hosts.yml, the SSH configuration that belongs to it, and who is meant."""
    name = targets.named(context)
    if name in sandbox.NAMES:
        from ..sandbox import session

        inventory, config = session.enter()
    else:
        from ..fleet.hosts import read

        inventory = read(chosen_file(context.config.hosts_file))
        config = _fabric_config(context)
    target = targets.find(name, inventory, task)
    context.config.target.used = True
    return inventory, config, target


def _fabric_config(context: Context) -> Config:
    """The configuration Connections need; `invoke` brings one that knows no SSH."""
    from fabric import Config

    if isinstance(context.config, Config):
        return context.config
    config = Config()
    config.sudo.password = context.config.sudo.password
    return config
