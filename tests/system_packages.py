"""What environments of tox.ini want that pip cannot bring. `run` reads it, before there is anything but Python."""

import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Need(NamedTuple):
    """How it is looked for, and the packages of Debian's apt-get and Fedora's dnf that have it."""

    found: Callable[[], object]
    apt: str
    dnf: str


def program(name: str) -> Callable[[], object]:
    """Look for it in PATH."""
    return lambda: shutil.which(name)


def python_headers() -> bool:
    """Look for what C extensions of the Python that runs are compiled against."""
    return (Path(sysconfig.get_path("include")) / "Python.h").exists()


# The koji client's requests-gssapi is compiled, with the flags that krb5-config tells.
NEEDS = {
    "packaging": (
        Need(program("cc"), "gcc", "gcc"),
        Need(python_headers, "python3-dev", "python3-devel"),
        Need(program("krb5-config"), "libkrb5-dev", "krb5-devel"),
        Need(program("rpmbuild"), "rpm", "rpm-build"),
        Need(program("git"), "git", "git"),
    ),
    "parity": (
        Need(program("sshd"), "openssh-server", "openssh-server"),
        Need(program("ssh-keygen"), "openssh-client", "openssh-clients"),
    ),
}


def missing(environment: str) -> list[Need]:
    """What this tox environment wants and this machine lacks."""
    return [need for need in NEEDS.get(environment, ()) if not need.found()]
