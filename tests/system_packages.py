"""What environments of tox.ini want that pip cannot bring. `run` reads it, before there is anything but Python."""

import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Need(NamedTuple):
    """How it is looked for, and the packages of Debian's apt-get and Fedora's dnf that have it; empty: none does.

    spared: without it the environment runs all the same, and leaves out the tests that want it (tests/wanted.py).
    """

    found: Callable[[], object]
    apt: str
    dnf: str
    spared: bool = False


def program(name: str) -> Callable[[], object]:
    """Look for it in PATH."""
    return lambda: shutil.which(name)


def python_headers() -> bool:
    """Look for what C extensions of the Python that runs are compiled against."""
    return (Path(sysconfig.get_path("include")) / "Python.h").exists()


def server(name: str) -> Callable[[], object]:
    """Look for it also where only root's PATH leads."""
    return lambda: shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


# What hosts have, and the parts of OpenSSH that ours are compared with.
_OF_HOSTS = (
    Need(program("flock"), "util-linux", "util-linux", spared=True),
    Need(program("pgrep"), "procps", "procps-ng", spared=True),
    Need(program("ssh"), "openssh-client", "openssh-clients", spared=True),
    Need(server("haproxy"), "haproxy", "haproxy", spared=True),
    # What stands around a run; the tests that want them are left out on Fedora.
    Need(program("prometheus-alertmanager"), "prometheus-alertmanager", "", spared=True),
    Need(server("nagios4"), "nagios4-core", "", spared=True),
)

# The koji client's requests-gssapi is compiled, with the flags that krb5-config tells.
NEEDS = {
    "packaging": (
        Need(program("cc"), "gcc", "gcc"),
        Need(python_headers, "python3-dev", "python3-devel"),
        Need(program("krb5-config"), "libkrb5-dev", "krb5-devel"),
        Need(program("rpmbuild"), "rpm", "rpm-build"),
        Need(program("git"), "git", "git"),
        # A KDC, for a login by Kerberos as a hub has it.
        Need(server("krb5kdc"), "krb5-kdc", "krb5-server", spared=True),
        Need(server("kadmin.local"), "krb5-admin-server", "krb5-server", spared=True),
        Need(program("kinit"), "krb5-user", "krb5-workstation", spared=True),
        Need(server("sshd"), "openssh-server", "openssh-server", spared=True),
        Need(program("ssh-keygen"), "openssh-client", "openssh-clients"),
    ),
    "parity": (
        Need(server("sshd"), "openssh-server", "openssh-server"),
        Need(program("ssh-keygen"), "openssh-client", "openssh-clients"),
    ),
    "tests": _OF_HOSTS,
    "fresh": (Need(program("mmdebstrap"), "mmdebstrap", "mmdebstrap"),),
}
NEEDS |= dict.fromkeys(("py311", "py312", "py313", "py314"), _OF_HOSTS)


def missing(environment: str) -> list[Need]:
    """What this tox environment wants and this machine lacks."""
    return [need for need in NEEDS.get(environment, ()) if not need.found()]
