"""What hosts.yml may say of what stands around a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.errors import Refused
from tasks.inventory.around import Command, Downtime, Notify, Silence
from tasks.inventory.model import HostSet
from tasks.inventory.remembered import read

SILENCE = {"silence": "http://am.example:9093", "matchers": {"service": "blockerbugs"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def reading(folder: Path, *parts: Any, **keys: Any) -> HostSet:
    host_set = {"hosts": [{"name": "a.example", "aliases": ["a"]}], "sync_host": "a", "around": list(parts), **keys}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"host_sets": {"prod": host_set}}))
    return read(folder / "hosts.yml").host_sets["prod"]


def test_each_kind_is_known_by_its_key_and_has_a_name(folder: Path) -> None:
    parts = [SILENCE, {**SILENCE, "name": "downtime"}, {"downtime": "noc.example"}, {"begin": "x"}, {"begin": "y"}]
    host_set = reading(folder, *parts, {"notify": "json://x"}, notify=["mailto://y"])
    kinds = (Silence, Silence, Downtime, Command, Command, Notify)
    assert tuple(type(part) for part in host_set.around) == kinds
    names = ["silence", "downtime", "downtime-2", "command", "command-2", "notify"]
    assert [part.name for part in host_set.around] == names
    assert {place: one.notify for place, one in host_set.told.items()} == {
        "notify[0]": "mailto://y",
        "around[5]": "json://x",
    }
    assert hash(host_set) == hash(reading(folder, *parts, {"notify": "json://x"}, notify=["mailto://y"]))


def test_where_something_is_done_is_a_host_of_the_set_or_another(folder: Path) -> None:
    host_set = reading(folder, {"begin": "x", "on": "a"}, {"begin": "y"}, {"downtime": "noc.example"})
    assert {name: host.name for name, host in host_set.beside.items()} == {
        "a": "a.example",
        "noc.example": "noc.example",
    }
    assert host_set.beside["a"] is host_set.hosts[0]


def test_yaml_reads_on_as_true_and_it_is_meant_as_on(folder: Path) -> None:
    text = "host_sets: {prod: {hosts: [a.example], sync_host: a.example, around: [{begin: x, on: b.example}]}}"
    (folder / "hosts.yml").write_text(text)
    assert [part.at for part in read(folder / "hosts.yml").host_sets["prod"].around] == ["b.example"]


def test_nagios_may_call_a_host_as_it_likes(folder: Path) -> None:
    host_set = reading(folder, {"downtime": "noc.example", "hosts": {"a": "A 1"}})
    (part,) = host_set.around
    assert isinstance(part, Downtime)
    assert part.called(host_set.hosts[0]) == "A 1"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({}, "around[0]: exactly one of silence, downtime, begin, notify is wanted"),
        (5, "around[0]: exactly one of silence, downtime, begin, notify is wanted"),
        ({"begin": "x", "downtime": "a"}, "around[0]: exactly one of silence, downtime, begin, notify is wanted"),
        ({**SILENCE, "matchers": {}}, "around[0].matchers: at least one is wanted"),
        ({**SILENCE, "matchers": {"a b": "x"}}, "around[0].matchers.a b: 'a b' is no label's name, as Prometheus has"),
        ({**SILENCE, "matcher": "x"}, "around[0].matcher: unknown key; did you mean matchers?"),
        (
            {"begin": "x", "matchers": {"a": "b"}},
            "around[0].matchers: unknown key: it belongs to a silence, and this is a c",
        ),
        ({"begin": "x", "ned": "y"}, "around[0].ned: unknown key; did you mean end?"),
        ({"begin": "x", "matcher": "y"}, "around[0].matcher: unknown key"),
        ({**SILENCE, "matchers": {"a": "~["}}, "around[0].matchers.a: is no regular expression: unterminated"),
        ({**SILENCE, "silence": "am.example"}, "around[0].silence: is no address: http:// or https:// is wanted"),
        ({**SILENCE, "silence": "http://u:p@x"}, "around[0].silence: is no address: http:// or https:// is wanted"),
        ({**SILENCE, "headers": {"A": "x\r\ny"}}, "around[0].headers.A: one line is wanted"),
        ({**SILENCE, "seconds": 0}, "around[0].seconds: wants more than 0"),
        ({**SILENCE, "expires": 5}, "around[0].expires: wants 60 or more"),
        ({**SILENCE, "name": "The Pager"}, "around[0].name: 'The Pager' is no name: small letters, digits and"),
        ({"downtime": "root@noc"}, "around[0].downtime: 'root@noc' is no host name; user and port belong in"),
        ({"downtime": "noc", "file": "x"}, "around[0].file: 'x' is no file's full path"),
        ({"downtime": "noc", "hosts": {"b": "B"}}, "around: entry 1: hosts: b is not one of the set's hosts"),
        ({"downtime": "noc", "hosts": {"a": "x;y"}}, "around[0].hosts.a: 'x;y' is no host's name in nagios"),
        ({"begin": "x\ny"}, "around[0].begin: one line is wanted"),
        ({"begin": "x", "on": 5}, "around[0].on: wants text"),
        ({"begin": "x", "required": "yes"}, "around[0].required: wants true or false"),
        ({"notify": "json://x", "required": True}, "around[0].required: who is told never holds a run up"),
    ],
    ids=str,
)
def test_S11_a_mistake_is_told_with_its_place_and_once(folder: Path, part: Any, told: str) -> None:
    with pytest.raises(Refused) as refused:
        reading(folder, part)
    (problem,) = refused.value.problems
    assert problem.partition("host_sets.prod.")[2].startswith(told)


def test_S11_one_name_for_two_is_refused(folder: Path) -> None:
    with pytest.raises(Refused, match="around: x: stands there twice as a name"):
        reading(folder, {"begin": "x", "name": "x"}, {"begin": "y", "name": "x"})
