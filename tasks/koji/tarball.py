"""The tarball that a spec names: is it there, and does it hold the version that the spec says?"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from ..errors import Refused
from ..lines import word
from . import local
from .spec import Layout, Package

_ARCHIVE = re.compile(r"\.(tar(\.\w+)?|tgz|tbz2?|txz|zip)$")
_READABLE = re.compile(r"\.(tar(\.(gz|bz2|xz))?|tgz|tbz2?|txz)$")  # by every Python; others are not looked into
_LINES = 200  # a version stands near the top of a file
_COMMIT = re.compile(r"(?=\d*[a-f])[0-9a-f]{7,40}")


def check(package: Package, spec: Path, layout: Layout, typed: str = "invoke srpm") -> Path | None:
    """The tarball of `package`, in rpmbuild's `_sourcedir`; None where the spec names none.

    typed: the line that was typed. Raises Refused when it is not there (with what was found instead), when any other
    file that the spec names is not, when it holds another version (K6), or another folder than the spec's %setup
    enters.
    """
    folder = layout.sources
    name = name_of(package)
    tag = f"{typed} --from-tag {version_of(name, package.name) or package.version}"
    missing = [name for name in package.files if not (folder / name).is_file()]
    if missing:
        others = sorted(path.name for path in folder.glob(f"{package.name}-*") if _ARCHIVE.search(path.name))
        there = f"; it holds {', '.join(others[-3:])}" if others else ""
        raise Refused(*(f"{name} is not in {folder} (rpm's _sourcedir){there}" for name in missing), next_line=tag)
    if not name:
        return None
    tarball = folder / name
    named = version_of(name, package.name)
    found = [("its name", named)] if named else []
    tops: set[str] = set()
    if _READABLE.search(name):
        inside, tops = _inside(tarball, package.name)
        found += inside
    wrong = sorted(f"{where} says {version}" for where, version in found if not same(version, package.version))
    if layout.folder and tops and layout.folder not in tops:
        wrong.append(f"the folder is {', '.join(sorted(tops)[:3])}, and the spec's %setup enters {layout.folder}")
    if wrong:
        raise Refused(f"{spec.name} has version {package.version}, but in {tarball} {', '.join(wrong)}", next_line=tag)
    return tarball


def same(found: str, version: str) -> bool:
    """Is a version as upstream writes it the spec's? `1.0rc1` is `1.0~rc1`; behind a `^` is only a snapshot's date."""
    return _plain(found) in (_plain(version), _plain(version.partition("^")[0]))


def _plain(version: str) -> str:
    words = {"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc"}
    text = re.sub("alpha|beta|preview|pre", lambda word: words[word[0]], version.lower().removeprefix("v"))
    return re.sub(r"[~^_+-]|\.(?=[a-z])|(?<=[a-z])\.", "", text)


def version_of(tarball: str, name: str) -> str:
    """The version in a tarball's name; empty where there is none, or a commit's hash."""
    named = re.match(rf"{re.escape(name)}-(.+?){_ARCHIVE.pattern}", tarball)
    return named[1] if named and named[1][:2].strip("v")[:1].isdigit() and not _COMMIT.fullmatch(named[1]) else ""


def name_of(package: Package) -> str:
    """The tarball's file name: the archive of the package's name, or else the first; empty for none."""
    archives = [name for name in package.files if _ARCHIVE.search(name)]
    return next((name for name in archives if name.startswith(package.name)), (archives or [""])[0])


def from_tag(package: Package, layout: Layout, checkout: Path, tag: str) -> list[str | Path]:
    """The git command that makes the tarball of `package` out of `tag` of the checkout, with %setup's folder on top.

    Raises Refused when there is no such tag (or no checkout), or the spec names no tarball.
    """
    if local.run("git", "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}", cwd=checkout).exited:
        tags = local.run("git", "tag", "--list", "--sort=-version:refname", cwd=checkout).out.split()
        known = f"it has {', '.join(tags[:3])}" if tags else "it has no tags, or is no git checkout"
        raise Refused(f"{checkout} has no tag {tag}: {known}", next_line=f"git -C {word(checkout)} tag --list")
    if not name_of(package):
        raise Refused("the spec names no tarball that could be made from a tag", next_line="invoke srpm")
    prefix = f"--prefix={layout.folder or f'{package.name}-{package.version}'}/"
    return ["git", "archive", prefix, f"--output={layout.sources / name_of(package)}", f"refs/tags/{tag}"]


def _inside(tarball: Path, name: str) -> tuple[list[tuple[str, str]], set[str]]:
    """Where the tarball tells a version, and which (PKG-INFO, __version__); and the folders on top."""
    found, tops = [], set()
    try:
        with tarfile.open(tarball) as archive:
            for member in archive:
                top, _, path = member.name.removeprefix("./").partition("/")
                tops.add(top)
                stream = archive.extractfile(member) if path in ("PKG-INFO", f"{name}/__init__.py") else None
                text = b"".join(stream.readlines()[:_LINES]).decode("utf-8", "replace") if stream else ""
                version = re.search(r"^(?:Version: *|__version__ *= *[\"'])([^\"'\s]+)", text, re.M)
                if version:
                    found.append((path, version[1]))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Refused(f"{tarball} is no tarball: {error}", next_line=f"tar tf {word(tarball)}") from None
    return found, tops - {"", "."}
