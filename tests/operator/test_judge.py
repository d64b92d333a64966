"""A build that is bad in a way no health check sees: what is seen of it, and who still has it in the end."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
from shutil import which
from typing import Any

import pytest

from tests.endpoints import prometheus

from .conftest import ONE, TWO, Fleet, until
from .fleets import asked, printed
from .judged import MINOR, is_bad, judge, verdicts

pytestmark = pytest.mark.sandbox_only("its httpd can be told to answer as a bad build does")

BACK = {"rollback": True}
OLD, NEW = ("blockerbugs-1.0.0-1.el7", "1.0.0"), ("blockerbugs-1.0.1-1.el7", "1.0.1")


def test_j1_a_build_that_fails_seldom_is_put_back_after_the_first_batch(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=20, judge=BACK)
    is_bad(stg_runs_101, "errors")
    ended = stg_runs_101.types(MINOR)
    assert ended.code == 1, ended.said
    assert "the new build was judged bad: prod01: " in ended.err
    assert "prod01 is back on blockerbugs-1.0.0-1.el7" in ended.err
    assert "prod01 is put back on 1.0.0-1.el7; prod02 is left as it is\n\n[1/3] downgrade on prod01" in ended.out
    assert "1.0.1-1.el7, back to 1.0.0-1.el7" in stg_runs_101.types("prod history").out
    assert (stg_runs_101.runs(ONE), stg_runs_101.runs(TWO)) == (OLD, OLD)
    assert {host for _, host, _ in stg_runs_101.moments("yum", "-C", "update")} == {ONE}
    (said,) = verdicts(stg_runs_101)
    assert (said["verdict"], said["stops"], said["back"]) == ("bad", True, [ONE])
    assert said["measured"][0]["failed"] >= 3
    assert stg_runs_101.types("prod status").code == 0


def test_j1_a_build_that_is_bad_on_one_host_only_is_taken_back_there_and_the_rest_is_told(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=6, judge=BACK)
    is_bad(stg_runs_101, "slower", TWO)
    ended = stg_runs_101.types(MINOR)
    assert ended.code == 5, ended.said
    assert "prod02: more than 2 times as slow" in ended.err
    assert "prod01 has blockerbugs-1.0.1-1.el7 still" in ended.err
    assert "next: fab prod rollback" in ended.err
    assert (stg_runs_101.runs(ONE), stg_runs_101.runs(TWO)) == (NEW, OLD)
    assert stg_runs_101.types("prod rollback --yes").code == 0
    assert stg_runs_101.runs(ONE) == OLD


def test_j1_a_good_build_goes_to_every_host_and_its_numbers_are_told(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=4, judge={**BACK, "min_requests": 20})
    ended = stg_runs_101.types(f"{MINOR} --json")
    assert ended.code == 0, ended.said
    told = [json.loads(line) for line in ended.out.splitlines()]
    judged = [event for event in told if event["event"] == "judged"]
    assert [(event["verdict"], event["hosts"]) for event in judged] == [("good", [ONE]), ("good", [TWO])]
    assert [event["verdict"] for event in verdicts(stg_runs_101)] == ["good", "good"]


def test_j2_without_rollback_a_bad_batch_stops_the_run_and_resume_goes_on_in_spite_of_it(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=6)
    is_bad(stg_runs_101, "slower")
    ended = stg_runs_101.types(MINOR)
    assert ended.code == 5, ended.said
    assert [line.split("  # ")[0].rstrip() for line in printed(ended.err)] == [
        "fab prod abort",
        "fab prod rollback",
        "fab prod resume",
    ]
    assert "  # in spite of the verdict: goes on at step " in ended.err
    assert (stg_runs_101.runs(ONE), stg_runs_101.runs(TWO)) == (NEW, OLD)
    shown = stg_runs_101.types("prod status")
    assert "the new build was judged bad: prod01: more than 2 times as slow" in shown.out
    assert [line.split("  # ")[0].rstrip() for line in printed(shown.out)] == ["fab prod abort", "fab prod resume"]
    shown = stg_runs_101.types("--dry prod abort")
    assert "warning: the new build was judged bad: prod01: more than 2 times as slow" in shown.said
    ended = stg_runs_101.types("prod resume --yes")
    assert "warning: the new build was judged bad: prod01: more than 2 times as slow" in ended.said
    assert "; resume goes on with that build all the same" in ended.said
    assert ended.code == 5, ended.said  # the second batch is as slow as the first, and as slow as before
    assert [event["hosts"] for event in verdicts(stg_runs_101)] == [[ONE], [TWO]]


def test_j2_too_little_traffic_is_inconclusive_and_stops_where_nobody_can_be_asked(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=3, judge={"min_requests": 500})
    ended = stg_runs_101.types(MINOR)
    assert ended.code == 5, ended.said
    assert "judged inconclusive" in ended.err
    assert "fewer than 500 requests, too few to judge by" in ended.err
    ended = stg_runs_101.types("prod resume --yes")
    assert ended.code == 5, ended.said
    ended = stg_runs_101.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert [event["verdict"] for event in verdicts(stg_runs_101)] == ["inconclusive"] * 2


def test_j2_inconclusive_goes_on_if_hosts_yml_says_so(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=3, judge={"min_requests": 500, "inconclusive": "continue"})
    ended = stg_runs_101.types(MINOR)
    assert ended.code == 0, ended.said
    assert "judged good" not in ended.said
    assert [event["verdict"] for event in verdicts(stg_runs_101)] == ["inconclusive"] * 2


def test_j2_inconclusive_asks_where_somebody_sits(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=3, judge={"min_requests": 500}, confirm="none")
    with asked(stg_runs_101, "prod minor-upgrade --version 1.0.1", "Go on?") as (client, answer):
        assert answer("y\n") >= 0
        until(lambda: TWO in {host for _, host, _ in stg_runs_101.moments("yum", "-C", "update")})
        assert verdicts(stg_runs_101)[0]["stops"] is False
        client.kill()


@pytest.mark.parametrize(
    ("keys", "number"),
    [({}, signal.SIGINT), ({"window": 2}, signal.SIGTERM), ({"window": 2}, signal.SIGINT)],
    ids=["Ctrl-C", "SIGTERM, side by side", "Ctrl-C, side by side"],
)
def test_j2_who_ends_the_run_at_the_question_need_not_answer_it(
    keys: dict[str, Any], number: signal.Signals, stg_runs_101: Fleet
) -> None:
    judge(stg_runs_101, soak=3, judge={"min_requests": 500}, confirm="none", **keys)
    with asked(stg_runs_101, "prod minor-upgrade --version 1.0.1", "Go on?") as (client, _):
        client.send_signal(number)
        out, err = client.communicate(timeout=90)
    assert client.returncode == 130, out + err
    assert stg_runs_101.types("prod resume --yes --dry").code == 2


def test_j3_killed_while_a_batch_is_put_back_resume_ends_putting_it_back(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=20, judge=BACK)
    is_bad(stg_runs_101, "slower")
    stg_runs_101.breaks(ONE, "downgrade", "slow", seconds=2)
    stg_runs_101.dies_in(MINOR, "yum", "downgrade")
    ended = stg_runs_101.types("prod resume --yes")
    assert "; resume takes its hosts back" in ended.said
    assert ended.code == 1, ended.said
    assert "prod01 is back on blockerbugs-1.0.0-1.el7" in ended.err
    assert (stg_runs_101.runs(ONE), stg_runs_101.runs(TWO)) == (OLD, OLD)
    assert stg_runs_101.types("prod status").code == 0


def test_j3_ctrl_c_while_a_batch_is_put_back_says_that_resume_takes_it_back_and_offers_the_bad_build_to_nobody(
    stg_runs_101: Fleet,
) -> None:
    judge(stg_runs_101, soak=20, judge=BACK)
    is_bad(stg_runs_101, "errors")
    stg_runs_101.breaks(ONE, "downgrade", "slow", seconds=8.0)
    client = stg_runs_101.begins(MINOR)
    until(lambda: bool(stg_runs_101.moments("yum", "downgrade")), 60)
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=60)
    said = stg_runs_101.plainly(out + err)
    assert client.returncode == 5, said
    assert "prod01 serves 1.0.1, but blockerbugs-1.0.0-1.el7 is installed" in err
    assert "\nnext: fab prod resume  # takes prod01 back to the build before\n" in said
    assert "minor-upgrade" not in "".join(printed(said))
    assert "prod01 is back on blockerbugs-1.0.0-1.el7" in stg_runs_101.types("prod resume --yes").err
    assert stg_runs_101.runs(ONE) == OLD


def test_j2_after_the_abort_of_a_run_that_was_judged_bad_the_way_back_is_the_first_line(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=20)
    is_bad(stg_runs_101, "errors")
    assert stg_runs_101.types(MINOR).code == 5
    aborted, status = stg_runs_101.types("prod abort --yes"), stg_runs_101.types("prod status")
    for ended in (aborted, status):
        first, second = printed(ended.said)
        assert first == "fab prod rollback --version 1.0.0-1.el7  # rolls back if the build is still in the repo"
        assert second.startswith("fab prod minor-upgrade --version 1.0.1-1.el7")
        assert second.endswith("# in spite of the verdict: all hosts to 1.0.1-1.el7")
    assert stg_runs_101.types("prod rollback --yes --version 1.0.0-1.el7").code == 0
    assert stg_runs_101.runs(ONE) == OLD


def test_j3_killed_while_it_judges_a_batch_resume_judges_it_again(stg_runs_101: Fleet) -> None:
    judge(stg_runs_101, soak=60, judge=BACK)
    stg_runs_101.dies_when(MINOR, lambda: _is_healthy(stg_runs_101), seconds=1)
    judge(stg_runs_101, soak=4, judge={"min_requests": 20})
    ended = stg_runs_101.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert [event["hosts"] for event in verdicts(stg_runs_101)] == [[ONE], [TWO]]


def _is_healthy(fleet: Fleet) -> bool:
    file = fleet.folder / "state/blockerbugs-upgrade/journal.jsonl"  # of those who are to be killed
    return file.exists() and '"step": "healthy"' in file.read_text()


def test_j4_a_prometheus_that_is_away_refuses_before_anything_is_changed(stg_runs_101: Fleet) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        judge(stg_runs_101, soak=5, judge={"promql": {"url": url, "query": "vector(0)", "threshold": 1}})
        ended = stg_runs_101.types(MINOR)
    assert ended.code == 2, ended.said
    assert "refused, nothing was changed: host_sets.prod.judge.promql in hosts.yml: " in ended.err
    assert stg_runs_101.changed() == []


@pytest.mark.parametrize("query", ["sum(", "nothing_here"])
def test_j4_a_query_without_a_number_is_refused_with_what_prometheus_says(stg_runs_101: Fleet, query: str) -> None:
    with prometheus(["sum(" if query == "sum(" else None]) as url:
        judge(stg_runs_101, soak=5, judge={"promql": {"url": url, "query": query, "threshold": 1}})
        ended = stg_runs_101.types(MINOR)
        told = ended.err.rpartition("  or: ")[2].strip()
        words = shlex.split(told)
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10) if which("curl") else None
    assert ended.code == 2, ended.said
    assert ("parse error" if query == "sum(" else "the query gives nothing") in ended.err
    assert words[0] == "curl"
    assert done is None or ("parse error" if query == "sum(" else '"result": []') in done.stdout, told
    assert stg_runs_101.changed() == []


def test_j4_a_prometheus_that_goes_away_in_mid_run_is_inconclusive(stg_runs_101: Fleet) -> None:
    with prometheus([0.0, None]) as url:
        keys = {"min_requests": 10, "promql": {"url": url, "query": "vector(0)", "threshold": 1}}
        judge(stg_runs_101, soak=3, judge=keys)
        ended = stg_runs_101.types(MINOR)
    assert ended.code == 5, ended.said
    assert "judged inconclusive: promql: the query gives nothing" in ended.err


def test_j4_a_number_above_the_threshold_is_bad(stg_runs_101: Fleet) -> None:
    with prometheus([0.0, 2.0]) as url:
        keys = {**BACK, "min_requests": 10, "promql": {"url": url, "query": "vector(0)", "threshold": 1}}
        judge(stg_runs_101, soak=3, judge=keys)
        ended = stg_runs_101.types(MINOR)
    assert ended.code == 1, ended.said
    assert "judged bad: promql: 2, the threshold is 1" in ended.err
    assert stg_runs_101.runs(ONE) == OLD
