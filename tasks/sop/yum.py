"""What yum and rpm are asked on a host, as shell that yum 3, dnf 4 and dnf 5 take alike; all are called yum there.

On what each was tried, and what each answers: docs/package-managers.md. The functions are in shell/yum.sh.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from .shell import call

if TYPE_CHECKING:
    from .model import Job

MOST_WARNINGS = 10
_WARNS = re.compile(r"^\s*warning: |\.rpm(?:new|save|orig)\b|scriptlet fail", re.I)


def command(job: Job) -> str:
    """`yum -y`, with the set's own repository switched on."""
    return f"yum -y{job.host_set.enabling}"


def expire(job: Job) -> str:
    """SOP, both upgrades: `yum clean expire-cache`."""
    # yum expires the metadata of enabled repositories only: without the flag a set's own one stays stale.
    return f"yum{job.host_set.enabling} clean expire-cache"


def fetch(job: Job) -> str:
    """Download the build and install nothing. dnf 5 takes the flag behind `update` only.

    Some releases of yum 3 exit with 1 although they did: there what is in the cache counts, see `fetched`.
    """
    download = f"{command(job)} update --downloadonly {_q(job.target)}"
    return f"{expire(job)} && {{ {download} || yum --version | grep -q '^3[.]'; }}"


def fetch_at_once(job: Job) -> str:
    """The same for a host, in one start of dnf: it is Python, and each start costs a quarter of a second."""
    return call("yum_fetch", enabling(job), job.target)


def fetch_for_a_look(job: Job) -> str:
    """The same right after a look at what is offered, which has refreshed the metadata; given up when it takes long."""
    return f"aside; limited 100 {command(job)} update --downloadonly {_q(job.target)}"


def update(job: Job) -> str:
    """SOP, both upgrades: the update, pinned to the build that was decided on."""
    return f"{expire(job)} && {command(job)} update {_q(job.target)}"


def update_from_cache(job: Job) -> str:
    """The same without a look at the network: what was fetched is installed."""
    return f"{command(job)} -C update {_q(job.target)}"


def update_fetched(job: Job) -> str:
    """From the cache; where that lacks what it needs, from the repositories after all.

    A transaction that failed for another cause is not begun again.
    """
    again = call("yum_again", enabling(job), job.target)
    return f"{update_from_cache(job)} || {{ ! {again} && {update(job)}; }}"


def downgrade(job: Job) -> str:
    """Back to the build. yum 3 and dnf exit 0 or 1 as they like when there is nothing to do: it is not asked then."""
    there = call("build_is", job.app.package, job.target)
    return f"{expire(job)} && {{ {there} || {_downgrade(job)}; }}"


def downgrade_by_hand(job: Job) -> str:
    """The same as it is typed, where another build is installed."""
    return f"{expire(job)} && {_downgrade(job)}"


def _downgrade(job: Job) -> str:
    return f"{command(job)} downgrade {_q(job.target)}"


def fetched(job: Job) -> str:
    """Succeed where the build is installed, or was fetched with all that it needs; otherwise say what yum says."""
    return call("yum_fetched", root(job), job.app.package, job.target, enabling(job))


def proven(job: Job) -> str:
    """Succeed where the build is installed; otherwise say what is."""
    return call("build_proven", job.app.package, job.target, job.host_set.name)


def enabling(job: Job) -> str:
    """yum's flag for the set's own repository, or nothing, as the shell functions take it."""
    return job.host_set.enabling.strip()


def root(job: Job) -> str:
    """The folder that the host's files are below, as the shell functions take it."""
    return job.app.path("")


def warnings(output: str) -> tuple[str, ...]:
    """What rpm warns of in a transaction that succeeds: settings it did not put in place, a scriptlet that failed."""
    told = [line.strip() for line in output.splitlines() if _WARNS.search(line)]
    return tuple(dict.fromkeys(told))[:MOST_WARNINGS]


def _q(text: object) -> str:
    return shlex.quote(str(text))
