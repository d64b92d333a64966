"""The packages that a build needs and brings along: on a host's rpm database a name and its version-release each."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._host import Host


def installed(host: Host) -> dict[str, str]:
    """What is there beside the application."""
    found: dict[str, str] = host.state().get("others", {})
    return found


def along(host: Host, target: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """What has to come along with a build: name, version-release, and is it there in another version?"""
    there = installed(host)
    needs: dict[str, str] = target.get("needs", {})
    return [(name, evr, name in there) for name, evr in sorted(needs.items()) if there.get(name) != evr]


def install(state: dict[str, Any], package: dict[str, Any], target: dict[str, Any]) -> None:
    """The build is what is installed, with all that it needs."""
    state.update(installed=package, others={**state.get("others", {}), **target.get("needs", {})})
