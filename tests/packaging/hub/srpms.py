"""What a builder reads out of an SRPM: its header if it is a real one, else its file name."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

RPM_MAGIC = b"\xed\xab\xee\xdb"


@dataclass(frozen=True)
class Srpm:
    """NVR as the builders name it (their dist is .el7), and the architectures that the spec allows."""

    name: str
    version: str
    release: str
    exclusive: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def nvr(self) -> str:
        """Name-version-release."""
        return f"{self.name}-{self.version}-{self.release}"

    def allows(self, arch: str) -> bool:
        """May a noarch package be built on `arch`?"""
        only = [one for one in self.exclusive if one != "noarch"]
        return arch not in self.excluded and (not only or arch in only)

    @classmethod
    def read(cls, file_name: str, content: bytes) -> Srpm:
        """The SRPM that was uploaded."""
        name, version, release = file_name.removesuffix(".src.rpm").rsplit("-", 2)
        release = release.replace(".el7.centos", ".el7")
        if not content.startswith(RPM_MAGIC):
            return cls(name, version, release)
        with tempfile.NamedTemporaryFile(suffix=".src.rpm") as stream:
            Path(stream.name).write_bytes(content)
            query = ["rpm", "-qp", "--nosignature", "--qf", "[%{EXCLUSIVEARCH} ]\n[%{EXCLUDEARCH} ]\n", stream.name]
            only, never = subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()
        return cls(name, version, release, tuple(only.split()), tuple(never.split()))
