"""What an ending prints to be typed is typed, as it stands."""

from __future__ import annotations

import re
import subprocess

import pytest

from .conftest import ONE, TWO, Fleet, until
from .fleets import LONG, agreed, printed

MAJOR = "prod major-upgrade --yes"


@pytest.mark.parametrize("step", ["stop-httpd", "yum-update", "upgrade-db", "sync", "start-httpd"])
def test_w1_after_an_abort_the_printed_chain_by_hand_ends_a_major_upgrade(step: str, stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, step)
    ended = stg_runs_110.types(MAJOR)
    assert ended.code == 5, ended.said
    _, abort, *_, by_hand = printed(ended.err)
    assert stg_runs_110.types(agreed(abort)).code == 0
    ended = stg_runs_110.types(agreed(by_hand))
    assert (ended.code, "by hand" in by_hand) == (0, True), ended.said
    assert {stg_runs_110.runs(host) for host in (ONE, TWO)} == {("blockerbugs-1.1.0-1.el7", "1.1.0")}
    assert stg_runs_110.set("prod")["upgrade_db"] == (2 if step == "upgrade-db" else 1)  # the one that failed, too


def test_w1_the_line_after_a_minor_upgrade_that_was_aborted_goes_on_with_the_same_build(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(TWO, "yum-update")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert ended.code == 5, ended.said
    _, abort, *_ = printed(ended.err)
    ended = stg_runs_101.types(agreed(abort))
    assert "half upgraded: prod01 has 1.0.1-1.el7, prod02 has 1.0.0-1.el7" in ended.out
    again, back = printed(ended.out)
    assert (again.startswith("fab prod minor-upgrade --version 1.0.1-1.el7  "), "rollback" in back) == (True, True)
    assert printed(stg_runs_101.types("prod status").out) == [again, back]
    ended = stg_runs_101.types(agreed(back))
    assert ended.code == 0, ended.said
    assert stg_runs_101.runs(ONE) == ("blockerbugs-1.0.0-1.el7", "1.0.0")
    ended = stg_runs_101.types(agreed(again))
    assert ended.code == 0, ended.said
    assert {stg_runs_101.runs(host)[1] for host in (ONE, TWO)} == {"1.0.1"}


@pytest.mark.sandbox_only("hosts of the lab are not powered off")
def test_w1_when_the_sync_host_dies_the_way_that_works_without_it_is_printed_first(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    with fleet.begins(MAJOR) as client:
        until(lambda: bool(fleet.moments("upgrade_db")))
        fleet.machines.power_off(ONE)
        said = "".join(client.communicate())
    forgets, goes_on, back = printed(said)
    assert goes_on.endswith("after you set sync_host: prod02 and remove prod01 in hosts.yml"), said
    assert back.endswith("when prod01 is back"), said
    subprocess.run(forgets, shell=True, check=True, cwd=fleet.folder, capture_output=True)
    mine = fleet.folder / "hosts.yml"
    text = (fleet.home / "hosts.yml").read_text().replace("sync_host: prod01", "sync_host: prod02")
    mine.write_text(re.sub(r"\n *- \{name: prod01[^\n]*", "", text))
    fleet.environment["FABRIC_HOSTS_FILE"] = str(mine)
    ended = fleet.types(agreed(goes_on))
    assert ended.code == 0, ended.said
    assert fleet.runs(TWO) == ("blockerbugs-1.1.0-1.el7", "1.1.0")


@pytest.mark.sandbox_only("the lab's dnf leaves no such file")
def test_w6_an_unfinished_transaction_is_named_on_every_host_and_one_task_mends_it(stg_runs_101: Fleet) -> None:
    for host in (ONE, TWO):
        folder = stg_runs_101.home / "hosts" / host / "var/lib/yum"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "transaction-all.2026-11-29.15:00.01").write_text("")
    assert "prod01, prod02: an rpm transaction was cut off" in stg_runs_101.types("prod status").out
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert (ended.code, printed(ended.err)) == (2, ["fab prod mend-rpm"]), ended.said
    ended = stg_runs_101.types("prod minor-upgrade --version 1.0.0 --unverified why --yes")
    assert (ended.code, "an rpm transaction was not finished: fab prod mend-rpm" in ended.out) == (0, True), ended.said
    assert stg_runs_101.types("prod mend-rpm --yes").code == 0
    assert stg_runs_101.types("prod minor-upgrade --yes").code == 0


def test_w1_yum_update_by_itself_warns_where_httpd_would_load_the_build(stg_runs_110: Fleet) -> None:
    ended = stg_runs_110.types("prod yum-update --plan")
    warned = "prod01, prod02: httpd is running and loads the new build at its next request" in " ".join(
        ended.out.split()
    )
    assert (ended.code, warned) == (2, True), ended.said
