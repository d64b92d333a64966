"""Is it the very build that the set before runs: digests and key, as rpm gives them on a host's shell."""

from __future__ import annotations

import pytest

from tasks.inventory.model import App
from tasks.sop.same_build import same_build
from tasks.sop.workflows import PROCEDURES
from tests.unit.builders import NEW, Shell, job, prod

SIGNED = ("SHA256HEADER:aa11", "KEY:352c64e5")
BUILD = "blockerbugs-1.1.0-1.el7"
OLD_RPM = {"SHA1HEADER": "bb22", "RSAHEADER": "RSA/SHA256, Mon 06 Jan 2020, Key ID 352c64e5"}
NEW_RPM = {"SHA256HEADER": "aa11", "SHA1HEADER": "bb22", "RSAHEADER": "RSA/SHA512, Sun 1 Nov 2026, Key ID 352c64e5"}
RPM_6 = {"SHA256HEADER": "aa11", "OPENPGP": "RSA/SHA512, Sun 1 Nov 2026, Key ID 352c64e5", "RSAHEADER": "(none)"}


def rpm(shell: Shell, tags: dict[str, str], installed: str = "blockerbugs-1.0.0-1.el7") -> None:
    """It knows these tags and no others, as all but `rpm -q` of its name does; the build is in yum's cache."""
    known = "".join(f'"-q --qf %{{{tag}"*) echo "{value}";; ' for tag, value in tags.items())
    shell.program("rpm", f'case "$*" in *NAME*) echo {installed};; {known}*) echo "error: unknown tag" >&2;; esac')
    shell.file(f"var/cache/yum/x/packages/{BUILD}.noarch.rpm", "")


def looked(shell: Shell, *signed: str) -> tuple[int, str]:
    host_set = prod(app=App(root="."), after="stg")
    done = shell.run(same_build(job(host_set, signed=signed or SIGNED)).script)
    return done.returncode, done.stdout


@pytest.mark.parametrize("tags", [NEW_RPM, RPM_6], ids=["rpm 4", "rpm 6"])
def test_the_build_that_the_set_before_runs_goes_through(shell: Shell, tags: dict[str, str]) -> None:
    rpm(shell, tags)
    assert looked(shell) == (0, "")


def test_el7s_rpm_has_an_older_digest_which_is_as_good(shell: Shell) -> None:
    rpm(shell, OLD_RPM)
    assert looked(shell, "SHA1HEADER:bb22", "KEY:352c64e5") == (0, "")
    assert looked(shell, "SHA256HEADER:aa11", "SHA1HEADER:bb22", "KEY:352c64e5") == (0, "")


def test_v6_the_same_name_built_again_is_another_build(shell: Shell) -> None:
    rpm(shell, NEW_RPM)
    code, told = looked(shell, "SHA256HEADER:cc33", "SHA1HEADER:bb22", "KEY:352c64e5")
    assert code == 1
    assert told == (
        f"{BUILD} is another build than the one of that name that stg runs: it was built again "
        "(SHA256HEADER aa11 here, cc33 on stg)\n"
    )


@pytest.mark.parametrize(("key", "shown"), [("deadbeef", "deadbeef"), ("none", "none")])
def test_v6_another_key_or_none_is_refused(shell: Shell, key: str, shown: str) -> None:
    rpm(shell, NEW_RPM)
    code, told = looked(shell, "SHA256HEADER:aa11", f"KEY:{key}")
    assert (code, told) == (1, f"{BUILD} is signed with key 352c64e5 here, with key {shown} on stg\n")


def test_where_both_have_no_digest_of_one_kind_it_cannot_be_told_and_is_refused(shell: Shell) -> None:
    rpm(shell, OLD_RPM)
    code, told = looked(shell)
    assert code == 1
    assert "cannot be told: rpm gives no digest that both have" in told


def test_a_build_that_is_installed_already_is_looked_at_there(shell: Shell) -> None:
    rpm(shell, NEW_RPM, installed=BUILD)
    (shell.folder / f"var/cache/yum/x/packages/{BUILD}.noarch.rpm").unlink()
    assert looked(shell) == (0, "")


def test_a_build_that_cannot_be_had_is_refused(shell: Shell) -> None:
    rpm(shell, NEW_RPM)
    (shell.folder / f"var/cache/yum/x/packages/{BUILD}.noarch.rpm").unlink()
    shell.program("yum", "exit 1")
    assert looked(shell) == (1, f"{BUILD} cannot be had any more\n")


@pytest.mark.parametrize("procedure", ["minor-upgrade", "major-upgrade", "yum-update"])
def test_it_is_looked_at_before_anything_is_changed_where_a_set_comes_before(procedure: str) -> None:
    of = PROCEDURES[procedure].phases
    steps = [phase.step for phase in of(job(prod(after="stg"), signed=SIGNED))]
    at = [step.name for step in steps].index("same-build")
    assert not any(step.changes for step in steps[:at])
    assert "same-build" not in [phase.step.name for phase in of(job(prod(after="stg")))]
    assert steps[at].gate
    assert NEW.vr in steps[at].proof
