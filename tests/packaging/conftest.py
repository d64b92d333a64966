"""An operator at work: a home with rpmbuild's folders, a spec and a tarball, koji's profile, and the tasks typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from invoke import Program

from tasks.sandbox import fleet as sandbox
from tasks.sandbox import layout
from tests.wanted import MAY_SKIP

from .hub.api import Api, world
from .hub.machine import Pace
from .hub.server import Hub
from .laid import Project
from .repo import SETTINGS, TEMPLATE, Repo

HOST = "stg01.example"
HOSTS_YML = """
app: {root: "."}
host_sets:
  stg:
    hosts: [{name: stg01.example, aliases: [stg01]}]
    sync_host: stg01
    enable_repo: infrastructure-tags-stg
    health: {version: "Blockerbugs {version}", deadline: 2}
"""
ROOT = Path(__file__).parents[2]
QUICK = {
    "KOJI_POLL": "0.01",
    "KOJI_TAG_POLL": "0.02",
    "KOJI_TAG_WAIT": "60.0",
    "KOJI_RETRY_INTERVAL": "0.01",
    "KOJI_RETRIES": "3",
    "KOJI_TIMEOUT": "30.0",
}
PACE = Pace(before=0.02, assign=0.02, open=0.02, work=0.05, after=0.02)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    code: int
    out: str
    err: str


Typed = Callable[..., Said]
Terminal = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def _quick(fence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUICK.items():
        monkeypatch.setenv(f"INVOKE_{name}", value)
    hosts = fence / "hosts.yml"
    hosts.write_text("host_sets: {qa: {hosts: [one.example.org], sync_host: one.example.org}}\n")
    monkeypatch.setenv("INVOKE_HOSTS_FILE", str(hosts))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """`typed("build", "--scratch")` is `invoke build --scratch`."""

    def type_(*words: str) -> Said:
        from tasks.collection import namespace

        code = 0
        try:
            Program(namespace=namespace).run(["invoke", *words])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return type_


@pytest.fixture
def terminal(fence: Path) -> Terminal:
    """`invoke …` as a process of its own, for what happens to processes."""

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "invoke", *words],
            cwd=ROOT,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def project(fence: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout with a spec, and its tarball in ~/rpmbuild/SOURCES."""
    if MAY_SKIP and not shutil.which("rpmbuild"):
        pytest.skip("needs rpmbuild: apt-get install rpm, or dnf install rpm-build")
    project = Project(fence / "blockerbugs", fence / "rpmbuild" / "SOURCES")
    monkeypatch.setenv("INVOKE_BUILD_CHECKOUT", str(project.checkout))
    project.spec()
    project.tarball()
    return project


@pytest.fixture
def hub(fence: Path, tmp_path: Path) -> Iterator[Hub]:
    """A hub that listens, whose builders are quick, and koji's profile for qadevel."""
    if MAY_SKIP:
        pytest.importorskip("koji", reason="needs the koji client: pip install koji (gcc, python3-dev, libkrb5-dev)")
    machine = world(clock=time.time, pace=lambda _method, _number: PACE)
    with Hub(Api(machine), tmp_path) as hub:
        hub.profile(fence)
        yield hub


@pytest.fixture
def clone(fence: Path) -> Callable[[str], Repo]:
    (fence / ".gitconfig").write_text(
        "[user]\nname = Op\nemail = op@example.org\n[init]\ndefaultBranch = main\n[pull]\nrebase = true\n"
    )
    first = Repo(fence / "first")
    subprocess.run(["git", "init", "-q", "--bare", fence / "upstream.git"], check=True)
    first.root.mkdir()
    first.git("init", "-q")
    first.commit(TEMPLATE, SETTINGS)
    first.commit("README", "ansible\n")
    first.git("push", "-q", str(fence / "upstream.git"), "main")

    def make(name: str) -> Repo:
        subprocess.run(["git", "clone", "-q", fence / "upstream.git", fence / name], check=True)
        return Repo(fence / name)

    return make


@pytest.fixture
def mine(clone: Callable[[str], Repo]) -> Repo:
    """~/ansible, with one line of the template changed."""
    repo = clone("ansible")
    repo.template.write_text(SETTINGS.replace("https://bugzilla.example.org", "https://bugzilla.redhat.com"))
    return repo


@pytest.fixture
def held(hub: Hub) -> set[str]:
    """buildArch tasks stay open until this is cleared."""
    hub.api.machine.holding = {"buildArch"}
    return hub.api.machine.holding


@contextmanager
def meanwhile(hub: Hub, method: str, act: Callable[[], None]) -> Iterator[None]:
    """Do something as soon as a task of `method` runs, while the test waits for its command."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            if any(task.method == method and task.state == 1 for task in list(hub.api.machine.tasks.values())):
                act()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Until a process has come so far."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.fixture
def stg(fence: Path) -> Iterator[Path]:
    """A stg host that runs 1.0.0, reached as ~/.ssh/config says; hosts.yml names it."""
    home = fence / "fleet"
    layout.create(home, [layout.SetSpec("stg", (HOST,), sync=HOST)], pace=0)
    (fence / ".ssh").mkdir()
    (fence / ".ssh" / "config").write_text((home / "ssh_config").read_text())
    (fence / "hosts.yml").write_text(HOSTS_YML)
    with sandbox.start(home):
        yield home
