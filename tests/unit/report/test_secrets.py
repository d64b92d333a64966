"""What hosts.yml has commands and addresses with secrets in: none of them is shown, whoever shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest

from tasks.errors import Refused
from tasks.inventory.model import Backup, Host
from tasks.journal.file import Journal
from tasks.report.human import Human
from tasks.report.jsonl import Machine
from tasks.report.screen import Screen
from tasks.run.answers import read
from tasks.run.decide import decide
from tasks.run.probe import Seen
from tasks.run.state import Run
from tasks.run.which_build import earlier_build
from tasks.sop.model import Schema
from tests.unit.builders import NEW, OLD, ONE, found, prod, request, well

SECRET = "hunter2"


def everything_shown(command: str) -> Iterator[str]:
    """All that is told of a set whose commands are this one."""
    query = f"?token={SECRET}"
    node = Host(name=ONE.name, aliases=ONE.aliases, url=f"http://one.example/{query}")
    host_set = prod(
        hosts=(node,),
        schema_status=command,
        backup=Backup(command=command, file="/var/tmp/dump", restore=command),
        url=f"https://qa.example/{query}",
    )
    plan = decide(request("major-upgrade", host_set), found(host_set, well()))
    run = Run(plan, Journal(None, run="abcd"), users=Seen(9, 1, 0.5), nodes={node: Seen(9, 1, 0.5)})
    run.afterwards = found(host_set, well(NEW))
    stream = StringIO()
    for report in (Human(Screen(stream, 200)), Machine(stream)):
        report.plan(plan)
        report.commands(plan)
        report.recap(run)
        for said in ("schema_ended\t1\n", ""):
            report.status(host_set, {node: read(host_set, said)})
    yield stream.getvalue()
    migrated = replace(well(NEW), previous=OLD, previous_schema="bbb")
    yield str(earlier_build(request("rollback", host_set), {node: migrated})[1])
    no_schema = read(host_set, "schema_ended\t1\n").no_schema
    with pytest.raises(Refused) as refused:
        decide(request("sync", host_set), found(host_set, well(no_schema=no_schema, schema=Schema.UNKNOWN)))
    yield str(refused.value)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(f"pg_dump -d postgresql://bb:{SECRET}@db/bb", id="a URI"),
        pytest.param(f"alembic --password {SECRET} current", id="an option"),
        pytest.param(f"PGPASSWORD={SECRET} pg_dump bb", id="a variable"),
    ],
)
def test_S6_no_secret_of_hosts_yml_is_shown(command: str) -> None:
    shown = list(everything_shown(command))
    assert SECRET not in "\n".join(shown)
    assert shown
    assert all("[redacted]" in text for text in shown)
