"""What keeps a host from being drained, and what is said of one that is, by what its proxies and hosts answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.inventory.model import Host
from tasks.run import proxies
from tasks.run.left_behind import left_behind
from tasks.sop.balanced import Balanced, Server
from tasks.sop.model import UNREACHED, Facts
from tests.unit.builders import ONE, TWO, found, job, prod, request, well

RUN = "0123abcd"
PROXY, OTHER = Host(name="proxy01.example", aliases=("proxy01",)), Host(name="proxy02.example", aliases=("proxy02",))
KEYS: Any = {"proxies": (PROXY, OTHER), "backend": "bb", "maintenance": {"on": "page on", "off": "page off"}}
SET = prod(balancer=KEYS, schema_status="x")
BY_FILE = prod(balancer={"drain": {"file": "/drained"}}, schema_status="x")
SERVERS = tuple(Server(name, "ready", 0, True, "UP") for name in ("blockerbugs01", "blockerbugs02"))
FINE = Facts(balanced=Balanced(SERVERS))


def reasons(there: Facts | None, procedure: str = "restart-httpd", hosts: tuple[Host, ...] = ()) -> list[Any]:
    """The reasons and their cures; there: what the first proxy answered, the second is fine. None: nothing was."""
    facts = found(SET, well()) | {OTHER: FINE} | ({PROXY: there} if there else {})
    return [tuple(reason) for reason in proxies.reasons(request(procedure, SET, hosts), facts)]


def with_servers(*servers: Server, **more: Any) -> Facts:
    return Facts(balanced=Balanced(servers, **more))


def test_n1_proxies_that_answer_as_they_should_are_no_reason() -> None:
    assert reasons(FINE) == []


@pytest.mark.parametrize("there", [None, UNREACHED])
def test_n1_a_proxy_that_is_lost_can_drain_nothing(there: Facts | None) -> None:
    assert reasons(there) == [("proxy01: cannot be reached, nothing can be drained there", None)]


def test_n1_programs_that_a_proxy_lacks_are_named_with_what_installs_them() -> None:
    assert reasons(replace(FINE, lacks=("socat", "base64", "tr"))) == [
        (
            "proxy01: has no socat and no base64 and no tr, which draining needs",
            f"ssh -t {PROXY.name} sudo yum -y install socat coreutils",
        )
    ]


@pytest.mark.parametrize(
    ("there", "why"),
    [
        pytest.param(
            with_servers(says="no such backend", backends=("web", "api")),
            "proxy01: no such backend: host_sets.prod.balancer.backend in hosts.yml is bb; it has web, api",
            id="another backend",
        ),
        pytest.param(
            with_servers(says="no such file"),
            "proxy01: no such file: host_sets.prod.balancer.socket in hosts.yml",
            id="no socket",
        ),
        pytest.param(
            with_servers(),
            "proxy01: haproxy gave no answer: host_sets.prod.balancer.socket in hosts.yml",
            id="no answer",
        ),
        pytest.param(
            Facts(), "proxy01: haproxy gave no answer: host_sets.prod.balancer.socket in hosts.yml", id="nothing asked"
        ),
        pytest.param(
            with_servers(*SERVERS, may_not=True),
            "proxy01: /run/haproxy/admin.sock may only be asked, nothing can be drained: stats socket … level admin in "
            "haproxy.cfg is wanted",
            id="a socket that may only be asked",
        ),
        pytest.param(
            with_servers(SERVERS[0], replace(SERVERS[1], name="bb02")),
            "proxy01: backend bb has no server blockerbugs02 for blockerbugs02, it has blockerbugs01, bb02: "
            "host_sets.prod.balancer.servers in hosts.yml",
            id="another server",
        ),
    ],
)
def test_n1_keys_of_hosts_yml_that_do_not_fit_a_proxy_are_named(there: Facts, why: str) -> None:
    assert reasons(there) == [(why, None)]


def test_n1_a_host_that_serves_nobody_has_no_server() -> None:
    quiet = prod(hosts=(ONE, TWO.model_copy(update={"serves": False})), balancer=KEYS)
    facts = found(quiet, well()) | dict.fromkeys((PROXY, OTHER), with_servers(SERVERS[0]))
    assert proxies.reasons(request("restart-httpd", quiet), facts) == []


def test_n1_a_host_that_this_tool_has_drained_is_put_back_first() -> None:
    drained = replace(FINE, drained=((RUN, "other,blockerbugs01"), (RUN, "bb,blockerbugs02")))
    assert reasons(drained) == [
        ("proxy01: blockerbugs02 is drained by run 0123abcd of this tool", "fab -H blockerbugs02 undrain")
    ]
    assert reasons(drained, hosts=(ONE,)) == []
    assert reasons(drained, "undrain") == []


@pytest.mark.parametrize("word", ["maint", "drain"])
def test_n1_a_server_that_somebody_else_has_taken_out_is_left_so(word: str) -> None:
    assert reasons(with_servers(replace(SERVERS[0], word=word), SERVERS[1])) == [
        (
            f"proxy01: server blockerbugs01 is in {word}, and not by this tool: it is left so; "
            '"set server bb/blockerbugs01 state ready" on proxy01 puts it back, if nobody needs that',
            None,
        )
    ]


@pytest.mark.parametrize("procedure", ["stop-httpd", "sync", "yum-update"])
def test_n1_what_drains_nothing_is_not_refused_for_it(procedure: str) -> None:
    assert reasons(UNREACHED, procedure) == []


def test_n1_by_a_file_on_the_host_somebody_elses_file_and_our_own_note_are_in_the_way() -> None:
    facts = found(BY_FILE, well(drain_file=True, drained=((RUN, "file"),)), well(drain_file=True))
    assert [tuple(one) for one in proxies.reasons(request("restart-httpd", BY_FILE), facts)] == [
        ("blockerbugs01: is drained by run 0123abcd of this tool", "fab -H blockerbugs01 undrain"),
        (
            "blockerbugs02: /drained is there, and not by this tool: somebody has drained that host",
            f"ssh -t {TWO.name} sudo ls -l /drained  # take it away if nobody needs that",
        ),
    ]
    assert proxies.reasons(request("undrain", BY_FILE), facts) == []
    assert proxies.reasons(request("restart-httpd", BY_FILE), found(BY_FILE, well(drained=((RUN, "x"),)))) == []


@pytest.mark.parametrize(
    ("procedure", "balancer", "wanted"),
    [
        ("minor-upgrade", KEYS, (PROXY, OTHER)),
        ("undrain", KEYS, (PROXY, OTHER)),
        ("major-upgrade", KEYS, (PROXY, OTHER)),
        ("major-upgrade", {**KEYS, "maintenance": None}, ()),
        ("stop-httpd", KEYS, ()),
        ("minor-upgrade", {}, ()),
        ("minor-upgrade", None, ()),
    ],
)
def test_only_who_drains_or_puts_a_page_up_asks_the_proxies(procedure: str, balancer: Any, wanted: Any) -> None:
    assert proxies.asked(request(procedure, prod(balancer=balancer))) == wanted


# What is drained


def told(at_proxy: Facts | None, *hosts: Facts, host_set: Any = SET) -> list[str]:
    facts = found(host_set, *(hosts or (well(),))) | {OTHER: FINE} | ({PROXY: at_proxy} if at_proxy else {})
    return proxies.told(host_set, facts)


def test_n1_what_is_drained_is_told_by_the_hosts_name_and_with_the_run() -> None:
    notes = ("bb,blockerbugs02", "bb,old", "maintenance,prod", "maintenance,stg", "other,blockerbugs01", "odd")
    assert told(replace(FINE, drained=tuple((RUN, note) for note in notes))) == [
        "proxy01: blockerbugs02 was drained by run 0123abcd",
        "proxy01: old was drained by run 0123abcd",
        "proxy01: the maintenance page was put up by run 0123abcd",
    ]
    assert told(FINE) == []


def test_n1_what_a_proxy_that_is_lost_may_have_drained_is_told_by_the_sync_hosts_note() -> None:
    noted = well(drained=((RUN, f"at,{PROXY.name}"), (RUN, "at,elsewhere.example")))
    assert told(None, noted, well()) == []  # nobody has looked
    assert told(UNREACHED, noted, well()) == [
        "proxy01: cannot be asked; what run 0123abcd has drained there may still be drained"
    ]
    assert told(UNREACHED, well(), noted) == []
    assert told(FINE, noted, well()) == []


def test_n1_a_host_that_is_drained_by_its_file_is_told() -> None:
    facts = found(BY_FILE, well(), well(drain_file=True, drained=((RUN, "file"),)))
    assert proxies.told(BY_FILE, facts) == ["blockerbugs02: drained by run 0123abcd"]
    assert proxies.told(prod(), found(prod(), well(drained=((RUN, "file"),)))) == []


def test_n1_a_batch_whose_drain_leaves_nobody_is_refused_on_the_proxy_that_says_so() -> None:
    facts = found(SET, well()) | {OTHER: FINE, PROXY: with_servers(SERVERS[0], replace(SERVERS[1], status="DOWN"))}
    asked = request("restart-httpd", SET, hosts=(ONE,))
    phases = asked.procedure.phases(job(SET, hosts=(ONE,)))
    assert [tuple(one) for one in proxies.in_the_way(asked, phases, facts)] == [
        ("proxy01: server blockerbugs02 is DOWN, not UP", None),
        ("proxy01: draining blockerbugs01 leaves no server to take the requests", None),
    ]
    assert proxies.in_the_way(asked, phases, {**facts, PROXY: FINE}) == []
    assert proxies.in_the_way(asked, phases[1:2], facts) == []
    assert proxies.in_the_way(request("restart-httpd", BY_FILE), phases, facts) == []
    assert proxies.in_the_way(request("restart-httpd", prod()), phases, facts) == []


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
    assert left(UNREACHED, noted, well()) == [abort]
    paused = well(paused=RUN)
    assert left(replace(FINE, drained=(page,)), paused, well()) == ["fab prod abort # lets cron sync again"]
    assert left(FINE, well()) == []
