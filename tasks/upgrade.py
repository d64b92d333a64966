"""The SOP's two upgrades, and the look at a host set."""

from __future__ import annotations

from invoke import Context, task

from . import start

FLAGS = {
    "version": "The build to install: 0.4.4.11 or 0.4.4.11-1.el7. Default: what the repos offer.",
    "unverified": "Why a build may go on although the set before (stg) does not run it; written down.",
    "plan": "Show the plan and stop: exit 0 means nothing to do, 2 means changes.",
    "yes": "Do not ask.",
    "serial": "One host after the other, also where the set is worked on in parallel.",
}


@task(help={key: FLAGS[key] for key in ("version", "unverified", "plan", "yes")}, auto_shortflags=False)
def minor_upgrade(
    context: Context, version: str | None = None, unverified: str | None = None, plan: bool = False, yes: bool = False
) -> None:
    """Upgrade: host after host, no schema change.

    On each host: download, yum update, restart httpd, healthy? The others keep serving. The next host is
    touched only when this one answers with the new build. A pending schema migration stops it before a restart.
    """
    start.start(context, "minor-upgrade", version=version, unverified=unverified, plan=plan, yes=yes)


@task(help=FLAGS, auto_shortflags=False)
def major_upgrade(
    context: Context,
    version: str | None = None,
    unverified: str | None = None,
    plan: bool = False,
    yes: bool = False,
    serial: bool = False,
) -> None:
    """Upgrade: all stopped, database migrated once.

    Download while httpd serves, stop httpd on all, yum update on all, upgrade_db and sync once on the sync host,
    start httpd on all, healthy? Each phase begins when every host has ended the one before.
    """
    start.start(context, "major-upgrade", version=version, unverified=unverified, plan=plan, yes=yes, serial=serial)


@task(auto_shortflags=False)
def status(context: Context) -> None:
    """Show what every host runs, and its health.

    Changes nothing. What every column comes from is asked in one round trip per host.
    """
    start.status(context)
