"""The tarball that a spec names: is it there, and does it hold the version that the spec says?"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from ..errors import Refused
from . import local
from .spec import Package, macro

_ARCHIVE = re.compile(r"\.(tar(\.\w+)?|tgz|tbz2|txz)$")
_LINES = 200  # a version stands near the top of a file


def check(package: Package, spec: Path) -> Path:
    """The tarball of `package`, in rpmbuild's `_sourcedir`.

    Raises Refused when it is not there (with what was found instead), when any other file that the spec names is
    not, or when the tarball holds another version (K6).
    """
    folder = Path(macro("_sourcedir"))
    wanted = name_of(package)
    missing = [name for name in package.files if not (folder / name).is_file()]
    if missing:
        others = sorted(path.name for path in folder.glob(f"{package.name}-*") if _ARCHIVE.search(path.name))
        there = f"; it holds {', '.join(others[-3:])}" if others else ""
        raise Refused(
            *(f"{name} is not in {folder} (rpm's _sourcedir){there}" for name in missing),
            next_line=f"cp … {folder}/, or invoke build --from-tag {package.version}",
        )
    tarball = folder / wanted
    differing = sorted(f"{where} says {found}" for where, found in _versions(tarball, package.name))
    wrong = [text for text in differing if not text.endswith(f" says {package.version}")]
    if wrong:
        raise Refused(
            f"{spec.name} has version {package.version}, but in {tarball} {', '.join(wrong)}",
            next_line=f"correct Version: in {spec}, or invoke build --from-tag {package.version}",
        )
    return tarball


def name_of(package: Package) -> str:
    """The file name of the tarball. Raises Refused if the spec names none."""
    archives = [name for name in package.files if _ARCHIVE.search(name)]
    if not archives:
        raise Refused("the spec names no tarball", next_line="Source0: %{name}-%{version}.tar.gz")
    return archives[0]


def from_tag(package: Package, checkout: Path, tag: str) -> list[str | Path]:
    """The git command that makes the tarball of `package` out of `tag` of the checkout, with NAME-VERSION/ on top.

    Raises Refused when there is no such tag (or no checkout).
    """
    if local.run("git", "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}", cwd=checkout).exited:
        tags = local.run("git", "tag", "--list", "--sort=-version:refname", cwd=checkout).out.split()
        known = f"it has {', '.join(tags[:3])}" if tags else "it has no tags, or is no git checkout"
        raise Refused(f"{checkout} has no tag {tag}: {known}", next_line="invoke build --from-tag TAG")
    target = Path(macro("_sourcedir")) / name_of(package)
    prefix = f"--prefix={package.name}-{package.version}/"
    return ["git", "archive", prefix, f"--output={target}", f"refs/tags/{tag}"]


def _versions(tarball: Path, name: str) -> list[tuple[str, str]]:
    """Where the tarball tells a version, and which: its file name, its folder, PKG-INFO, __version__."""
    found = []
    named = re.match(rf"{re.escape(name)}-(.+?){_ARCHIVE.pattern}", tarball.name)
    if named:
        found.append(("its name", named[1]))
    try:
        with tarfile.open(tarball) as archive:
            for member in archive:
                top, _, path = member.name.removeprefix("./").partition("/")
                folder = re.fullmatch(rf"{re.escape(name)}-(.+)", top)
                if folder:
                    found.append((f"the folder {top}", folder[1]))
                stream = archive.extractfile(member) if path in ("PKG-INFO", f"{name}/__init__.py") else None
                text = b"".join(stream.readlines()[:_LINES]).decode("utf-8", "replace") if stream else ""
                told = re.search(r"^(?:Version: *|__version__ *= *[\"'])([^\"'\s]+)", text, re.M)
                if told:
                    found.append((path, told[1]))
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Refused(f"{tarball} is no tarball: {error}", next_line=f"tar tf {tarball}") from None
    return list(dict.fromkeys(found))
