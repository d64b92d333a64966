"""What a packager has before anything is built: a checkout with a spec, and its tarball in rpmbuild's folder."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

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
%setup {setup}
%files
"""


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
        setup: str = "-q",
        before: str = "",
    ) -> Path:
        """Write the spec; before: what stands above its first line."""
        self.checkout.mkdir(exist_ok=True)
        path = self.checkout / "blockerbugs.spec"
        text = SPEC.format(version=version, release=release, source=source, more=more, setup=setup)
        path.write_text(before + text)
        return path

    def tarball(
        self, version: str = "0.4.4.16", name: str = "", inside: str = "", padding: int = 0, folder: str = ""
    ) -> Path:
        """Write the tarball; inside: the version in its __init__.py; padding: random bytes, for a big one.

        folder: the one on top.
        """
        self.sources.mkdir(parents=True, exist_ok=True)
        path = self.sources / (name or f"blockerbugs-{version}.tar.gz")
        files = {
            "blockerbugs/__init__.py": f'__version__ = "{inside or version}"\n'.encode(),
            "data": os.urandom(padding),
        }
        with tarfile.open(path, "w:gz", compresslevel=0) as archive:
            for file, content in files.items():
                member = tarfile.TarInfo(f"{folder or f'blockerbugs-{version}'}/{file}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return path
