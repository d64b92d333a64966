from __future__ import annotations

import string
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.errors import Refused
from tasks.inventory.file import default_file, set_names
from tasks.inventory.model import App, Balancer, Host, Inventory
from tasks.inventory.named import find as named
from tasks.inventory.remembered import read
from tests.unit.builders import ONE, TWO, checked, fleet, prod, said, stg

Reader = Callable[[Any], Inventory]

GOOD = """
host_sets:
  stg:
    hosts: [a.example]
    sync_host: a.example
  prod:
    hosts:
      - name: b.example
        aliases: [b]
      - c.example
    sync_host: b
    after: stg
"""


@pytest.fixture
def hosts_yml(tmp_path: Path) -> Path:
    return tmp_path / "hosts.yml"


@pytest.fixture
def reading(hosts_yml: Path) -> Reader:
    def write_and_read(content: Any) -> Inventory:
        hosts_yml.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return read(hosts_yml)

    return write_and_read


def a_set(**keys: Any) -> dict[str, Any]:
    return {"host_sets": {"prod": {"hosts": ["a.example"], "sync_host": "a.example", **keys}}}


def test_the_shipped_file_is_read_without_complaint() -> None:
    assert list(read(default_file()).host_sets) == ["stg", "prod"]


def test_every_set_knows_the_files_application(reading: Reader) -> None:
    inventory = reading({"app": {"package": "kittens", "service": "nginx"}, **a_set()})
    assert inventory.host_sets["prod"].app == inventory.app == checked(App, package="kittens", service="nginx")


def test_a_set_may_have_an_application_of_its_own_and_the_rest_is_as_the_file_has_it(reading: Reader) -> None:
    inventory = reading({"app": {"service": "nginx", "free_space": 7}, **a_set(app={"package": "kittens"})})
    assert inventory.host_sets["prod"].app == checked(App, package="kittens", service="nginx", free_space=7)
    assert inventory.app.package == "blockerbugs"


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ({"app": {"service": "/"}, **a_set(app={"package": "kittens"})}, "app.service"),
        (a_set(app={"timer": "kittens"}), "host_sets.prod.app.timer"),
        (a_set(app={"migrations": "/versions/["}), "host_sets.prod.app.migrations"),
        (a_set(app={"kron": "none"}), "host_sets.prod.app.kron"),
        (a_set(app={"cron": "/etc/cron.d/x", "timer": "x.timer"}), "host_sets.prod.app"),
        (a_set(app=3), "host_sets.prod.app"),
    ],
)
def test_a_mistake_in_an_application_is_told_once_and_where_it_stands(file: Any, place: str, reading: Reader) -> None:
    with pytest.raises(Refused) as refused:
        reading(file)
    assert [problem.split(": ")[1] for problem in refused.value.problems] == [place]


def test_what_a_short_file_leaves_out_is_as_the_sop_has_it(reading: Reader) -> None:
    inventory = reading(GOOD)
    assert (inventory.app.package, inventory.app.service) == ("blockerbugs", "httpd")
    assert inventory.host_sets["prod"].owner == "Fedora QA Devel"
    assert inventory.host_sets["prod"].contact == "#fedora-qa"


@pytest.mark.parametrize(
    ("typed", "hosts"),
    [
        pytest.param("prod", ["b.example", "c.example"], id="a set is all its hosts"),
        pytest.param("b", ["b.example"], id="a short name"),
        pytest.param("c.example", ["c.example"], id="a full name"),
    ],
)
def test_a_name_means(typed: str, hosts: list[str], reading: Reader) -> None:
    [(host_set, meant)] = reading(GOOD).find(typed)
    assert [host.name for host in meant] == hosts
    assert host_set.name == "prod"


def test_a_host_of_two_applications_is_in_two_sets_and_is_meant_by_the_sets_names_only(reading: Reader) -> None:
    sets = {name: {"hosts": ["a.example"], "sync_host": "a.example"} for name in ("prod", "kittens")}
    with pytest.raises(Refused, match=r"hosts\[0\]: 'a\.example' stands at host_sets"):
        reading({"host_sets": sets})
    inventory = reading({"host_sets": {**sets, "kittens": {**sets["kittens"], "app": {"package": "kittens"}}}})
    assert [host_set.name for host_set, _ in inventory.find("kittens")] == ["kittens"]
    with pytest.raises(Refused, match=r"a\.example is a host of kittens and prod: name the set"):
        named("a.example", inventory, "status")


def test_a_name_that_nobody_has_means_nothing(reading: Reader) -> None:
    assert reading(GOOD).find("elsewhere") == []


def test_all_names_that_may_be_typed_are_told_sets_first(reading: Reader) -> None:
    assert reading(GOOD).names() == ["stg", "prod", "a.example", "b.example", "b", "c.example"]


def test_the_sync_host_is_found_by_its_short_name(reading: Reader) -> None:
    assert reading(GOOD).host_sets["prod"].sync.name == "b.example"


def test_roles_are_shown_as_words() -> None:
    idle = Host(name="idle.example", serves=False)
    host_set = prod(hosts=(ONE, TWO, idle))
    assert [host_set.roles(host) for host in host_set.hosts] == ["serves+syncs", "serves", "-"]
    assert host_set.serving == (ONE, TWO)


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        pytest.param(a_set(colour="red"), "host_sets.prod.colour", "unknown key", id="unknown key in a set"),
        pytest.param({**a_set(), "sets": {}}, "sets", "unknown key", id="unknown key at the top"),
        pytest.param(
            a_set(hosts=[{"name": "a.example", "port": 22}]),
            "host_sets.prod.hosts[0].port",
            "unknown key: how a host is reached (user, port, key, jump host) belongs in ~/.ssh/config",
            id="ssh key",
        ),
        pytest.param(a_set(health={"pathh": "/"}), "host_sets.prod.health.pathh", "unknown key", id="unknown key deep"),
        pytest.param(a_set(hosts=[]), "host_sets.prod.hosts", "at least one is wanted", id="empty set"),
        pytest.param(a_set(sync_host="b.example"), "host_sets.prod", "not one of", id="sync host outside its set"),
        pytest.param(
            a_set(hosts=["a.example", "a.example"]), "host_sets.prod.hosts[1]", "stands at", id="duplicate host"
        ),
        pytest.param(
            a_set(hosts=["a.example", "A.Example"]), "host_sets.prod.hosts[1]", "stands at", id="duplicate in capitals"
        ),
        pytest.param(
            a_set(hosts=["a.example", "a.example "]),
            "host_sets.prod.hosts[1]",
            "stands at",
            id="duplicate with a blank",
        ),
        pytest.param(
            {"host_sets": {name: a_set()["host_sets"]["prod"] for name in ("x", "y")}},
            "host_sets.y.hosts[0]",
            "host_sets.x.hosts[0]",
            id="one host in two sets",
        ),
        pytest.param(
            a_set(hosts=["a.example", {"name": "b.example", "aliases": ["a.example"]}]),
            "host_sets.prod.hosts[1]",
            "stands at",
            id="an alias that is another host",
        ),
        pytest.param(
            a_set(hosts=[{"name": "a.example", "aliases": ["prod"]}]),
            "hosts[0]",
            "name of a set",
            id="an alias like a set",
        ),
        pytest.param(a_set(after="stg"), "host_sets.prod.after", "no set 'stg'", id="after no set"),
        pytest.param(a_set(after="prod"), "host_sets.prod", "wait for itself", id="after itself"),
        pytest.param(
            {"host_sets": {"prod": {"hosts": ["a"]}}}, "host_sets.prod.sync_host", "missing", id="no sync host"
        ),
        pytest.param(a_set(at_once="2"), "host_sets.prod.at_once", "wants a whole number", id="a number as text"),
        pytest.param(a_set(at_once=True), "host_sets.prod.at_once", "wants a whole number", id="a yes for a number"),
        pytest.param({"app": {"lock_timeout": True}, **a_set()}, "app.lock_timeout", "not true or false", id="a yes"),
        pytest.param(
            {"app": {"lock_timeout": float("nan")}, **a_set()}, "app.lock_timeout", "wants a number", id="nan"
        ),
        pytest.param(a_set(gpgcheck="no"), "host_sets.prod.gpgcheck", "wants true or false", id="text for a yes"),
        pytest.param(a_set(health={"deadline": float("nan")}), "host_sets.prod.health.deadline", "", id="not a number"),
        pytest.param(a_set(health={"deadline": float("inf")}), "host_sets.prod.health.deadline", "", id="for ever"),
        pytest.param(
            a_set(health={"version": "Blockerbugs"}), "host_sets.prod.health.version", "{version}", id="no place for it"
        ),
        pytest.param(
            {"host_sets": {"Prod": a_set()["host_sets"]["prod"]}},
            "host_sets.Prod",
            "invalid set name 'Prod'",
            id="a capital",
        ),
        pytest.param({}, "host_sets", "missing", id="nothing about sets"),
        pytest.param("", "the file", "", id="an empty file"),
        pytest.param("[1, 2]", "the file", "", id="a list"),
        pytest.param("host_sets:\n  prod: {\n", "hosts.yml:", "", id="broken YAML"),
        pytest.param("app: {}\napp: {}\nhost_sets: {}\n", "hosts.yml:", "'app' stands twice", id="a key twice"),
        pytest.param("app: !!python/object:os.system {}\n", "hosts.yml:1", "python", id="a python object"),
    ],
)
def test_S11_refused_with_its_place_in_the_file(
    content: Any, place: str, what: str, reading: Reader, hosts_yml: Path
) -> None:
    with pytest.raises(Refused) as refused:
        reading(content)
    assert any(f"{hosts_yml.parent}" in problem and place in problem for problem in refused.value.problems)
    assert what in said(refused.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(
            a_set(hosts=["127.0.0.1:1"], sync_host="127.0.0.1:1"),
            [
                "hosts[0].name: '127.0.0.1:1' is no host name; user and port belong in ~/.ssh/config",
                "sync_host: '127.0.0.1:1' is no host name; user and port belong in ~/.ssh/config",
            ],
            id="a port, and not that there is no host",
        ),
        pytest.param(
            a_set(hosts=["root@a.invalid", "a.example"]),
            ["hosts[0].name: 'root@a.invalid' is no host name; user and port belong in ~/.ssh/config"],
            id="a user",
        ),
        pytest.param(
            a_set(hosts=[{"name": "a.example", "alias": ["a"]}]),
            ["hosts[0].alias: unknown key; did you mean aliases?"],
            id="a key of a host but for its end",
        ),
        pytest.param(a_set(confrm="name"), ["confrm: unknown key; did you mean confirm?"], id="a key of a set"),
        pytest.param(
            a_set(health={"pth": "/"}), ["health.pth: unknown key; did you mean path?"], id="a key below a key"
        ),
        pytest.param(a_set(minor_version="1 0"), ["minor_version: '1 0' is no version: VERSION or VER"], id="version"),
        pytest.param(a_set(minor_version=1.0), ["minor_version: wants text, in quotes if it looks"], id="a number"),
        pytest.param(a_set(enable_repo="*"), ["enable_repo: '*' is no repository's name"], id="repository"),
        pytest.param(a_set(url="qa.example"), ["url: is no address to be watched: http"], id="no scheme"),
        pytest.param(a_set(url="https://u:hunter2@qa.example"), ["url: is no address to be watched: http"], id="user"),
        pytest.param(a_set(url="https://qa.example:99999/x"), ["url: is no address: a host is wanted"], id="far port"),
        pytest.param(a_set(url="https://qa.example:x/"), ["url: is no address: a host is wanted"], id="worded port"),
        pytest.param(a_set(url="http://[::1/x"), ["url: is no address: a host is wanted"], id="brackets"),
        pytest.param(a_set(url="http://:80/x"), ["url: is no address: a host is wanted"], id="no host"),
        pytest.param(a_set(schema_status=""), ["schema_status: one line is wanted, not empty"], id="no command"),
        pytest.param(a_set(notify=["x y"]), ["notify[0]: is no address: it begins with ${NAME} or a"], id="notify"),
        pytest.param(a_set(health="/x"), ["health: wants keys of its own"], id="a value for keys"),
        pytest.param(
            a_set(hosts=["pröxy01", "a.example"]),
            ["hosts[0].name: 'pröxy01' is no host name: host names are ASCII letters, digits, - and ."],
            id="umlaut",
        ),
        pytest.param(
            a_set(hosts=[1, "a.example"]),
            ["hosts[0]: wants a host's name (in quotes if it looks like a number), or keys of its own"],
            id="one host",
        ),
        pytest.param(
            a_set(hosts=[{"qa02": None}, "a.example"]),
            ["hosts[0]: qa02 is a key, as a colon stands behind it: write the name alone, or name: qa02"],
            id="colon",
        ),
        pytest.param(
            a_set(hosts=[{"nmae": "b"}, "a.example"]),
            ["hosts[0].name: is missing", "hosts[0].nmae: unknown key; did you mean name?"],
            id="a misspelt key",
        ),
        pytest.param(
            a_set(location=False),
            ["location: yes, no, on, off, true and false are yes/no values in YAML: put it in quotes"],
            id="a no",
        ),
        pytest.param(a_set(order="paralel"), ["order: wants parallel or serial; did you mean parallel?"], id="order"),
        pytest.param(a_set(confirm=False), ["confirm: wants question, name or none"], id="no word of those"),
        pytest.param(a_set(reconnect=-5), ["reconnect: wants 0 or more"], id="less than nothing"),
        pytest.param(a_set(at_once=100), ["at_once: wants 64 or less"], id="too many"),
        pytest.param(a_set(limits={"yum": 0}), ["limits.yum: wants more than 0"], id="no time"),
        pytest.param(a_set(rolling=[1, "10 %"]), ["rolling[1]: '10 %' has a blank inside: write \"10%\""], id="blank"),
        pytest.param(a_set(health={"path": "x"}), ["health.path: 'x' is no page's path: it begins with /"], id="path"),
        pytest.param(a_set(backup={"command": "x", "file": "x"}), ["backup.file: 'x' is no file's full"], id="file"),
    ],
)
def test_S11_a_mistake_is_told_in_words_and_once(content: Any, told: list[str], reading: Reader) -> None:
    with pytest.raises(Refused) as refused:
        reading(content)
    said = [problem.partition("hosts.yml: host_sets.prod.")[2] for problem in refused.value.problems]
    assert [text[: len(begin)] for text, begin in zip(said, told, strict=True)] == told


@pytest.mark.parametrize(
    "app",
    [{"package": "-x"}, {"service": "-x"}, {"package": "none"}, {"service": "none"}, {"root": "~"}, {"cron": "\x1b"}],
    ids=str,
)
def test_S11_what_is_wrong_about_the_app_is_told_in_words(app: dict[str, str], reading: Reader) -> None:
    with pytest.raises(Refused, match=r"hosts\.yml: app\.[a-z]+: '.*' is no "):
        reading({**a_set(), "app": app})


def test_S11_a_no_where_an_application_may_have_nothing_is_told_with_the_word_for_nothing(reading: Reader) -> None:
    with pytest.raises(
        Refused, match=r"app\.migrate: yes, no, .* in YAML: write none where there is none, or put it in"
    ):
        reading({**a_set(), "app": {"migrate": False}})
    with pytest.raises(Refused, match=r"app\.package: yes, no, .* in YAML: put it in quotes"):
        reading({**a_set(), "app": {"package": False}})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("host_sets:\n  qa:\n    hosts: [a]\n   sync_host: a\n", ":4: the indentation differs from that of the lines"),
        ("host_sets:\n  qa:\n    sync_host: a\n      hosts: [a]\n", ":4: a colon cannot stand here: "),
        ("host_sets:\n\tqa: {}\n", ":2: a tab stands here: indent with blanks"),
        ("host_sets:\n  qa: {url: @a}\n", ":2: a value cannot begin with @: put it in quotes"),
        ("host_sets:\n  qa: {hosts: [a, b}\n", ":2: a bracket is not closed: ] is missing"),
        ("host_sets:\n  qa: {url: 'a}\n", ":3: a quote is opened, and not closed before the file ends"),
        (
            "host_sets:\n  qa:\n    hosts: [a]\n    sync_host a\n    order: serial\n",
            ":5: a key without a colon stands here, or in the",
        ),
        ("host_sets: *b\n", ":1: found undefined alias 'b'"),
    ],
)
def test_S11_what_yaml_objects_to_is_told_in_words_with_its_line(text: str, told: str, reading: Reader) -> None:
    with pytest.raises(Refused) as refused:
        reading(text)
    assert f"hosts.yml{told}" in said(refused.value)


def test_S11_no_mistake_is_told_with_its_pattern(reading: Reader) -> None:
    texts = "package service settings cron root"
    keys = "sync_host minor_version enable_repo schema_status url after location owner contact"
    bad = a_set(**dict.fromkeys(keys.split(), "\n"), hosts=["\n"], backup={"command": "\n", "file": "\n"})
    with pytest.raises(Refused) as refused:
        reading({**bad, "app": dict.fromkeys(texts.split(), "\n")})
    assert "pattern" not in said(refused.value)


def test_S11_a_set_is_told_once_that_its_name_is_no_name(reading: Reader) -> None:
    with pytest.raises(Refused) as refused:
        reading({"host_sets": {"Prod": a_set()["host_sets"]["prod"]}})
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("content", ["host_sets:\n  prod: {\n", "app: {}\napp: {}\n"], ids=["no YAML", "a key twice"])
def test_S11_a_file_that_is_no_yaml_is_opened_next(content: str, reading: Reader, hosts_yml: Path) -> None:
    with pytest.raises(Refused) as refused:
        reading(content)
    assert refused.value.next_line == f"${{EDITOR:-vi}} {hosts_yml}"


def test_S11_all_problems_are_told_at_once(reading: Reader) -> None:
    with pytest.raises(Refused) as refused:
        reading(a_set(colour="red", at_once=0, hosts=["a.example", "a.example"], after="nobody"))
    assert len(refused.value.problems) == 4


def test_none_for_who_holds_a_lock_means_that_nobody_is_named(reading: Reader) -> None:
    app = reading({"app": {"lock_holders": "none"}, **a_set(app={"lock_timeout": 5})}).host_sets["prod"].app
    assert (app.lock_holders, app.lock_timeout) == (None, 5)


@pytest.mark.parametrize("name", ["status", "sandbox", "sync", "minor-upgrade"])
def test_S11_a_set_cannot_be_called_like_a_task(name: str, hosts_yml: Path) -> None:
    hosts_yml.write_text(f"host_sets:\n  {name}: {{hosts: [a.example], sync_host: a.example}}\n")
    with pytest.raises(Refused, match=f"host_sets.{name}: there is a task of that name"):
        read(hosts_yml, ["sync", name])


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"none\.yml does not exist"):
        read(tmp_path / "none.yml")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"host_sets: \x00", b"\x80abc"], ids=repr)
def test_bytes_that_are_no_text_are_refused(content: bytes, hosts_yml: Path) -> None:
    hosts_yml.write_bytes(content)
    with pytest.raises(Refused, match=r"hosts\.yml"):
        read(hosts_yml)


# Words of the schema in places of every kind: the likely mistakes, and the unlikely ones.
_leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["a.example", "prod"])
_key = st.sampled_from(["app", "host_sets", "prod", "hosts", "name", "aliases", "sync_host", "after", "health", "url"])
_any = st.recursive(_leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_key, inner, max_size=4))
_set = st.dictionaries(_key, _any, max_size=4) | _any


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({"host_sets": st.dictionaries(st.sampled_from(["prod", "stg"]), _set)}) | _any)
@example({"host_sets": {"prod": {"hosts": 5}}})
@example({"host_sets": {"prod": {"hosts": [{"name": "a", "aliases": 5}]}}})
@example({"host_sets": {"prod": {"hosts": [{"name": ["a"]}]}}})
@example({"host_sets": {"prod": {"hosts": [{"name": "a", "aliases": [{}]}]}}})
@example({"host_sets": {"prod": {"hosts": True, "after": []}}})
def test_S11_whatever_stands_in_the_file_it_is_read_or_refused(reading: Reader, content: Any) -> None:
    with suppress(Refused):
        assert isinstance(reading(content), Inventory)


HOSTILE = {
    "a command behind": "b.example; rm -rf /",
    "a substitution": "$(reboot)",
    "backquotes": "`reboot`",
    "a newline": "b.example\nProxyCommand=x",
    "a leading dash": "-oProxyCommand=x",
    "a label with a leading dash": "b.-example",
    "a look-alike letter": "bl\u043eckerbugs01",
    "full-width digits": "b\uff10\uff11.example",
    "10 kB": "a" * 10_000,
    "a label of 64": "a" * 64,
    "a blank": "b example",
    "a user": "root@b.example",
    "a port": "b.example:22",
    "a path": "../b",
    "nothing": "",
    "a NUL": "b\0",
}


@pytest.mark.parametrize("name", [pytest.param(name, id=f"S5 {what}") for what, name in HOSTILE.items()])
def test_a_host_name_is_refused_with(name: str) -> None:
    with pytest.raises(ValidationError):
        checked(Host, name=name)


_label = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)


@given(st.lists(_label, min_size=1, max_size=6).map(".".join))
def test_S5_every_name_that_dns_allows_is_a_host_name(name: str) -> None:
    assert checked(Host, name=name).name == name


@given(st.text() | st.text(alphabet=string.printable))
def test_S5_what_is_taken_for_a_host_name_is_letters_digits_dots_and_inner_dashes(name: str) -> None:
    try:
        taken = checked(Host, name=name).name
    except ValidationError:
        return
    assert set(taken) <= set(string.ascii_letters + string.digits + ".-")
    assert all(label and not label.startswith("-") and not label.endswith("-") for label in taken.split("."))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("minor_version", "1.0; rm -rf /", id="S5 a pinned version with a command"),
        pytest.param("minor_version", "$(reboot)", id="S5 a pinned version with a substitution"),
        pytest.param("minor_version", "-1", id="S5 a pinned version with a leading dash"),
        pytest.param("enable_repo", "*", id="S5 a repo with a wildcard"),
        pytest.param("enable_repo", "x --nogpgcheck", id="S5 a repo with an option behind"),
        pytest.param("url", "file:///etc/passwd", id="S5 a URL that is a file"),
        pytest.param("health", {"path": "/ x"}, id="S5 a path with a blank"),
        pytest.param("health", {"version": "{version}\nx"}, id="S5 a version pattern with a newline"),
        pytest.param("schema_status", "alembic\ncurrent", id="S5 a command on two lines"),
        pytest.param("contact", "\x1b[2J", id="S10 a contact with an escape"),
    ],
)
def test_a_set_is_refused_with(key: str, value: Any, reading: Reader) -> None:
    with pytest.raises(Refused, match=f"host_sets.prod.{key}"):
        reading(a_set(**{key: value}))


@pytest.mark.parametrize(
    ("fall", "away", "noticed"),
    [(2, 9.9, False), (2, 10.0, True), (1, 0.0, True), (3, 19.9, False), (3, 20.0, True)],
)
def test_the_balancer_notices_an_absence_of_all_but_one_interval(fall: int, away: float, noticed: bool) -> None:
    assert Balancer(interval=10, fall=fall).notices(away) is noticed


def test_the_balancer_sends_requests_again_after_its_good_checks() -> None:
    assert Balancer(interval=2, rise=3).seconds_to_return == 6


def test_a_fleet_is_made_of_sets_by_name() -> None:
    assert fleet(stg()).find("blockerbugs01.stg") == [(stg(), stg().hosts)]


def test_a_set_can_take_over_what_another_one_says_with_yaml_s_merge(reading: Reader) -> None:
    inventory = reading(
        "host_sets:\n  stg: &s\n    hosts: [one.example]\n    sync_host: one.example\n    location: here\n"
        "  prod:\n    <<: *s\n    hosts: [two.example]\n    sync_host: two.example\n"
    )
    assert [(one.sync_host, one.location) for one in inventory.host_sets.values()] == [
        ("one.example", "here"),
        ("two.example", "here"),
    ]


BALANCED = {"proxies": ["proxy01.example"], "backend": "bb"}


def test_a_balancer_s_proxies_are_reached_beside_the_hosts_and_a_server_is_called_as_the_host_or_as_is_said(
    reading: Reader,
) -> None:
    content = a_set(
        hosts=["a.example", {"name": "b.example", "aliases": ["b"]}],
        balancer={**BALANCED, "servers": {"a.example": "bb01"}, "maintenance": {True: "up", False: "down"}},
    )
    host_set = reading(content).host_sets["prod"]
    assert host_set.balancer
    assert [host.name for host in host_set.machines] == ["a.example", "b.example", "proxy01.example"]
    assert [host_set.balancer.server(host) for host in host_set.hosts] == ["bb01", "b"]
    assert host_set.balancer.maintenance
    assert host_set.balancer.maintenance.on == "up"
    assert {host_set: "a set can be a key"}[host_set]


@pytest.mark.parametrize(
    ("balancer", "told"),
    [
        pytest.param({"proxies": ["p.example"]}, "balancer: backend is missing", id="no backend"),
        pytest.param({"backend": "bb"}, "balancer: backend: only with proxies", id="a backend of nobody"),
        pytest.param({"sessions": 3}, "balancer: sessions: only with proxies or drain", id="sessions of nobody"),
        pytest.param({**BALANCED, "backend": "maintenance"}, "balancer.backend: maintenance: begins", id="B5 our page"),
        pytest.param(
            {**BALANCED, "backend": "at"}, "balancer.backend: at: begins the name of another", id="B5 our place"
        ),
        pytest.param({**BALANCED, "backend": "b;x"}, "balancer.backend: 'b;x' is no name in haproxy", id="S5 backend"),
        pytest.param({**BALANCED, "socket": "/run/a,b"}, "balancer.socket: '/run/a,b' is no socket", id="S5 socket"),
        pytest.param({**BALANCED, "drain": {"file": "/x"}}, "exclude each other", id="both ways"),
        pytest.param({**BALANCED, "proxies": ["a.example"]}, "a.example is also a host of the set", id="a host"),
        pytest.param({**BALANCED, "proxies": ["p", "P"]}, "balancer.proxies: p: stands there twice", id="one twice"),
        pytest.param(
            {**BALANCED, "proxies": [{"name": "p", "serves": False}]}, "balancer.proxies: p: serves: ", id="more"
        ),
        pytest.param({**BALANCED, "servers": {"c": "x"}}, "balancer.servers: c is not one of", id="an unknown host"),
        pytest.param(
            {**BALANCED, "servers": {"a.example": "x", "b.example": "x"}}, "x is the server of several", id="one server"
        ),
        pytest.param({**BALANCED, "maintenance": {"on": "x"}}, "maintenance.off: is missing", id="no way back"),
    ],
)
def test_S11_a_balancer_is_refused_with(balancer: dict[str, Any], told: str, reading: Reader) -> None:
    with pytest.raises(Refused) as refused:
        reading(a_set(hosts=["a.example", "b.example"], balancer=balancer))
    assert told in " ".join(refused.value.problems)


def test_what_a_file_says_does_not_depend_on_who_has_read_it_before(hosts_yml: Path) -> None:
    hosts_yml.write_text(
        "host_sets:\n  a: &a\n    hosts: [x]\n    confirm: name\n  b:\n    <<: *a\n    confirm: name\n"
    )
    with pytest.raises(Refused) as alone:
        read(hosts_yml)
    assert set_names(hosts_yml) == ["a", "b"]
    with pytest.raises(Refused) as afterwards:
        read(hosts_yml)
    assert afterwards.value.problems == alone.value.problems
