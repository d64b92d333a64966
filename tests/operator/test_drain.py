"""Hosts are drained at the proxies before they are restarted, and put back whatever way a run ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from .conftest import ONE, TWO, Fleet, until
from .fleets import PROXIES

UP = {proxy: {"prod01": "UP", "prod02": "UP"} for proxy in PROXIES}
NEW = ("blockerbugs-1.0.1-1.el7", "1.0.1")


def notes(fleet: Fleet) -> list[str]:
    """What is noted as drained, on any machine."""
    kept = fleet.home.glob("hosts/*/var/lib/blockerbugs-upgrade/drained/*")
    return sorted(f"{path.parents[4].name}: {path.name}" for path in kept)


def says(fleet: Fleet, old: str, new: str) -> None:
    """Another hosts.yml."""
    path = fleet.home / "hosts.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def is_drained(fleet: Fleet) -> bool:
    return all("DRAIN" in words.values() for words in fleet.machines.servers().values())


def back(fleet: Fleet) -> None:
    """All servers are UP again, also those that haproxy has yet to look at, and nothing is noted any more."""
    until(lambda: fleet.machines.servers() == UP, 20)
    assert notes(fleet) == []


def in_mid_update(fleet: Fleet, happens: Callable[[], None]) -> tuple[int, str]:
    """Type a minor upgrade, and let something happen while the first host, drained, has its update: how it ends."""
    fleet.breaks(ONE, "yum-update", "slow", seconds=3.0)
    client = fleet.begins("prod minor-upgrade --yes")
    with client:
        until(lambda: bool(fleet.moments("yum", "-C", "update")))
        happens()
        said = "".join(client.communicate(timeout=120))
    return client.returncode, said


def test_w6_a_host_is_drained_until_it_is_put_back_and_status_tells_it(drained: Fleet) -> None:
    assert drained.types("-H prod01 drain --yes").code == 0
    assert drained.machines.servers() == {proxy: {"prod01": "DRAIN", "prod02": "UP"} for proxy in PROXIES}
    status = drained.types("prod status")
    assert "proxy02.example: prod01 was drained by run " in status.said
    refused = drained.types("-H prod02 drain --yes")
    assert refused.code == 2, refused.said
    assert "proxy01.example: server prod01 is drained, not UP" in refused.err
    status = json.loads(drained.types("prod status --json").out.splitlines()[0])
    assert {row["at"] for row in status["taken_out"]} == set(PROXIES)
    assert {(row["what"], len(row["run"])) for row in status["taken_out"]} == {("prod01 was drained", 8)}
    assert drained.types("-H prod01 undrain --yes").code == 0
    back(drained)


def test_w6_status_tells_of_a_server_that_somebody_else_has_taken_out(drained: Fleet) -> None:
    drained.machines.tells(PROXIES[1], "set server blockerbugs/prod02 state maint")
    told = drained.types("prod status")
    assert "proxy02.example: prod02 is in maintenance, and not by this tool, which leaves it so" in told.said
    status = json.loads(drained.types("prod status --json").out.splitlines()[0])
    assert status["taken_out"] == [{"at": PROXIES[1], "what": "prod02 is in maintenance", "run": None}]


def test_b4_after_a_failed_restart_the_host_is_put_back_as_its_check_finds_it_and_a_resume_drains_it_again(
    drained: Fleet,
) -> None:
    drained.breaks(ONE, "restart-httpd")
    ended = drained.types("prod minor-upgrade --yes")
    assert ended.code == 5, ended.said
    assert "proxy01.example: prod01 is put back" in ended.said
    assert notes(drained) == []
    assert all("DRAIN" not in words.values() for words in drained.machines.servers().values())
    ended = drained.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert [drained.runs(host) for host in (ONE, TWO)] == [NEW] * 2
    back(drained)


@pytest.mark.parametrize("way", ["resume", "abort", "unlock"])
def test_b4_killed_while_a_host_is_drained_no_server_is_left_drained_after(way: str, drained: Fleet) -> None:
    drained.dies_when("prod minor-upgrade --yes", lambda: is_drained(drained))
    status = drained.types("prod status")
    assert "proxy02.example: prod01 was drained by run " in status.said
    until(lambda: drained.types(f"prod {way} --yes").code in (0, 2))  # a step of it may still run
    back(drained)
    assert drained.types("prod minor-upgrade --yes").code == 0
    assert [drained.runs(host) for host in (ONE, TWO)] == [NEW] * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_b4_who_stops_it_leaves_nothing_drained(number: signal.Signals, drained: Fleet) -> None:
    drained.breaks(ONE, "yum-update", "slow", seconds=3.0)
    client = drained.begins("prod minor-upgrade --yes")
    with client:
        until(lambda: bool(drained.moments("yum", "-C", "update")))
        client.send_signal(number)
        assert client.wait(60) == 130
    until(lambda: drained.machines.servers() == UP, 20)
    # The sync host, which yum keeps busy, could not be told: it knows where to look, and there is nothing.
    assert {note.partition(": at,")[0] for note in notes(drained)} <= {ONE}
    assert "was drained" not in drained.types("prod status").said
    until(lambda: drained.types("prod resume --yes").code == 0)
    back(drained)


def test_b3_a_proxy_that_is_reloaded_in_mid_run_loses_the_drain_which_is_noticed_made_again_and_said(
    drained: Fleet,
) -> None:
    code, said = in_mid_update(drained, lambda: drained.machines.reload(PROXIES[0]))
    assert code == 0, said
    assert "was not drained any more (was haproxy reloaded?): it is drained again" in said
    back(drained)


def test_b1_another_server_that_goes_down_before_the_restart_ends_the_run_and_the_host_is_back(
    drained: Fleet,
) -> None:
    out_of_it = "set server blockerbugs/prod02 state maint"
    code, said = in_mid_update(drained, lambda: drained.machines.tells(PROXIES[1], out_of_it))
    assert code == 5, said
    assert "still-drained: exit status 1: server prod02 is in maintenance, not UP" in said
    assert drained.moments("service", "restart") == []
    servers = drained.machines.servers()
    assert servers[PROXIES[1]]["prod02"] == "MAINT"  # not ours
    assert notes(drained) == []
    until(lambda: all(words["prod01"] == "UP" for words in drained.machines.servers().values()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_b4_ended_while_it_is_only_looked_whether_a_host_is_still_drained_it_is_put_back(
    number: signal.Signals, drained: Fleet
) -> None:
    drained.breaks(ONE, "yum-update", "slow", seconds=3.0)
    client = drained.begins("prod minor-upgrade --yes")
    journal = drained.folder / "state/blockerbugs-upgrade/journal.jsonl"
    with client:
        until(lambda: is_drained(drained))
        until(lambda: '"step": "yum-update"' in journal.read_text(encoding="utf-8"))
        for proxy in PROXIES:  # the look waits for it, 10 s at most
            drained.machines.tells(proxy, "set server blockerbugs/prod02 state maint")
        until(lambda: '"step": "still-drained"' in journal.read_text(encoding="utf-8"))
        client.send_signal(number)
        out, err = client.communicate(timeout=60)
    assert (client.returncode, "may still be drained" in err) == (130, False), out + err
    assert [f"{proxy}: prod01 is put back" in out for proxy in PROXIES] == [True] * 2, out + err
    assert all(words["prod01"] != "DRAIN" for words in drained.machines.servers().values())
    assert {note.partition(": at,")[0] for note in notes(drained)} <= {ONE}  # where to look, and there is nothing
    for proxy in PROXIES:
        drained.machines.tells(proxy, "set server blockerbugs/prod02 state ready")
    until(lambda: drained.types("prod resume --yes").code == 0)
    back(drained)
    assert [drained.runs(host) for host in (ONE, TWO)] == [NEW] * 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("backend: blockerbugs", "backend: web", "host_sets.prod.balancer.backend in hosts.yml is web; haproxy has "),
        ("backend: blockerbugs", "backend: blockerbugs, servers: {prod02: x}", "has no server x for prod02"),
        ("backend: blockerbugs", "backend: blockerbugs, socket: /run/x.sock", "host_sets.prod.balancer.socket"),
        (
            "confirm: name",
            "confirm: name\n    rolling: 2",
            "draining prod01, prod02 leaves no server to take the requests: ",
        ),
        ("confirm: name", "confirm: name\n    rolling: 2", ": host_sets.prod.rolling in hosts.yml takes them together"),
    ],
)
def test_b5_what_does_not_fit_the_proxies_is_refused_with_its_key_before_anything_is_drained(
    old: str, new: str, told: str, drained: Fleet
) -> None:
    says(drained, old, new)
    ended = drained.types("prod minor-upgrade --yes")
    assert ended.code == 2, ended.said
    assert told in ended.err
    assert f"next: ${{EDITOR:-vi}} {drained.home / 'hosts.yml'}\n" in ended.err
    assert drained.machines.servers() == UP
    assert drained.changed() == []


def test_o1_a_plan_beside_a_run_that_has_drained_a_host_names_what_leads_out_of_that_run(drained: Fleet) -> None:
    drained.dies_in("prod minor-upgrade --yes", "yum", "-C", "update")
    until(lambda: drained.types("prod minor-upgrade --plan").code != 75)  # its yum has ended
    planned = drained.types("prod minor-upgrade --plan --json")
    assert (planned.code, "proxy01.example: prod01 is drained by run " in planned.err) == (2, True), planned.said
    assert "undrain" not in planned.said
    assert "fab prod resume" in json.loads(planned.out.splitlines()[-1])["next"]
    assert drained.types("prod resume --yes").code == 0
    back(drained)


@pytest.mark.parametrize("word", ["drain", "maint"])
def test_b2_a_server_that_somebody_else_has_taken_out_refuses_the_upgrade_and_stays_so(
    word: str, drained: Fleet
) -> None:
    drained.machines.tells(PROXIES[0], f"set server blockerbugs/prod01 state {word}")
    ended = drained.types("prod minor-upgrade --yes")
    assert ended.code == 2, ended.said
    assert f"proxy01.example: server prod01 is in {word}, and not by this tool: it is left so" in ended.err
    assert drained.types("prod abort --yes").code == 0
    assert drained.machines.servers()[PROXIES[0]]["prod01"] == word.upper()
    (offered,) = re.findall("^next: (ssh .*)$", ended.err, re.M)
    subprocess.run(offered, shell=True, check=True, cwd=drained.folder, capture_output=True)
    back(drained)


def test_b5_a_proxy_that_cannot_be_reached_refuses_before_anything_is_changed(drained: Fleet) -> None:
    drained.machines.power_off(PROXIES[1])
    ended = drained.types("prod minor-upgrade --yes")
    assert ended.code == 4, ended.said
    assert "proxy02.example" in ended.err
    assert drained.changed() == []
    assert drained.types("prod sync --yes").code == 0  # which has no use for it


def test_b6_a_proxy_that_is_lost_while_a_host_is_drained_is_told_until_it_is_there_again(drained: Fleet) -> None:
    drained.breaks(ONE, "yum-update", "slow", seconds=3.0)
    client = drained.begins("prod minor-upgrade --yes")
    with client:
        until(lambda: bool(drained.moments("yum", "-C", "update")))
        drained.machines.power_off(PROXIES[1])
        out, err = client.communicate(timeout=120)
    assert client.returncode == 5, out + err
    assert "proxy02.example: what this run drained there may still be drained" in out + err
    status = drained.types("prod status")
    assert "proxy02.example: cannot be asked; what run " in status.said
    drained.machines.boot(PROXIES[1])
    assert drained.types("prod resume --yes").code == 0
    back(drained)


def test_a_drain_is_told_in_json(drained: Fleet) -> None:
    ended = drained.types("prod minor-upgrade --yes --json")
    assert ended.code == 0, ended.said
    told = [json.loads(line) for line in ended.out.splitlines()]
    drains = [one for one in told if one.get("step") == "drain" and one["event"] == "phase"]
    assert [one["hosts"] for one in drains] == [list(PROXIES)] * 2


PROXIES_KEYS = f", proxies: [{', '.join(PROXIES)}], backend: blockerbugs, sessions: 5"
PAGE = "/var/tmp/page"


def test_a_host_may_be_drained_by_a_file_that_makes_its_check_answer_503(drained: Fleet) -> None:
    says(drained, PROXIES_KEYS, ", drain: {file: /var/tmp/drained}, sessions: 1")
    files = {host: drained.home / "hosts" / host / "var/tmp/drained" for host in (ONE, TWO)}
    drained.breaks(TWO, "restart-httpd", "slow", seconds=3.0)
    client = drained.begins("prod minor-upgrade --yes")
    with client:
        until(lambda: any(host == TWO for _, host, _ in drained.moments("service", "restart")))
        assert [path.exists() for path in files.values()] == [False, True]
        out, err = client.communicate(timeout=120)
    assert client.returncode == 0, out + err
    assert not any(path.exists() for path in files.values())
    assert notes(drained) == []


def test_b2_a_file_that_somebody_else_has_put_there_refuses_and_stays(drained: Fleet) -> None:
    says(drained, PROXIES_KEYS, ", drain: {file: /var/tmp/drained}, sessions: 1")
    path = drained.home / "hosts" / ONE / "var/tmp/drained"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    ended = drained.types("prod minor-upgrade --yes")
    assert ended.code == 2, ended.said
    assert "prod01: /var/tmp/drained is there, and not by this tool" in ended.err
    assert drained.types("prod abort --yes").code == 0
    assert path.exists()


def test_b4_killed_while_a_file_drains_a_host_abort_takes_it_away(drained: Fleet) -> None:
    says(drained, PROXIES_KEYS, ", drain: {file: /var/tmp/drained}, sessions: 1")
    path = drained.home / "hosts" / ONE / "var/tmp/drained"
    drained.dies_when("prod minor-upgrade --yes", path.exists)
    assert "prod01: drained by run " in drained.types("prod status").said
    until(lambda: drained.types("prod abort --yes").code == 0)
    assert not path.exists()
    assert notes(drained) == []


@pytest.mark.parametrize("fails", [False, True])
def test_a_maintenance_page_is_up_while_nobody_serves_and_down_at_every_end(fails: bool, drained: Fleet) -> None:
    says(drained, "sessions: 5", f"maintenance: {{on: touch .{PAGE}, off: rm .{PAGE}}}")
    pages = [drained.home / "hosts" / proxy / PAGE[1:] for proxy in PROXIES]
    for page in pages:
        page.parent.mkdir(parents=True, exist_ok=True)
    drained.breaks(ONE, "upgrade-db", *(["fail"] if fails else ["slow"]), seconds=3.0)
    client = drained.begins("prod major-upgrade --version 1.1.0 --unverified test --yes")
    with client:
        until(lambda: bool(drained.moments("upgrade_db")))
        assert fails or all(page.exists() for page in pages)
        out, err = client.communicate(timeout=120)
    assert client.returncode == (5 if fails else 0), out + err
    assert not any(page.exists() for page in pages)
    if fails:
        assert "proxy01.example: the maintenance page is down" in out + err
        assert drained.types("prod resume --yes").code == 0
        assert not any(page.exists() for page in pages)
    assert notes(drained) == []


def test_w1_after_a_drain_the_line_that_puts_the_host_back_is_printed_and_works(drained: Fleet) -> None:
    ended = drained.types("-H prod01 drain --yes")
    assert "next: fab -H prod01 undrain" in ended.said
    assert "fab -H prod01 undrain" in drained.types("prod status").said
    ended = drained.types("prod minor-upgrade --yes")
    assert ended.code == 2, ended.said
    assert "proxy01.example: prod01 is drained by run " in ended.err
    assert "next: fab -H prod01 undrain" in ended.err
    ended = drained.types("-H prod01 undrain --yes")
    assert ended.code == 0, ended.said
    assert "next: " not in ended.said
    back(drained)


def test_b6_what_unlock_could_not_put_back_is_given_back_by_abort(drained: Fleet) -> None:
    drained.dies_when("prod minor-upgrade --yes", lambda: is_drained(drained))
    drained.machines.power_off(PROXIES[1])
    until(lambda: drained.types("prod unlock --yes").code == 5)
    again = drained.types("prod abort --yes")
    assert again.code == 5, again.said
    assert "not all that was drained is put back" in again.said
    assert "nothing is drained any more" not in again.said
    assert "proxy02.example: cannot be asked; what run " in again.err
    assert "next: fab prod abort" in again.err
    assert "next: " not in again.out
    drained.machines.boot(PROXIES[1])
    noted = "proxy02.example: prod01, which is ready there, is noted as drained by run "
    assert noted in drained.types("prod status").said
    ended = drained.types("prod abort --yes")
    assert ended.code == 0, ended.said
    back(drained)


def test_b8_a_note_that_a_loss_of_power_has_emptied_is_told_and_abort_puts_the_host_back(drained: Fleet) -> None:
    assert drained.types("-H prod01 drain --yes").code == 0
    for note in drained.home.glob("hosts/*/var/lib/blockerbugs-upgrade/drained/blockerbugs,*"):
        note.write_text("")
    assert "proxy01.example: prod01 was drained by an unknown run" in drained.types("prod status").said
    refused = drained.types("prod minor-upgrade --yes")
    assert refused.code == 2, refused.said
    assert "proxy01.example: prod01 is drained by an unknown run of this tool" in refused.err
    ended = drained.types("prod abort --yes")
    assert ended.code == 0, ended.said
    assert "nothing is drained any more" in ended.said
    back(drained)


def test_the_page_of_a_drained_run_shows_the_proxies_too(drained: Fleet) -> None:
    assert drained.types("prod minor-upgrade --yes").code == 0
    ended = drained.types(f"prod report --out {drained.home}/run.html")
    assert ended.code == 0, ended.said
    page = (drained.home / "run.html").read_text(encoding="utf-8")
    assert "still-drained" in page
    assert "proxy01.example" in page


def test_b4_ended_while_a_proxy_drains_a_host_it_is_told_and_resume_puts_it_back(drained: Fleet) -> None:
    drained.breaks(PROXIES[0], "drain", "slow", seconds=8.0)  # 10 s are given to haproxy
    client = drained.begins("prod minor-upgrade --yes")
    with client:
        until(lambda: bool(list(drained.kept(PROXIES[1]).glob("*/*-drain/rc"))))
        time.sleep(2)  # until the client has heard of it
        client.send_signal(signal.SIGTERM)
        out, err = client.communicate(timeout=60)
    assert client.returncode == 130, out + err
    assert f"{PROXIES[0]}: what this run drained there may still be drained: a step is still at work there" in err
    assert f"{PROXIES[1]}: prod01 is put back" in out
    assert "DRAIN" not in drained.machines.servers()[PROXIES[1]].values()
    until(lambda: drained.types("prod resume --yes").code == 0)
    back(drained)
    assert [drained.runs(host) for host in (ONE, TWO)] == [NEW] * 2
