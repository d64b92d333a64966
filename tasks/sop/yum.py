"""What yum and rpm are asked on a host, as shell that yum 3, dnf 4 and dnf 5 take alike; all are called yum there.

On what each was tried, and what each answers: docs/package-managers.md.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ..inventory.model import App

if TYPE_CHECKING:
    from .model import Job

# What is behind the name: `yum` (yum 3), `dnf-3` (dnf 4) or `dnf5`.
PROGRAM = '$(readlink -f "$(command -v yum)" 2>/dev/null)'


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


def update(job: Job) -> str:
    """SOP, both upgrades: the update, pinned to the build that was decided on."""
    return f"{expire(job)} && {command(job)} update {_q(job.target)}"


def update_from_cache(job: Job) -> str:
    """The same without a look at the network: what was fetched is installed."""
    return f"{command(job)} -C update {_q(job.target)}"


def downgrade(job: Job) -> str:
    """Back to the build. yum 3 and dnf exit 0 or 1 as they like when there is nothing to do: it is not asked then."""
    return f"{expire(job)} && {{ {installed_is_target(job)} || {command(job)} downgrade {_q(job.target)}; }}"


def files(job: Job) -> str:
    """Print the build's files in yum's cache, wherever its configuration puts that, or a link."""
    app = job.app
    caches = " ".join(app.path(f"/var/cache/{name}") for name in ("yum", "dnf", "libdnf5"))
    own = r"s|^[[:space:]]*\(system_\)\{0,1\}cachedir[[:space:]]*[=:][[:space:]]*\(/[^$[:space:]]*\).*|" + app.path(
        r"\2|p"
    )
    return (
        f"find -L {caches} $(sed -n {_q(own)} {configs(app)} 2>/dev/null) -name {_q(f'{job.target}.*.rpm')} 2>/dev/null"
    )


def configs(app: App) -> str:
    """The files with yum's main options, in the order in which they are read."""
    names = ("/usr/share/dnf5/libdnf.conf.d/*.conf", "/etc/dnf/libdnf5.conf.d/*.conf", "/etc/dnf/dnf.conf")
    return " ".join(app.path(name) for name in ("/etc/yum.conf", *names))


def fetched(job: Job) -> str:
    """Succeed where the build was fetched with all that it needs; otherwise fail with what yum says.

    yum itself is asked, with nothing but its cache. dnf 5 downloads what it will then refuse to install, because it is
    not signed, say: there the whole transaction is tried, without being carried out. The others need not start once
    more where the file is seen.
    """
    trial = f"{command(job)} -C --setopt=tsflags=test update {_q(job.target)}"
    nothing = "*'othing to do'*|*'marked for update'*"
    return (
        f"case {PROGRAM} in\n"
        f'*dnf5) said=$({trial} 2>&1); case "$?:$said" in {nothing}) false;; 0:*) ;; *) false;; esac;;\n'
        f"*) {files(job)} | grep -q . || {{ said=$({_again(job)} 2>&1); "
        f'case "$?:$said" in {nothing}) false;; 0:*|*\'"Download Only" specified\'*) ;; *) false;; esac; }};;\n'
        "esac || { printf '%s\\n' \"$said\"; false; }"
    )


def in_cache(job: Job) -> str:
    """Succeed where the cache has all that `update_from_cache` needs: its failure had another cause then."""
    return f"{{ said=$({_again(job)} 2>&1) || case $said in *'\"Download Only\" specified'*) ;; *) false;; esac; }}"


def _again(job: Job) -> str:
    """Download it once more, with nothing but the cache."""
    return f"{command(job)} -C update --downloadonly {_q(job.target)}"


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
    package = job.app.package
    lines = one_build(job.host_set.enabling, package, str(job.target))
    cures = " ".join(f"*{program}) mend={_q(f': a transaction was cut off, this mends it: sudo {line}')};;"
                     for program, line in lines.items())  # fmt: skip
    return (
        f"{installed_is_target(job)} || {{ installed=$(rpm -q {_q(package)}) mend=\n"
        f'test "$(printf "%s\\n" "$installed" | wc -l)" -lt 2 || case {PROGRAM} in {cures} esac\n'
        f'echo "installed is $(echo $installed), not {job.target}$mend"; false; }}'
    )


def one_build(enabling: str, package: str, newest: str) -> dict[str, str]:
    """What takes all builds but the newest out of rpm's database, for each program that `yum` may be (PROGRAM)."""
    return {
        "dnf5": f"yum -y{enabling} reinstall {newest}",
        "dnf-3": f"yum -y{enabling} remove --duplicates {package}",
        "yum": "package-cleanup --cleandupes",
    }


def _q(text: object) -> str:
    return shlex.quote(str(text))
