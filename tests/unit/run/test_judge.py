"""A verdict of a batch, and the chances it is made of."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.inventory.batches import Judge, Promql
from tasks.run.chance import slower, tail
from tasks.run.judge import (
    BAD,
    GOOD,
    INCONCLUSIVE,
    RECENT_SECONDS,
    Finding,
    Sample,
    Source,
    Verdict,
    alike,
    at_the_end,
    meanwhile,
    of_a_query,
    of_a_source,
)

JUDGE = Judge()
PROMQL = Promql(url="http://prometheus.example:9090", query="up", threshold=1.0)


def asked(requests: int, failed: int = 0, seconds: float = 0.01, at: float = 0.0, spread: int = 7) -> list[Sample]:
    """So many requests, 20 a second, the failures spread evenly among them; no two answers take equally long."""
    every = requests / failed if failed else math.inf
    bad = {int(n * every) for n in range(failed)}
    return [Sample(at + n / 20, seconds * (1 + n % spread / 100), n not in bad) for n in range(requests)]


def source(new: Sequence[Sample], old: Sequence[Sample] = (), **more: bool) -> Source:
    return Source("web01", new, before=asked(100), beside=old or asked(100), **more)


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_the_chance_of_failures_is_that_of_the_binomial_distribution(requests: int, failed: int, share: float) -> None:
    failed = min(failed, requests)
    exact = sum(math.comb(requests, k) * share**k * (1 - share) ** (requests - k) for k in range(failed, requests + 1))
    assert tail(failed, requests, share) == pytest.approx(exact, rel=1e-6, abs=1e-12)


@given(st.integers(1, 3000), st.floats(0.0, 1.0))
def test_more_failures_are_never_more_likely_by_chance(requests: int, share: float) -> None:
    chances = [tail(failed, requests, share) for failed in sorted({0, 1, requests // 20, requests // 2, requests})]
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= one <= 1 for one in chances)


def test_the_chance_of_ranks_is_near_that_of_all_orders_counted() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    sums = [sum(chosen) for chosen in combinations(values, 5)]
    for new in ([4.0, 6.0, 7.0, 9.0, 10.0], [6.0, 7.0, 8.0, 9.0, 10.0], [1.0, 5.0, 6.0, 7.0, 8.0]):
        exact = sum(one >= sum(new) for one in sums) / len(sums)
        assert slower(new, [one for one in values if one not in new]) == pytest.approx(exact, abs=0.02)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_of_two_rows_at_most_one_is_slower(one: list[float], other: list[float]) -> None:
    assert slower(one, other) + slower(other, one) >= 0.99
    assert slower(one, one) >= 0.5


@given(st.lists(st.floats(0.001, 5), min_size=20, max_size=80), st.lists(st.floats(0.001, 5), min_size=20, max_size=80))
def test_slower_answers_of_the_new_build_never_make_it_look_better(new: list[float], old: list[float]) -> None:
    assert slower([one * 2 for one in new], old) <= slower(new, old) + 1e-9


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_no_verdict_is_bad_where_old_and_new_are_alike(seed: int) -> None:
    chance = random.Random(seed)

    def answers(at: float) -> list[Sample]:
        row = [(at + n / 20, chance.lognormvariate(-5, 0.8), chance.random() > 0.001) for n in range(300)]
        return [Sample(*one) for one in row]

    alike = Source("web01", answers(0), before=answers(-20), beside=answers(0))
    assert all(meanwhile([alike], JUDGE, None, now) is None for now in range(1, 15))
    assert at_the_end([alike], JUDGE, None).verdict != BAD


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["500s", "slow"]))
def test_a_build_that_fails_often_or_is_ten_times_as_slow_is_bad_within_twenty_seconds(seed: int, kind: str) -> None:
    chance = random.Random(seed)

    def answers(failing: float = 0.0, times: float = 1.0) -> list[Sample]:
        row = [(n / 20, times * chance.lognormvariate(-4.5, 0.5), chance.random() >= failing) for n in range(400)]
        return [Sample(*one) for one in row]

    new = answers(failing=0.08) if kind == "500s" else answers(times=10)
    found = meanwhile([Source("web01", new, before=answers(), beside=answers())], JUDGE, None, now=20)
    assert found
    assert found.verdict == BAD


@given(st.integers(0, 49), st.integers(0, 49))
def test_too_little_traffic_is_never_good(requests: int, failed: int) -> None:
    assert at_the_end([source(asked(requests, min(failed, requests)))], JUDGE, None).verdict != GOOD


@given(st.lists(st.sampled_from([GOOD, BAD, INCONCLUSIVE])))
def test_one_bad_finding_is_enough_and_good_wants_all_of_them(findings: list[str]) -> None:
    verdict = Verdict(tuple(Finding("web01", one, "because") for one in findings))
    assert (verdict.verdict == BAD) == (BAD in findings)
    assert (verdict.verdict == GOOD) == (set(findings) == {GOOD})
    assert verdict.reasons


def test_numbers_and_what_they_are_compared_with_are_told() -> None:
    good = at_the_end([source(asked(400))], JUDGE, None)
    assert good.reasons == ("web01: 0 of 400 requests failed; answers in 10 ms, the old build in 10 ms",)
    failing = at_the_end([source(asked(400, 20))], JUDGE, None)
    assert failing.reasons == ("web01: 20 of 400 requests failed (5 %), where 0.5 % may",)
    slow = at_the_end([source(asked(400, seconds=0.1))], JUDGE, None)
    assert slow.reasons == ("web01: more than 2 times as slow; answers in 103 ms, the old build in 10 ms",)


def test_what_fails_on_the_old_build_too_is_not_the_new_builds_fault() -> None:
    assert of_a_source(source(asked(400, 20), old=asked(400, 21)), JUDGE).verdict == GOOD
    before = Source("users", asked(400, 20), before=asked(400, 20), node=False)
    assert of_a_source(before, JUDGE).verdict == GOOD


def test_j2_a_host_that_was_ill_before_is_not_good_for_being_no_worse() -> None:
    ill = Source("web01", asked(1002, 990), before=asked(60, 60), beside=asked(400))
    assert meanwhile([ill], JUDGE, None, now=51) is None
    assert at_the_end([ill], JUDGE, None).verdict == INCONCLUSIVE
    assert at_the_end([replace(ill, new=asked(1000))], JUDGE, None).verdict == GOOD
    assert "too ill" in of_a_source(ill, JUDGE).reason


def test_j2_one_failure_of_ten_before_does_not_let_a_tenth_fail_for_good() -> None:
    assert of_a_source(Source("web01", asked(1000, 100), before=asked(10, 1)), JUDGE).verdict == INCONCLUSIVE


def test_j1_a_dead_host_beside_excuses_nobody() -> None:
    rows = [asked(250), asked(250), asked(250), asked(250, 250)]
    beside = alike(rows)
    assert len(beside) == 750
    assert of_a_source(Source("web01", asked(1000, 180), before=asked(100), beside=beside), JUDGE).verdict == BAD
    mixed = [one for row in rows for one in row]
    assert of_a_source(source(asked(1000, 180), old=mixed), JUDGE).verdict == INCONCLUSIVE
    assert alike([[], asked(10, 10)]) == asked(10, 10)
    assert alike([]) == []


@pytest.mark.parametrize(("share", "verdict"), [(0.45, BAD), (0.1, BAD), (0.03, GOOD)])
def test_j1_a_build_that_is_slow_now_and_then_is_bad(share: float, verdict: str) -> None:
    new = asked(1000, round(1000 * share))
    new = [one if one.good else one._replace(seconds=4.0, good=True) for one in new]
    found = at_the_end([source(new, old=asked(1000))], JUDGE, None)
    assert found.verdict == verdict
    if verdict == BAD:
        assert (
            f"{share * 100:.0f} % of its answers more than 2 times as slow as nearly all; answers in"
            in found.reasons[0]
        )


def test_answers_that_are_slow_as_often_as_before_are_good() -> None:
    now_and_then = [one._replace(seconds=4.0) if n % 8 == 0 else one for n, one in enumerate(asked(1000))]
    assert of_a_source(source(now_and_then, old=now_and_then), JUDGE).verdict == GOOD


def test_a_few_failures_too_many_are_neither_good_nor_bad() -> None:
    found = of_a_source(source(asked(60, 3)), JUDGE)
    assert (found.verdict, "too few to be certain" in found.reason) == (INCONCLUSIVE, True)


def test_a_difference_that_nobody_notices_is_none_however_many_times_as_slow_it_is() -> None:
    assert of_a_source(source(asked(400, seconds=0.008), old=asked(400, seconds=0.0005)), JUDGE).verdict == GOOD


def test_a_build_that_turns_bad_later_is_found_by_its_latest_answers() -> None:
    late = [*asked(2000), *asked(int(RECENT_SECONDS * 20), 15, at=100.0)]
    one = source(late)
    assert of_a_source(one, JUDGE).verdict != BAD
    found = meanwhile([one], JUDGE, None, now=100 + RECENT_SECONDS)
    assert found
    assert found.verdict == BAD


def test_j1_a_host_that_answers_500_is_bad_although_nobody_looked_at_it_before() -> None:
    refused = [one._replace(good=False, refused=True) for one in asked(200)]
    users = Source("users", asked(200), before=asked(100), node=False, compares=False)
    for beside in ((), asked(200)):
        dead = Source("web09", refused, beside=beside)
        found = meanwhile([dead, users], JUDGE, None, now=10)
        assert found
        assert found.verdict == at_the_end([dead, users], JUDGE, None).verdict == BAD


def test_j1_a_host_that_answers_nothing_is_bad_where_the_hosts_beside_it_answer() -> None:
    dead = Source("web09", asked(50, 50), beside=asked(200))
    assert at_the_end([dead], JUDGE, None).verdict == BAD


def test_j2_a_host_of_which_nothing_is_known_is_never_told_as_good() -> None:
    nothing = Source("web01", asked(50, 50), before=asked(20, 20))
    users = Source("users", asked(200), before=asked(100), node=False)
    assert meanwhile([nothing], JUDGE, None, now=10) is None
    assert at_the_end([nothing], JUDGE, None).verdict == INCONCLUSIVE
    assert at_the_end([nothing, users], JUDGE, None).verdict == INCONCLUSIVE
    assert at_the_end([users], JUDGE, None).verdict == GOOD
    assert at_the_end([nothing, source(asked(200)), users], JUDGE, None).verdict == INCONCLUSIVE


def test_what_users_see_is_bad_for_all_of_a_batch_and_too_few_of_their_requests_do_not_matter() -> None:
    node = source(asked(200))
    assert at_the_end([node, Source("users", asked(10), node=False)], JUDGE, None).verdict == GOOD
    assert at_the_end([node, Source("users", asked(400, 30), node=False)], JUDGE, None).verdict == BAD


@pytest.mark.parametrize(
    ("values", "over", "verdict"),
    [
        ([0.5], True, GOOD),
        ([0.5], False, None),
        ([2.0], True, BAD),
        ([2.0, 2.0], False, None),
        ([2.0, 2.0, 2.0], False, BAD),
        ([2.0, 2.0, "away"], False, None),
        ([0.5, "away"], True, INCONCLUSIVE),
        ([], True, INCONCLUSIVE),
    ],
)
def test_a_query_is_bad_above_its_threshold_and_inconclusive_without_a_number(
    values: list[float | str], over: bool, verdict: str | None
) -> None:
    found = of_a_query(values, PROMQL, over)
    assert (found.verdict if found else None) == verdict
