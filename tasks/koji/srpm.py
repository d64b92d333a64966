"""The SRPM: `rpmbuild -bs` with the dist that the target's builders have. Never mock: nothing is built here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from ..errors import Refused, SopError
from ..paths import editor
from . import local, spec, tarball
from .progress import Progress
from .settings import Build
from .spec import Package


def make(
    settings: Build, progress: Progress, *, named: str, version: str, tag: str, dry: bool, typed: str = "invoke srpm"
) -> tuple[Package, Path]:
    """Find the spec and its tarball, check them, and make the SRPM; dry: only say how.

    named: the spec's path, or empty; version: what the spec must have, or empty; tag: the git tag to make the
    tarball from, or empty; typed: the line that was typed. Returns what is in the SRPM and where it is (dry: where
    it would be).
    Raises Refused (K6) before anything is made, SopError if rpmbuild fails.
    """
    path = spec.find(settings, named, typed)
    package = _package(path, settings, version, progress)
    layout = spec.layout(path, settings.dist)
    if tag:
        checkout = Path(settings.checkout).expanduser() if settings.checkout else path.parent
        _tarball(tarball.from_tag(package, layout, checkout, tag), checkout, layout.sources, progress, dry)
    if not (tag and dry):
        checked = tarball.check(package, path, layout, typed)
        if checked:
            progress.tarball(checked)
    command = ("rpmbuild", "-bs", "--define", f"dist {settings.dist}", str(path))
    progress.command(command, dry)
    if dry:
        return package, layout.srpms / f"{package.nvr}.src.rpm"
    srpm = _build(command)
    made = spec.read_srpm(srpm)
    check_dist(made, settings.dist)
    progress.srpm(srpm)
    return made, srpm


def _package(path: Path, settings: Build, version: str, progress: Progress) -> Package:
    """What the spec says, with the version that was meant (if one was) and the right dist."""
    package = spec.read(path, settings.dist)
    progress.spec(path, package)
    if version and version != package.version:
        raise Refused(f"{path.name} has version {package.version}, not {version}", next_line=editor(path))
    check_dist(package, settings.dist)
    return package


def check_dist(package: Package, dist: str) -> None:
    """Refuse a release without `dist`, or with more behind it than a bump of the packager's: `1.el7.1` (K6).

    Koji names the build by its builders' dist, so `.el7.centos` would be asked for under a name that never comes.
    """
    if not re.search(rf"{re.escape(dist)}([._]\d+)*$", package.release):
        raise Refused(
            f"{package.nvr}: its release does not end in {dist}, which is what the target's builders make",
            "in the spec: Release: N%{?dist}; invoke srpm passes --define 'dist " + dist + "'",
            next_line="invoke srpm",
        )


def _tarball(command: list[str | Path], checkout: Path, sources: Path, progress: Progress, dry: bool) -> None:
    progress.command(command, dry)
    if dry:
        return
    sources.mkdir(parents=True, exist_ok=True)
    done = local.run(*command, cwd=checkout)
    if done.exited:
        raise SopError(f"git archive: {done.complaint}")


def _build(command: tuple[str, ...]) -> Path:
    done = local.run(*command)
    written = [line.removeprefix("Wrote: ") for line in done.out.splitlines() if line.startswith("Wrote: ")]
    if done.exited or not written:
        words = [line for line in done.err.splitlines() if "error" in line.lower()] or [done.complaint]
        raise SopError(*(f"rpmbuild: {line.strip()}" for line in words[:5]), next_line=shlex.join(command))
    return Path(written[-1])
