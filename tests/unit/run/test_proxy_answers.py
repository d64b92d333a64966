"""What a proxy is asked, what its answer means, and what is typed where it has something drained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.paths import hosts_editor
from tasks.run import proxies
from tasks.run.left_behind import left_behind
from tasks.sop.balanced import Balanced, Server
from tasks.sop.model import UNREACHED, Facts
from tests.unit.builders import ONE, TWO, found, prod, well

from .test_proxies import BY_FILE, FINE, KEYS, OTHER, PROXY, RUN, SET

# What a proxy is asked, and what it answers


def test_a_proxy_is_asked_for_its_programs_its_servers_and_what_is_drained_there() -> None:
    script = proxies.script(prod(balancer={**KEYS, "socket": "/run/x.sock", "servers": {"blockerbugs01": "bb01"}}))
    assert script.startswith("facts 30 80 programs ")
    assert "fact_programs awk grep sed setsid base64 tail tr" in script
    assert "fact_haproxy /run/x.sock bb bb01" in script
    assert "drained_show /var/lib/blockerbugs-upgrade" in script


ANSWER = """boot\t0b1c9a52-1f7e-4b2e-9c55-000000000001
lacks\tsocat
lacks\treboot
server\tblockerbugs01 ready 3 0 active checked UP
server\tno server
backend\tweb
backend\tapi
drained\t0123abcd bb,blockerbugs01
drained\tx
words without a tab"""


def test_what_a_proxy_answered_is_read_and_what_it_would_not_say_is_left_out() -> None:
    found_out = proxies.read(SET, ANSWER)
    assert found_out.boot == "0b1c9a52-1f7e-4b2e-9c55-000000000001"
    assert found_out.lacks == ("socat",)
    assert found_out.drained == ((RUN, "bb,blockerbugs01"),)
    assert not found_out.unanswered
    assert found_out.balanced == Balanced((Server("blockerbugs01", "ready", 3, True, "UP"),), backends=("web", "api"))


def test_a_proxy_that_answered_nothing_is_known_for_nothing() -> None:
    assert proxies.read(SET, "") == Facts(balanced=Balanced())


@pytest.mark.parametrize(
    ("lines", "says", "unanswered"),
    [
        (["hangs\thaproxy\t30"], "/run/haproxy/admin.sock gave no answer in 30 s", True),
        (["hangs\tfiles\t30"], None, True),
        (["haproxy_says\tno such file", "haproxy_says\tmore"], "no such file", False),
        (["hangs\thaproxy", "haproxy_says\tno"], "/run/haproxy/admin.sock gave no answer in 30 s", True),
        ([f"haproxy_says\t{'x' * 400}"], "x" * 300, False),
    ],
)
def test_why_a_proxy_gave_no_servers_is_told(lines: list[str], says: str | None, unanswered: bool) -> None:
    found_out = proxies.read(SET, "\n".join(lines))
    assert found_out.balanced
    assert (found_out.balanced.says, found_out.unanswered) == (says, unanswered)


def test_s10_what_a_proxy_says_is_cleaned_and_bounded() -> None:
    lines = ["may_not\t", "haproxy_says\ta\u001b[2Jb", *(f"backend\t{'b' * 120}\u001b" for _ in range(30))]
    balanced = proxies.read(SET, "\n".join(lines)).balanced
    assert balanced
    assert balanced.may_not
    assert "\u001b" not in (balanced.says or "")
    assert {len(name) for name in balanced.backends} == {100}
    assert len(balanced.backends) == 20


def test_n1_a_host_is_out_where_its_note_is() -> None:
    at_proxy = {PROXY: replace(FINE, drained=((RUN, "bb,blockerbugs01"),))}
    assert proxies.is_out(SET, at_proxy, ONE, PROXY)
    assert not proxies.is_out(SET, at_proxy, TWO, PROXY)
    assert not proxies.is_out(SET, at_proxy, ONE, OTHER)
    by_file = {ONE: well(drained=((RUN, "file"),)), TWO: well()}
    assert proxies.is_out(BY_FILE, by_file, ONE, ONE)
    assert not proxies.is_out(BY_FILE, by_file, TWO, ONE)
    assert not proxies.is_out(BY_FILE, by_file, TWO, TWO)
    assert not proxies.is_out(prod(), by_file, ONE, ONE)


def left(at_proxy: Facts, *hosts: Facts, host_set: Any = SET) -> list[str]:
    facts = found(host_set, *hosts) | {PROXY: at_proxy, OTHER: FINE}
    return [" ".join(line.split()) for line in left_behind(host_set, facts).splitlines()]


def test_n1_what_is_left_drained_is_put_back_by_undrain_and_the_rest_by_abort() -> None:
    both = tuple((RUN, f"bb,{name}") for name in ("blockerbugs01", "blockerbugs02"))
    page = (RUN, "maintenance,prod")
    assert left(replace(FINE, drained=both), well()) == ["fab -H blockerbugs01,blockerbugs02 undrain # if it is well"]
    assert left(replace(FINE, drained=both[:1]), well(service="inactive"), well()) == [
        "fab prod start-httpd",
        "then: fab -H blockerbugs01 undrain # if it is well",
    ]
    abort = "fab prod abort # puts back what a run has taken out of the balancer"
    assert left(replace(FINE, drained=(page,)), well()) == [abort]
    noted = well(drained=((RUN, f"at,{PROXY.name}"),))
    assert left(UNREACHED, noted, well()) == [
        f"fab prod abort # when {PROXY.short} can be reached: puts back what a run has taken out of the balancer",
        f"or: {hosts_editor()} # if {PROXY.short} is gone for good: take it out of balancer.proxies, and abort",
    ]
    paused = well(paused=RUN)
    assert left(replace(FINE, drained=(page,)), paused, well()) == ["fab prod abort # lets cron sync again"]
    assert left(FINE, well()) == []
