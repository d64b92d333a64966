"""The one image of the lab: a Debian base by mmdebstrap, and what makes it look like EL to the tool."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from .errors import LabError
from .layout import DNF, LABEL
from .podman import ENVIRONMENT, podman

HERE = Path(__file__).parent
SUITE = "trixie" if DNF == 5 else "bookworm"
RPM = ("dnf5" if DNF == 5 else "dnf", "rpm", "rpm2cpio", "cpio", "createrepo-c")
PACKAGES = (
    *("systemd", "systemd-sysv", "netbase", "iproute2", "procps", "ca-certificates", "curl", "file"),
    *("openssh-server", "openssh-client", "sudo", "acl", "cron", "moreutils"),
    "gnupg",
    *("apache2", "libapache2-mod-wsgi-py3", "python3-flask", "python3-sqlalchemy", "python3-psycopg2", "alembic"),
    *("postgresql", "haproxy", "gunicorn"),
)
# Debian has dnf 5 and rpm 6 in sid only, whose systemd wants cgroup v2: they and what they need come from sid, the rest
# does not. By the apt inside: the one of Debian 12 finds no way to mix them. A mirror of sid may be some weeks behind.
FROM_SID = (
    f'sed -n "s/ {SUITE} main/ sid main/p" "$1/etc/apt/sources.list" >"$1/etc/apt/sources.list.d/sid.list"',
    'printf "Package: *\\nPin: release n=sid\\nPin-Priority: 100\\n" >"$1/etc/apt/preferences.d/sid"',
    'chroot "$1" apt-get -qq -o Acquire::Check-Valid-Until=false update',
    f'chroot "$1" apt-get -qqy --no-install-recommends -t sid install {" ".join(RPM)} >/dev/null',
)
MMDEBSTRAP = (
    *("mmdebstrap", "--quiet", "--variant=apt", "--mode=root", '--aptopt=APT::Install-Recommends "false"'),
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "doc", "locale")),
    f"--include={','.join(PACKAGES if DNF == 5 else (*PACKAGES, *RPM))}",
    *(f"--customize-hook={line}" for line in (FROM_SID if DNF == 5 else ())),
    *(SUITE, "-"),
)

Say = Callable[[str], None]


def image(say: Say) -> str:
    """The image's name; it is made if it is not there as its sources are now. Raises LabError."""
    base = f"localhost/{LABEL}-base:{_hash(*MMDEBSTRAP)}"
    sources = sorted(
        file for folder in ("image", "app", "kittens") for file in (HERE / folder).rglob("*") if _is_source(file)
    )
    wanted = f"localhost/{LABEL}:{_hash(base, *(f'{file.relative_to(HERE)}{file.read_text()}' for file in sources))}"
    if not _exists(wanted):
        if not _exists(base):
            say("making the Debian base: a minute or two, and then never again")
            _make_base(base)
        say("making the lab's image")
        _make_image(wanted, base, sources)
    return wanted


def _make_base(name: str) -> None:
    with subprocess.Popen(MMDEBSTRAP, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as bootstrap:
        assert bootstrap.stdout is not None  # asked for above
        assert bootstrap.stderr is not None
        imported = subprocess.run(
            ["podman", "import", "--quiet", "--change", f"LABEL={LABEL}=base", "-", name],
            stdin=bootstrap.stdout,
            capture_output=True,
            env=ENVIRONMENT,
            check=False,
        )
        said = bootstrap.stderr.read().decode().strip()
    if bootstrap.returncode or imported.returncode:
        raise LabError(f"the Debian base could not be made: {(said or imported.stderr.decode()).splitlines()[-1]}")


def _make_image(name: str, base: str, sources: list[Path]) -> None:
    with tempfile.TemporaryDirectory(prefix=LABEL) as folder:
        context = Path(folder)
        for file in sources:
            place = file.relative_to(HERE)
            copy = context / (place.relative_to("image") if place.parts[0] == "image" else place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        podman(
            *("build", "--quiet", "--isolation=chroot", "--network=host", "--layers=false", "--force-rm"),
            *("--label", LABEL, "--build-arg", f"BASE={base}", "--tag", name, folder),
        )


def _is_source(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


def _exists(name: str) -> bool:
    try:
        podman("image", "exists", name)
    except LabError:
        return False
    return True


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
