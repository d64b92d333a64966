"""What the repos offer, to all hosts or through one host's own mirror."""

from __future__ import annotations

from .errors import LabError
from .layout import HUB, REPO, VERSIONS, Machine
from .podman import run_in


def publish(version: str, repo: str = REPO) -> None:
    """Offer a version in a repo. Raises LabError for one that was never built."""
    if version.removeprefix("unsigned/") not in VERSIONS:
        raise LabError(f"there is no {version}: {', '.join(VERSIONS)}")
    run_in(HUB, "lab-publish", repo, version)


def withdraw(version: str, repo: str = REPO, mirror: Machine | None = None) -> None:
    """Offer it no longer, or not on one host's mirror."""
    if mirror:
        freeze(mirror)
    folder = f"/var/www/html/{f'mirror/{mirror.name}' if mirror else 'repo'}/{repo}"
    run_in(HUB, "sh", "-ec", f"rm {folder}/blockerbugs-{version}-*.rpm; createrepo_c -q --update {folder}")


def freeze(node: Machine) -> None:
    """From now on this host's mirror is stale: it stays as it is while the repos go on. Until the next reset."""
    mirror = f"/var/www/html/mirror/{node.name}"
    run_in(HUB, "sh", "-ec", f"rm {mirror}; cp -r /var/www/html/repo {mirror}")
