"""What keeps a host from being drained, and what is said of one that is, by what its proxies and hosts answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import Refused
from tasks.inventory.model import App, Host
from tasks.run import proxies
from tasks.run.decide import decide
from tasks.sop.balanced import Balanced, Server
from tasks.sop.model import UNREACHED, Facts
from tests.unit.builders import ONE, TWO, Shell, found, job, of, prod, request, well

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
            "proxy01: no such backend: host_sets.prod.balancer.backend in hosts.yml is bb; haproxy has web, api",
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
            "proxy01: backend bb has no server blockerbugs02 for blockerbugs02, haproxy has blockerbugs01, bb02: "
            "host_sets.prod.balancer.servers in hosts.yml",
            id="another server",
        ),
    ],
)
def test_n1_keys_of_hosts_yml_that_do_not_fit_a_proxy_are_named(there: Facts, why: str) -> None:
    assert reasons(there) == [(why, None)]


def test_n1_a_key_that_does_not_fit_a_proxy_is_told_with_the_line_that_opens_hosts_yml() -> None:
    facts = found(SET, well()) | {OTHER: FINE, PROXY: with_servers(says="no such backend", backends=("web",))}
    with pytest.raises(Refused) as told:
        decide(request("drain", SET, hosts=(ONE,)), facts)
    assert told.value.next_line == "${EDITOR:-vi} hosts.yml"


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
    assert reasons(with_servers(replace(SERVERS[0], word=word), SERVERS[1], talks="socat")) == [
        (
            f"proxy01: server blockerbugs01 is in {word}, and not by this tool: it is left so",
            f"ssh -t {PROXY.name} 'echo set server bb/blockerbugs01 state ready | sudo "
            "socat - UNIX-CONNECT:/run/haproxy/admin.sock'  # puts it back, if nobody needs that",
        )
    ]
    by_python = with_servers(replace(SERVERS[0], word=word), SERVERS[1], talks="python3")
    assert [cure for _, cure in reasons(by_python)] == [None]


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
    return proxies.what_is_drained(host_set, facts)


def test_n1_what_is_drained_is_told_by_the_hosts_name_and_with_the_run() -> None:
    notes = ("bb,blockerbugs02", "bb,old", "maintenance,prod", "maintenance,stg", "other,blockerbugs01", "odd")
    drained = with_servers(SERVERS[0], replace(SERVERS[1], word="drain"))
    assert told(replace(drained, drained=tuple((RUN, note) for note in notes))) == [
        "proxy01: blockerbugs02 was drained by run 0123abcd",
        "proxy01: old was drained by run 0123abcd",
        "proxy01: the maintenance page was put up by run 0123abcd",
    ]
    assert told(FINE) == []


def test_b8_what_an_unknown_run_has_drained_is_told_and_keeps_the_next_run_from_draining_it_again() -> None:
    noted = replace(FINE, drained=(("", "bb,blockerbugs02"),))
    assert told(noted) == [
        "proxy01: blockerbugs02, which is ready there, is noted as drained by an unknown run"
    ]  # it is noted first
    asks = request("minor-upgrade", SET)
    reasons = proxies.reasons(asks, found(SET, well()) | {OTHER: FINE, PROXY: noted})
    assert [one.text for one in reasons] == ["proxy01: blockerbugs02 is drained by an unknown run of this tool"]


def test_n1_what_a_proxy_that_is_lost_may_have_drained_is_told_by_the_sync_hosts_note() -> None:
    noted = well(drained=((RUN, f"at,{PROXY.name}"), ("deadbeef", "at,elsewhere.example")))
    assert told(None, noted, well()) == []  # nobody has looked
    assert told(UNREACHED, noted, well()) == [
        "proxy01: cannot be asked; what run 0123abcd has drained there may still be drained"
    ]
    assert told(UNREACHED, well(), noted) == []
    assert told(FINE, noted, well()) == []


def test_n1_a_server_of_another_name_than_its_hosts_is_told_by_the_hosts_name() -> None:
    named = prod(balancer={**KEYS, "servers": {"blockerbugs02": "bb02"}})
    at_proxy = replace(FINE, drained=((RUN, "bb,bb02"), (RUN, "bb,a,b")))
    assert told(at_proxy, host_set=named) == [
        "proxy01: blockerbugs02 was drained by run 0123abcd",
        "proxy01: a,b was drained by run 0123abcd",
    ]


def test_n1_without_the_sync_host_nothing_is_known_of_a_proxy_that_is_lost() -> None:
    assert proxies.what_is_drained(SET, {PROXY: UNREACHED, OTHER: FINE}) == []


def test_n1_a_host_that_is_drained_by_its_file_is_told() -> None:
    facts = found(BY_FILE, well(), well(drain_file=True, drained=((RUN, "file"),)))
    assert proxies.what_is_drained(BY_FILE, facts) == ["blockerbugs02: drained by run 0123abcd"]
    assert proxies.what_is_drained(prod(), found(prod(), well(drained=((RUN, "file"),)))) == []


def test_a_proxy_is_asked_on_which_boot_it_is(shell: Shell) -> None:
    host_set = of(App(root="."), SET)
    shell.file("proc/sys/kernel/random/boot_id", "b00t-1d\n")
    assert "boot\tb00t-1d\n" in shell.run(proxies.script(host_set)).stdout


def test_n1_a_batch_whose_drain_leaves_nobody_is_refused_on_the_proxy_that_says_so() -> None:
    facts = found(SET, well()) | {OTHER: FINE, PROXY: with_servers(SERVERS[0], replace(SERVERS[1], status="DOWN"))}
    asked = request("restart-httpd", SET, hosts=(ONE,))
    phases = asked.procedure.phases(job(SET, hosts=(ONE,)))
    assert [tuple(one) for one in proxies.in_the_way(asked, phases, facts)] == [
        ("proxy01: server blockerbugs02 is DOWN, not UP", None),
        ("proxy01: draining blockerbugs01 leaves no server to take the requests", None),
    ]
    assert proxies.in_the_way(asked, phases, {**facts, PROXY: FINE}) == []
    assert proxies.in_the_way(asked, phases, {OTHER: FINE}) == []  # that it cannot be reached is told by `reasons`
    with pytest.raises(Refused, match="draining blockerbugs01 leaves no server"):
        decide(asked, facts)
    assert proxies.in_the_way(asked, phases[1:2], facts) == []
    assert proxies.in_the_way(request("restart-httpd", BY_FILE), phases, facts) == []
    assert proxies.in_the_way(request("restart-httpd", prod()), phases, facts) == []


def all_drained(at_proxy: Facts, *hosts: Facts, host_set: Any = SET) -> list[tuple[str, str | None]]:
    facts = found(host_set, *(hosts or (well(),))) | {OTHER: FINE, PROXY: at_proxy}
    asked = request("drain", host_set)
    told = proxies.in_the_way(asked, asked.procedure.phases(job(host_set)), facts)
    return [(one.text, one.cure) for one in told if one.text.startswith("proxy01: draining")]


def test_w6_who_would_drain_all_hosts_is_told_which_one_can_be_drained() -> None:
    leaves = "proxy01: draining blockerbugs01, blockerbugs02 leaves no server to take the requests"
    assert all_drained(FINE) == [(leaves, "fab -H blockerbugs01 drain")]
    assert all_drained(FINE, host_set=SET.model_copy(update={"rolling": 2})) == [(leaves, "fab -H blockerbugs01 drain")]
    assert all_drained(FINE, well(), well(answers=503)) == [(leaves, "fab -H blockerbugs02 drain")]
    down = with_servers(SERVERS[0], replace(SERVERS[1], status="DOWN"))
    assert all_drained(down) == [(leaves, "fab -H blockerbugs02 drain")]
    other = with_servers(replace(SERVERS[0], status="DOWN"), SERVERS[1])
    assert all_drained(other, well(), well(answers=503)) == [(leaves, None)]
