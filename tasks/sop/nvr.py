"""Name, version and release of a package, and what an operator may type for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rpm_version import evr_compare

from ..errors import Refused

# RPM's own alphabet for versions and releases, in ASCII: nothing a shell or a terminal could trip over.
_PART = r"[A-Za-z0-9][A-Za-z0-9._+~^]*"
_TYPED = re.compile(rf"(?P<version>{_PART})(?:-(?P<release>{_PART}))?", re.ASCII)
_NVR = re.compile(rf"(?P<name>[A-Za-z0-9][A-Za-z0-9._+-]*)-(?P<version>{_PART})-(?P<release>{_PART})", re.ASCII)
_LONGEST = 128


@dataclass(frozen=True)
class Nvr:
    """One build: `blockerbugs-0.4.4.11-1.el7`.

    epoch: only which of two builds is newer depends on it; koji has no two builds that differ in nothing else.
    """

    name: str
    version: str
    release: str
    epoch: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name}-{self.version}-{self.release}"

    @property
    def vr(self) -> str:
        """Version and release, as the tables show them."""
        return f"{self.version}-{self.release}"

    def __lt__(self, other: Nvr) -> bool:
        """RPM's order (librpm's rpmvercmp), not the alphabet's."""
        return int(evr_compare(f"{self.epoch}:{self.vr}", f"{other.epoch}:{other.vr}")) < 0


def parse(text: str, epoch: str = "") -> Nvr | None:
    """The NVR that `text` is, or None. epoch: as rpm and yum print it; anything but a number is none."""
    match = _NVR.fullmatch(text) if len(text) <= 3 * _LONGEST else None
    number = int(epoch) if re.fullmatch("[0-9]{1,10}", epoch, re.ASCII) else 0
    return Nvr(**match.groupdict(), epoch=number) if match else None


def typed(version: str, package: str) -> tuple[str, str | None]:
    """What `--version` means: the version, and the release if one was typed. The package's name in front is fine.

    Raises Refused for anything else, before a host has heard of it (S5).
    """
    match = _TYPED.fullmatch(version.removeprefix(f"{package}-")) if len(version) <= _LONGEST else None
    if not match:
        shown = version if len(version) <= 60 else version[:57] + "..."
        raise Refused(
            f"--version {shown!a} is no version; 0.4.4.11 and 0.4.4.11-1.el7 are", next_line="fab --help minor-upgrade"
        )
    return match["version"], match["release"]
