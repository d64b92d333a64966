"""A hosts.yml that was read strictly once is read without pydantic, and is the same inventory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.inventory.around import Command, Downtime, Notify, Silence
from tasks.inventory.remembered import read

PROJECT = Path(__file__).parents[3]
FULL = """
app: {package: kittens, timer: kittens.timer, free_space: 100}
host_sets:
  stg: {hosts: [stg.example], sync_host: stg.example, schema_status: kittens state}
  prod:
    app: {service: gunicorn, cron: none}
    hosts:
      - {name: one.example, aliases: [one], url: "http://one.example/"}
      - {name: two.example, aliases: [two, zwei], serves: false}
      - three.example
    sync_host: two
    after: stg
    rolling: [1, "50%"]
    soak: 5
    url: "https://kittens.example/"
    judge: {rollback: true, errors: "1.5%", promql: {url: "http://prometheus.example:9090", query: up, threshold: 3}}
    balancer:
      interval: 2
      proxies: [proxy.example]
      backend: kittens
      servers: {one: first}
      maintenance: {on: "true", off: "false"}
    backup: {command: pg_dump, file: /var/tmp/dump, restore: pg_restore}
    limits: {yum: 60}
    notify: ["mailto://somebody@example"]
    around:
      - {silence: "http://alertmanager.example:9093", matchers: {service: kittens}, required: true}
      - {downtime: noc.example, hosts: {one: kitten-one}, expires: 600}
      - {begin: "true", end: "false", on: one}
      - {notify: "mailto://other@example"}
"""
READ = """
import json, sys
WITHOUT = {"app": True, "limits": {"sudo"}}
from pathlib import Path
from tasks.errors import Refused
from tasks.inventory import remembered
for path in map(Path, sys.argv[2:]):
    try:
        found = remembered.read(path, json.loads(sys.argv[1]))
    except Refused as error:
        print(json.dumps({"problems": error.problems}))
        continue
    sets = found.host_sets.values()
    print(json.dumps({
        "dump": found.model_dump(mode="json"), "names": found.names(),
        "tuples": [type(one.hosts).__name__ for one in sets],
        "sync": [one.sync.short for one in sets], "roles": [one.roles(host) for one in sets for host in one.hosts],
        "serving": [host.short for one in sets for host in one.serving],
        "machines": [host.name for one in sets for host in one.machines],
        "alike": len({host for one in sets for host in (*one.hosts, *one.hosts, one.sync)}),
        "hashed": len({one: 1 for one in (*sets, *sets)}), "found": len(found.find("one")),
        "schedule": [one.app.schedule for one in sets], "judge": [one.judge and one.judge.tolerated for one in sets],
        "around": [[(part.kind, part.at, part.ends_by_itself) for part in one.around] for one in sets],
        "servers": [one.balancer and one.balancer.server(one.hosts[0]) for one in sets],
        "changed": [one.model_copy(update={"owner": "x"}).model_dump(mode="json", exclude=WITHOUT) for one in sets],
        "equal": found == remembered.read(path, json.loads(sys.argv[1])),
        "frozen": not hasattr(found, "other") and type(found).__name__,
    }))
print(json.dumps("pydantic" in sys.modules))
"""


class Reader:
    """Reads hosts.yml, each time in an interpreter of its own, and says whether pydantic was imported for it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hosts.yml"
        self.tree = PROJECT

    def reads(self, *files: Path, taken: tuple[str, ...] = (), before: str = "") -> tuple[list[Any], bool]:
        words = [sys.executable, "-c", before + READ, json.dumps(taken), *map(str, files or (self.file,))]
        done = subprocess.run(words, cwd=self.tree, capture_output=True, text=True, check=False, env={**os.environ})
        assert done.returncode == 0, done.stderr
        *found, strictly = map(json.loads, done.stdout.splitlines())
        return found, strictly

    @property
    def kept(self) -> Path:
        """The one file that remembers."""
        (file,) = (Path(os.environ["HOME"]) / ".cache/blockerbugs-upgrade").iterdir()
        return file


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    found = Reader(tmp_path)
    found.file.write_text(FULL)
    return found


def test_what_is_remembered_is_what_was_read(reader: Reader) -> None:
    files = (reader.file, PROJECT / "hosts.yml")
    first, strictly = reader.reads(*files)
    assert strictly
    again, strictly = reader.reads(*files)
    assert not strictly
    assert again == first
    assert first[0]["alike"] == 4
    assert first[0]["servers"] == [None, "first"]


def test_a_file_that_has_changed_is_read_strictly(reader: Reader) -> None:
    reader.reads()
    reader.file.write_text(FULL.replace("interval: 2", "interval: 3"))
    (found,), strictly = reader.reads()
    assert strictly
    assert found["dump"]["host_sets"]["prod"]["balancer"]["interval"] == 3
    reader.file.write_text(FULL.replace("interval: 2", "intervall: 3"))
    (found,), _ = reader.reads()
    assert "balancer.intervall: unknown key" in found["problems"][0]
    (again,), strictly = reader.reads()  # nobody remembers a mistake
    assert (again, strictly) == (found, True)


@pytest.mark.parametrize(
    "changed",
    [
        "import sys; sys.version += ' patched'\n",
        "from importlib import metadata; own = metadata.version; "
        "metadata.version = lambda name: own(name) + ('x' if name == 'pydantic' else '')\n",
    ],
    ids=["another Python", "another pydantic"],
)
def test_what_another_python_or_pydantic_has_read_does_not_count(reader: Reader, changed: str) -> None:
    reader.reads()
    assert reader.reads(before=changed)[1]


def test_what_other_code_of_ours_has_read_does_not_count(reader: Reader, tmp_path: Path) -> None:
    reader.tree = tmp_path / "tree"
    shutil.copytree(PROJECT / "tasks", reader.tree / "tasks")
    reader.reads()
    assert not reader.reads()[1]
    with (reader.tree / "tasks/inventory/texts.py").open("a") as file:
        file.write("\n")
    assert reader.reads()[1]


def test_names_that_no_set_can_have_are_asked_of_the_file_again_where_there_are_others(reader: Reader) -> None:
    reader.reads()
    (found,), strictly = reader.reads(taken=("stg",))
    assert strictly
    assert found["problems"][0].endswith("host_sets.stg: there is a task of that name")


@pytest.mark.parametrize("harm", ["cut", "flipped", "writable", "link", "folder", "garbage"])
def test_what_is_broken_or_not_ours_alone_is_not_believed_and_written_anew(reader: Reader, harm: str) -> None:
    (found,), _ = reader.reads()
    kept = reader.kept
    good = kept.read_bytes()
    if harm == "cut":
        kept.write_bytes(good[:-40])
    elif harm == "flipped":
        kept.write_bytes(good.replace(b"gunicorn", b"gunikorn", 1))
    elif harm == "writable":
        kept.chmod(0o666)
    elif harm == "link":
        kept.rename(kept.with_suffix(".other"))
        kept.symlink_to(kept.with_suffix(".other"))
    elif harm == "folder":
        kept.unlink()
        kept.mkdir()
    else:
        kept.write_bytes(b"\xff\x00")
    (again,), strictly = reader.reads()
    assert (again, strictly) == (found, True)
    assert reader.reads()[1] == (harm == "folder")  # which nothing can take the place of


def test_where_nothing_can_be_remembered_the_file_is_read_all_the_same(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (first,), _ = reader.reads()
    (found,), strictly = reader.reads()
    assert (found, strictly) == (first, True)


def test_another_file_on_the_same_line_is_read_strictly_beside_one_that_is_remembered(
    reader: Reader, tmp_path: Path
) -> None:
    (first,), _ = reader.reads()
    other = tmp_path / "other.yml"
    other.write_text("host_sets: {qa: {hosts: [one.qa], sync_host: one.qa}}")
    found, strictly = reader.reads(reader.file, other, reader.file)
    assert strictly
    assert found[0] == found[2] == first
    assert found[1]["names"] == ["qa", "one.qa"]


def test_values_are_of_the_same_classes_whichever_way_their_file_was_read(reader: Reader) -> None:
    strictly, remembered = (read(reader.file).host_sets["prod"] for _ in range(2))
    assert strictly == remembered
    assert [type(part) for part in strictly.around] == [Silence, Downtime, Command, Notify]
    assert strictly.model_fields_set == remembered.model_fields_set
    assert {"around", "soak", "app"} < strictly.model_fields_set
    assert "order" not in strictly.model_fields_set


def test_hosts_that_ansible_names_are_asked_for_each_time(reader: Reader, tmp_path: Path) -> None:
    program = tmp_path / "bin/ansible-inventory"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho asked >>"$0.log"\necho \'{"web": {"hosts": ["one.example"]}}\'\n')
    program.chmod(0o755)
    os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    reader.file.write_text("host_sets: {prod: {hosts: {ansible: web}, sync_host: one.example}}")
    for _ in range(2):
        (found,), strictly = reader.reads()
        assert strictly
        assert found["names"] == ["prod", "one.example"]
    assert len(Path(f"{program}.log").read_text().splitlines()) >= 2


def test_a_line_imports_pydantic_only_for_a_file_that_is_not_remembered(reader: Reader) -> None:
    assert imports_pydantic("prod history --last 0", reader.file)
    assert not imports_pydantic("prod history --last 0", reader.file)


def test_a_line_for_the_sandbox_whose_hosts_yml_was_not_read_yet_imports_no_pydantic(reader: Reader) -> None:
    assert not imports_pydantic("sandbox history --last 0", reader.file)


def imports_pydantic(line: str, hosts_file: Path) -> bool:
    """Whether fab imports pydantic for a line that is refused once hosts.yml was read."""
    look = "atexit.register(lambda: print('pydantic' in sys.modules))"
    typed = f"sys.argv[1:] = {line.split()}; from fabric.main import program; program.run()"
    words = [sys.executable, "-c", f"import sys, atexit; {look}; {typed}"]
    environment = {**os.environ, "FABRIC_HOSTS_FILE": str(hosts_file)}
    said = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False, env=environment)
    refused = "refused, nothing was changed: --last 0: at least one run has to be shown\nnext: fab --help history\n"
    assert said.stderr == refused
    return said.stdout.splitlines()[-1] == "True"
