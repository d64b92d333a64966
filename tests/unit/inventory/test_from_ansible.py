"""Hosts that Ansible's inventory names, with a program on PATH that answers as ansible-inventory does."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import Refused
from tasks.inventory import file
from tasks.inventory.model import Inventory
from tasks.inventory.remembered import read

from_ansible = import_module("tasks.strict.from_ansible")  # which a hosts.yml is read with
SAYS: dict[str, Any] = {
    "_meta": {
        "hostvars": {
            "web1": {"ansible_host": "web1.iad2.example", "ansible_user": "deploy", "ansible_port": 2222},
            "web2.iad2.example": {"ansible_host": "web2.iad2.example"},
            "near": {"ansible_connection": "local"},
        }
    },
    "all": {"children": ["ungrouped", "web", "here"]},
    "web": {"children": ["iad2", "rdu"], "hosts": ["web1"]},
    "iad2": {"hosts": ["web1", "web2.iad2.example"]},
    "rdu": {"hosts": ["web3.rdu.example"], "children": ["web"]},
    "here": {"hosts": ["near"]},
    "empty": {},
}
HOSTS_YML = "host_sets:\n  prod:\n    hosts: {hosts}\n    sync_host: web1\n"
Answers = Callable[..., None]


@pytest.fixture(autouse=True)
def _forgets() -> None:
    from_ansible._said.cache_clear()


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Have `ansible-inventory` on PATH be a shell script, that says what Ansible says if nothing else."""

    def be(body: str = f"cat <<'END'\n{json.dumps(SAYS)}\nEND") -> None:
        program = tmp_path / "bin/ansible-inventory"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n{body}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    (tmp_path / "inventory").write_text("[web]\n")
    return be


def reading(tmp_path: Path, hosts: str = "{ansible: web, inventory: inventory}") -> Inventory:
    (tmp_path / "hosts.yml").write_text(HOSTS_YML.format(hosts=hosts))
    return read(tmp_path / "hosts.yml")


def refusal(tmp_path: Path, hosts: str = "{ansible: web, inventory: inventory}") -> Refused:
    with pytest.raises(Refused) as refused:
        reading(tmp_path, hosts)
    return refused.value


def test_a_group_is_its_hosts_and_those_of_the_groups_below_it_each_once(tmp_path: Path, answers: Answers) -> None:
    answers()
    hosts = reading(tmp_path).host_sets["prod"].hosts
    assert [(host.name, host.aliases) for host in hosts] == [
        ("web1.iad2.example", ("web1",)),
        ("web2.iad2.example", ()),
        ("web3.rdu.example", ()),
    ]
    assert (tmp_path / "asked").read_text() == f"-i {tmp_path}/inventory --list\n"


def test_where_no_inventory_is_named_ansibles_own_is_asked(tmp_path: Path, answers: Answers) -> None:
    answers()
    assert len(reading(tmp_path, "{ansible: iad2}").host_sets["prod"].hosts) == 2
    assert (tmp_path / "asked").read_text() == "--list\n"


def test_however_often_the_file_is_read_an_inventory_is_asked_once(tmp_path: Path, answers: Answers) -> None:
    answers()
    reading(tmp_path)
    reading(tmp_path, "{ansible: iad2, inventory: inventory}")
    assert (tmp_path / "asked").read_text().count("--list") == 1


def test_neither_the_list_of_tasks_nor_the_completion_of_hosts_asks_ansible(tmp_path: Path, answers: Answers) -> None:
    answers()
    hosts_yml = tmp_path / "hosts.yml"
    plain = "  stg:\n    hosts: [a.example]\n    sync_host: a.example\n"
    hosts_yml.write_text(HOSTS_YML.format(hosts="{ansible: web, inventory: inventory}") + plain)
    assert file.set_names(hosts_yml) == ["prod", "stg"]
    assert file.names(hosts_yml) == ["prod", "stg", "a.example"]
    assert not (tmp_path / "asked").exists()


def test_a_file_without_a_group_never_asks_ansible(tmp_path: Path, answers: Answers) -> None:
    answers()
    reading(tmp_path, "[{name: a.example, aliases: [web1]}]")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("hosts", "told", "typed"),
    [
        ("{ansible: webs, inventory: inventory}", "no group webs in {0}/inventory; did you mean web?", "--graph"),
        ("{ansible: empty, inventory: inventory}", "the group empty has no hosts", "--graph"),
        ("{ansible: here, inventory: inventory}", "near: Ansible reaches it by local, not by ssh", "--graph"),
        ("{ansible: web, inventory: elsewhere}", "{0}/elsewhere does not exist", "ls -l {0}/elsewhere"),
    ],
)
def test_S11_what_ansible_does_not_have_is_refused_in_words(
    hosts: str, told: str, typed: str, tmp_path: Path, answers: Answers
) -> None:
    answers()
    error = refusal(tmp_path, hosts)
    assert error.problems == (f"{tmp_path}/hosts.yml: host_sets.prod.hosts: {told.format(tmp_path)}",)
    assert error.next_line
    assert error.next_line.endswith(typed.format(tmp_path))


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        ("{inventory: inventory}", "ansible: is missing"),
        ("{ansible: web, inventori: x}", "inventori: unknown key; did you mean inventory?"),
        ("{ansible: 'web:!db'}", "ansible: 'web:!db' is no group's name: one is wanted, without patterns"),
        ("{ansible: web, inventory: 'a.example,'}", "inventory: 'a.example,' is no path of a file or folder, or"),
        ("{ansible: web, inventory: --help}", "inventory: '--help' is no path of a file or folder, or has a comma"),
    ],
)
def test_S11_a_mistake_in_the_key_is_told_with_its_place(
    hosts: str, told: str, tmp_path: Path, answers: Answers
) -> None:
    answers()
    assert refusal(tmp_path, hosts).problems[0].startswith(f"{tmp_path}/hosts.yml: host_sets.prod.hosts.{told}")
    assert not (tmp_path / "asked").exists()


def test_S11_a_name_out_of_ansible_is_checked_like_any_other(tmp_path: Path, answers: Answers) -> None:
    says = {"_meta": {"hostvars": {"web1": {"ansible_host": "{{ inner }}"}}}, "web": {"hosts": ["web1"]}}
    answers(f"cat <<'END'\n{json.dumps(says)}\nEND")
    assert "hosts[0].name: '{{ inner }}' is no host name" in refusal(tmp_path).problems[0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("echo '[ERROR]: could not match' >&2; exit 4", "ansible-inventory failed: [ERROR]: could not match"),
        ("exit 1", "ansible-inventory failed: exit status 1"),
        ("echo no json", "ansible-inventory failed: exit status 0"),
        ("echo '[]'", "ansible-inventory failed: exit status 0"),
        ('echo \'{"web": [], "_meta": 3}\'', "the group web has no hosts"),
    ],
)
def test_S11_a_program_that_fails_or_talks_nonsense_is_refused_in_words(
    body: str, told: str, tmp_path: Path, answers: Answers
) -> None:
    answers(body)
    assert refusal(tmp_path).problems == (f"{tmp_path}/hosts.yml: host_sets.prod.hosts: {told}",)


def test_S11_a_program_that_does_not_end_is_ended_with_what_it_has_started(
    tmp_path: Path, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_ansible, "SECONDS", 0.5)
    answers("sleep 300 & sleep 300")
    began = time.monotonic()
    assert "ansible-inventory has not ended in 0.5 s" in refusal(tmp_path).problems[0]
    assert time.monotonic() - began < 60


def test_S11_without_ansible_it_is_said_how_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    error = refusal(tmp_path, "{ansible: web}")
    assert error.problems == (f"{tmp_path}/hosts.yml: host_sets.prod.hosts: ansible-inventory is not installed here",)
    assert error.next_line == f"{tmp_path}/python3 -m pip install ansible-core"
