"""Who may connect and what is asked: host keys, the jump host, sudo."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Lab
from .layout import HOME, NODES, ONE, STG, TWO

pytestmark = pytest.mark.lab

OLD = ("1.0.0", "1.0.0")


def with_known_hosts(lab: Lab, tmp_path: Path, without: str = "", lines: str = "") -> None:
    """Another known_hosts for the operator: the lab's without the lines that start with `without`, and these."""
    known = [line for line in (HOME / "known_hosts").read_text().splitlines() if not line.startswith(f"{without} ")]
    (tmp_path / "known_hosts").write_text("\n".join([*known, lines]) + "\n")
    config = (HOME / "ssh_config").read_text().replace(str(HOME / "known_hosts"), str(tmp_path / "known_hosts"))
    lab.ssh_config = tmp_path / "ssh_config"
    lab.ssh_config.write_text(config)


@pytest.mark.smoke
def test_s4_a_jump_host_with_an_unknown_key_is_not_jumped_through(stg_runs_101: Lab, tmp_path: Path) -> None:
    with_known_hosts(stg_runs_101, tmp_path, "bastion.lab")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert (ended.code, stg_runs_101.runs(ONE)) == (4, OLD)
    assert "bastion.lab" in ended.said
    assert "SHA256:" in ended.said


def test_a_host_with_an_unknown_key_behind_the_jump_host_keeps_all_from_being_touched(
    stg_runs_101: Lab, tmp_path: Path
) -> None:
    with_known_hosts(stg_runs_101, tmp_path, TWO.name)
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert (ended.code, stg_runs_101.runs(ONE)) == (4, OLD)
    assert "blockerbugs02: " in ended.said


def test_s2_a_changed_key_is_refused(lab: Lab, tmp_path: Path) -> None:
    keys = {line.split()[0]: line for line in (HOME / "known_hosts").read_text().splitlines()}
    with_known_hosts(lab, tmp_path, STG.name, keys[ONE.name].replace(ONE.name, STG.name))
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (4, OLD)
    assert "CHANGED" in ended.said


def test_prod_can_be_reached_through_the_jump_host_only(lab: Lab, tmp_path: Path) -> None:
    direct = (HOME / "ssh_config").read_text().replace("    ProxyJump bastion.lab\n", "")
    lab.ssh_config = tmp_path / "ssh_config"
    lab.ssh_config.write_text(direct)
    ended = lab.types("prod status")
    assert ended.code == 4
    assert "does not let admin in" in ended.said


def test_s8_sudo_that_asks_every_time_is_satisfied_once_per_host(stg_runs_101: Lab) -> None:
    stg_runs_101.ssh_config = HOME / "ssh_config_careful"
    screen = stg_runs_101.terminal("prod minor-upgrade")
    for _ in ("stg", "blockerbugs01", "blockerbugs02"):
        screen.answers("sudo password:", stg_runs_101.settings.sudo_password)
    screen.answers("Type prod to go on:", "prod")
    assert screen.ends() == 0, screen.said
    assert [stg_runs_101.runs(node) for node in NODES] == [("1.0.1", "1.0.1")] * 3
    assert stg_runs_101.settings.sudo_password not in screen.said
    assert stg_runs_101.settings.sudo_password not in stg_runs_101.journal()


def test_sudo_that_asks_where_nobody_is_there_is_refused(lab: Lab) -> None:
    lab.ssh_config = HOME / "ssh_config_careful"
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (2, OLD)
    assert "--prompt-for-sudo-password" in ended.said


def test_a_wrong_sudo_password_ends_before_anything_is_changed(lab: Lab) -> None:
    lab.ssh_config = HOME / "ssh_config_careful"
    screen = lab.terminal("stg minor-upgrade --version 1.0.1 --yes")
    for _ in range(3):
        screen.answers("sudo password:", "not this one")
    assert (screen.ends(), lab.runs(STG)) == (4, OLD)
    assert "3 incorrect password attempts" in screen.said
