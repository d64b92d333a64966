"""What yum and rpm are asked on a host, as shell: yum 3 and dnf under its name alike."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sop import Job


def command(job: Job) -> str:
    """`yum -y`, with the set's own repository switched on."""
    return f"yum -y{job.host_set.enabling}"


def expire(job: Job) -> str:
    """SOP, both upgrades: `yum clean expire-cache`."""
    # yum expires the metadata of enabled repositories only: without the flag a set's own one stays stale.
    return f"yum{job.host_set.enabling} clean expire-cache"


def fetch(job: Job) -> str:
    """Download the build and install nothing.

    Some releases of yum 3 exit with 1 although they did: there the file counts, see `downloaded`.
    """
    download = f"{command(job)} --downloadonly update {_q(job.target)}"
    return f"{expire(job)} && {{ {download} || yum --version | grep -q '^3[.]'; }}"


def update(job: Job) -> str:
    """SOP, both upgrades: the update, pinned to the build that was decided on."""
    return f"{expire(job)} && {command(job)} update {_q(job.target)}"


def update_from_cache(job: Job) -> str:
    """The same without a look at the network: what was fetched is installed."""
    return f"{command(job)} -C update {_q(job.target)}"


def downgrade(job: Job) -> str:
    """Back to the build. yum 3 and dnf exit 0 or 1 as they like when there is nothing to do: it is not asked then."""
    return f"{expire(job)} && {{ {installed_is_target(job)} || {command(job)} downgrade {_q(job.target)}; }}"


def downloaded(job: Job) -> str:
    """Print the build's files in the caches of yum 3, dnf 4 and dnf 5."""
    caches = " ".join(job.app.path(f"/var/cache/{name}") for name in ("yum", "dnf", "libdnf5"))
    return f"find {caches} -name {_q(f'{job.target}.*.rpm')} 2>/dev/null"


def in_cache(job: Job) -> str:
    """Succeed where the cache has all that `update_from_cache` needs: its failure had another cause then."""
    metadata = f"yum -q{job.host_set.enabling} -C list available {_q(job.target)}"
    return f"{{ {downloaded(job)} | grep -q . && {metadata} >/dev/null 2>&1; }}"


def query(job: Job) -> str:
    """Print the NVR that is installed."""
    return f'rpm -q --qf "%{{NAME}}-%{{VERSION}}-%{{RELEASE}}" {_q(job.app.package)}'


def ask_once(job: Job) -> str:
    """Keep the answer of `query` in $installed: rpm takes a while to open its database, and httpd may be down."""
    return f"installed=$({query(job)} 2>/dev/null)"


def installed_is_target(job: Job) -> str:
    """Succeed where the build is installed."""
    return f'test "$({query(job)})" = {_q(job.target)}'


def installed_is_target_or_says(job: Job) -> str:
    """The same, with a sentence where it is not: yum exits 0 when it had nothing to do (V2)."""
    return (
        f'{installed_is_target(job)} || {{ echo "installed is $(rpm -q {_q(job.app.package)}), '
        f'not {job.target}"; false; }}'
    )


def _q(text: object) -> str:
    return shlex.quote(str(text))
