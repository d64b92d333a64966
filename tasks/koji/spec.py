"""The spec file: which one it is, and what rpm reads out of it (or out of an SRPM)."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from ..lines import word
from . import local
from .settings import Build

_QUERY = (
    "%{NAME}\n%{VERSION}\n%{RELEASE}\n[%{SOURCE} ][%{PATCH} ]\n"
    "[%{BUILDARCHS} ]\n[%{EXCLUSIVEARCH} ]\n[%{EXCLUDEARCH} ]\n"
)
_ECHO = "asked-for: "
# What %setup without -c becomes: unpack, look at the status, enter the folder.
_ENTERED = re.compile(
    r"^\S*(?:rpmuncompress|tar|gzip|bzip2|xz|unzip)\b[^\n]*\n(?:(?:STATUS|if|\s+exit|fi)\b[^\n]*\n)*cd '?([\w.+~^-]+)",
    re.M,
)


@dataclass(frozen=True)
class Package:
    """What will be built: name, version, release, its files, and what the spec says about architectures."""

    name: str
    version: str
    release: str
    files: tuple[str, ...]
    build_archs: frozenset[str]
    exclusive: frozenset[str]
    excluded: frozenset[str]

    @property
    def nvr(self) -> str:
        """Name, version and release, the way Koji names the build."""
        return f"{self.name}-{self.version}-{self.release}"

    def may_land_on(self, arches: list[str]) -> list[str]:
        """The architectures out of a build tag's `arches` whose builders a noarch package can be sent to.

        koji's choose_taskarch (builder/kojid): ExclusiveArch and ExcludeArch narrow them; one that is not noarch is
        built on each of its architectures.
        """
        left = [
            a for a in arches if a not in self.excluded and (not self.exclusive - {"noarch"} or a in self.exclusive)
        ]
        return left if "noarch" in self.build_archs else []


def find(settings: Build, named: str = "", typed: str = "invoke srpm") -> Path:
    """The spec to build: the one named, else the only one in the checkout, else NAME.spec in rpm's `_specdir`.

    typed: the line that was typed. Raises Refused when there is none, or more than one.
    """
    named = named or settings.spec
    if named:
        path = Path(named).expanduser().resolve()
        if not path.is_file():
            raise Refused(f"there is no spec {path}", next_line=f"ls {word(path.parent)}")
        return path
    checkout = Path(settings.checkout or ".").expanduser().resolve()
    spec_dir = Path(_macro("_specdir", settings.package))
    found = sorted(checkout.glob("*.spec")) or sorted(spec_dir.glob(f"{settings.package}.spec"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise Refused(f"{checkout} has more than one spec: {names}", next_line=f"{typed} --spec {word(found[0])}")
    if not found:
        raise Refused(
            f"no spec: neither {checkout}/*.spec nor {spec_dir}/{settings.package}.spec is there",
            next_line=f"{typed} --spec PATH  # or set build.checkout in invoke.yml",
        )
    return found[0]


def _macro(name: str, package: str) -> str:
    """What rpm's macros say about `name` for a package: ~/rpmbuild/SPECS unless ~/.rpmmacros says otherwise."""
    return local.run("rpm", "--define", f"name {package}", "--eval", f"%{{{name}}}").out.strip()


@dataclass(frozen=True)
class Layout:
    """Where rpmbuild takes a spec's sources from and puts the SRPM, as the spec and all macros have it.

    folder: the one that %setup enters after unpacking, empty where that is not to be seen.
    """

    sources: Path
    srpms: Path
    folder: str


def layout(path: Path, dist: str) -> Layout:
    """Have rpm say what the spec's own macros make of its folders (`_sourcedir` may have %{name} in it).

    Raises Refused with rpm's words if the spec cannot be read.
    """
    asked = ("_sourcedir", "_srcrpmdir")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        echoed = "".join(f"%{{echo:{_ECHO}{name} %{{{name}}}}}\n" for name in asked)
        copy.write_bytes(path.read_bytes() + f"\n{echoed}".encode())
        done = local.run("rpmspec", "-P", "--define", f"dist {dist}", copy)
    folders = dict(re.findall(rf"^{_ECHO}(\w+) (.+)$", done.out + done.err, re.M))
    if done.exited or set(folders) != set(asked):
        raise Refused(f"{path.name} cannot be read: {done.complaint}", next_line=f"rpmspec -P {word(path)}")
    unpacked = _ENTERED.search(done.out)
    return Layout(Path(folders["_sourcedir"]), Path(folders["_srcrpmdir"]), unpacked[1] if unpacked else "")


def read(path: Path, dist: str) -> Package:
    """What rpm makes of the spec at `path` with this dist. Raises Refused with rpm's words if it cannot be read."""
    done = local.run("rpmspec", "-q", "--srpm", "--define", f"dist {dist}", "--qf", _QUERY, path)
    return _package(path, done, f"rpmspec -P {word(path)}")


def read_srpm(path: Path) -> Package:
    """The header of an SRPM. Raises Refused if it is none."""
    if not path.is_file():
        raise Refused(f"there is no {path}", next_line="invoke srpm")
    # No signature: a fresh SRPM has none, and Koji signs what it builds.
    return _package(path, local.run("rpm", "-qp", "--nosignature", "--qf", _QUERY, path), "invoke srpm")


def _package(path: Path, done: local.Done, cure: str) -> Package:
    lines = done.out.splitlines()
    if done.exited or len(lines) < 7:
        raise Refused(f"{path.name} cannot be read: {done.complaint}", next_line=cure)
    name, version, release, *lists = lines[:7]
    files, build_archs, exclusive, excluded = (line.split() for line in lists)
    return Package(
        name, version, release, tuple(files), frozenset(build_archs), frozenset(exclusive), frozenset(excluded)
    )
