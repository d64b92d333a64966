"""An operator at work: a home with rpmbuild's folders, a spec and a tarball, koji's profile, and the tasks typed."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from invoke import Program

from .hub.api import Api, world
from .hub.machine import Pace
from .hub.server import Hub

ROOT = Path(__file__).parents[2]
QUICK = {
    "KOJI_POLL": "0.01",
    "KOJI_TAG_POLL": "0.02",
    "KOJI_TAG_WAIT": "60.0",
    "KOJI_RETRY_INTERVAL": "0.01",
    "KOJI_RETRIES": "3",
    "KOJI_TIMEOUT": "30.0",
}
SPEC = """\
Name: blockerbugs
Version: {version}
Release: {release}
Summary: Tracks release blocking bugs
License: GPL-2.0-or-later
URL: https://pagure.io/fedora-qa/blockerbugs
Source0: {source}
BuildArch: noarch
{more}
%description
Tracks release blocking bugs.
%prep
%setup -q
%files
"""
PACE = Pace(before=0.02, assign=0.02, open=0.02, work=0.05, after=0.02)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    code: int
    out: str
    err: str


Typed = Callable[..., Said]


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
def terminal(fence: Path) -> Callable[..., subprocess.Popen[str]]:
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
    if not shutil.which("rpmbuild"):
        pytest.skip("needs rpmbuild: apt-get install rpm, or dnf install rpm-build")
    project = Project(fence / "blockerbugs", fence / "rpmbuild" / "SOURCES")
    monkeypatch.setenv("INVOKE_BUILD_CHECKOUT", str(project.checkout))
    project.spec()
    project.tarball()
    return project


@dataclass(frozen=True)
class Project:
    """What a packager has."""

    checkout: Path
    sources: Path

    def spec(
        self,
        version: str = "0.4.4.16",
        release: str = "1%{?dist}",
        source: str = "%{name}-%{version}.tar.gz",
        more: str = "",
    ) -> Path:
        """Write the spec."""
        self.checkout.mkdir(exist_ok=True)
        path = self.checkout / "blockerbugs.spec"
        path.write_text(SPEC.format(version=version, release=release, source=source, more=more))
        return path

    def tarball(self, version: str = "0.4.4.16", name: str = "", inside: str = "", padding: int = 0) -> Path:
        """Write the tarball; inside: the version in its __init__.py; padding: random bytes, for a big one."""
        self.sources.mkdir(parents=True, exist_ok=True)
        path = self.sources / (name or f"blockerbugs-{version}.tar.gz")
        files = {
            "blockerbugs/__init__.py": f'__version__ = "{inside or version}"\n'.encode(),
            "data": os.urandom(padding),
        }
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for file, content in files.items():
                member = tarfile.TarInfo(f"blockerbugs-{version}/{file}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path


@pytest.fixture
def hub(fence: Path, tmp_path: Path) -> Iterator[Hub]:
    """A hub that listens, whose builders are quick, and koji's profile for qadevel."""
    pytest.importorskip("koji", reason="needs the koji client: pip install koji (gcc, libkrb5-dev)")
    machine = world(clock=time.time, pace=lambda _method, _number: PACE)
    with Hub(Api(machine), tmp_path) as hub:
        hub.profile(fence)
        yield hub
