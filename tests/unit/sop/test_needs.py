"""What still runs as it was before packages were changed, as needs-restarting says it on a host's shell."""

from __future__ import annotations

import pytest

from tasks.report import recap
from tasks.run.answers import read
from tests.unit.builders import NEW, ONE, Shell, prod, well
from tests.unit.report.values import ended, planned


def needs(shell: Shell) -> tuple[str, ...]:
    done = shell.run("fact_needs")
    return read(prod(), done.stdout, repos=False).needs


def test_a_host_without_the_program_says_nothing(shell: Shell) -> None:
    shell.program("yum", "echo asked >asked")
    assert needs(shell) == ()
    assert not (shell.folder / "asked").exists()


@pytest.mark.parametrize(("code", "reboot"), [(1, ("reboot",)), (0, ())])
def test_services_and_a_reboot_are_told(shell: Shell, code: int, reboot: tuple[str, ...]) -> None:
    says = "echo 'Updating and loading repositories:'; echo crond.service; echo sshd.service"
    shell.program(
        "needs-restarting", f"case $1 in -s) {says}; exit 1;; -r) echo 'Reboot is required'; exit {code};; esac"
    )
    assert needs(shell) == ("crond.service", "sshd.service", *reboot)


def test_one_that_is_ended_because_it_hangs_says_nothing(shell: Shell) -> None:
    shell.program("needs-restarting", "exit 137")
    assert needs(shell) == ()


def test_the_recap_has_one_line_of_it_hosts_that_are_alike_told_once() -> None:
    run = ended(planned())
    assert recap.needs(run) == []
    run.afterwards = {host: well(NEW, needs=("crond.service", "reboot")) for host in run.plan.hosts}
    both = "blockerbugs01, blockerbugs02: crond.service, reboot"
    assert recap.needs(run) == [f"needs a restart, says needs-restarting: {both}"]
    run.afterwards[ONE] = well(NEW)
    assert recap.needs(run) == ["needs a restart, says needs-restarting: blockerbugs02: crond.service, reboot"]
