"""The lab as the bench wants it: prod reached directly, back at 1.0.0 before each run, near or far."""

from __future__ import annotations

import gzip
import hashlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.lab import files, lifecycle, observe, podman
from tests.lab.errors import LabError
from tests.lab.files import Settings
from tests.lab.layout import BASTION, HOME, HUB, ONE, PROXIES, SHARED, STG, TWO, Machine

PROD = (ONE, TWO)
PACKAGES = 30_000  # in the large repo: EL with EPEL has about as many
FAR_PORTS = {ONE: 22011, TWO: 22012, STG: 22021}
_BACK = """
DROP DATABASE blockerbugs_{name} WITH (FORCE);
CREATE DATABASE blockerbugs_{name} TEMPLATE fresh OWNER blockerbugs;
"""
_STG = """
systemctl stop httpd
rpm --upgrade --oldpackage --replacepkgs --nosignature /srv/rpms/blockerbugs-$1-*.rpm
blockerbugs upgrade_db >/dev/null 2>&1
systemctl start httpd
"""


class Field:
    """Two hosts to upgrade, and the files by which every peer reaches them.

    ssh_config, hosts_yml: as any operator has them; far: the same hosts over a line with a round trip of 50 ms.
    plain_hosts_yml: names neither the balancer, which the peers do not wait for, nor the address to watch, which
    nobody else asks for pages.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.ssh_config = folder / "ssh_config"
        self.far_ssh_config = folder / "ssh_config_far"
        self.hosts_yml = HOME / "hosts.yml"
        self.plain_hosts_yml = folder / "hosts.yml"
        plain = re.sub("    url: .*\n|    balancer:\n(      .*\n)*", "", self.hosts_yml.read_text())
        self.plain_hosts_yml.write_text(plain)
        near = (HOME / "ssh_config").read_text().replace("    ProxyJump bastion.lab\n", "")
        # OpenSSH's default key exchange costs 80 ms of CPU more for each connection.
        near += "\nHost *\n    KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org\n"
        self.ssh_config.write_text(near)
        far = near
        for machine, port in FAR_PORTS.items():
            address = f"    HostName {machine.address(settings.network)}\n"
            far = far.replace(address, f"    HostName 127.0.0.1\n    Port {port}\n")
        self.far_ssh_config.write_text(far)

    @property
    def urls(self) -> list[str]:
        """prod, through each haproxy."""
        return [self.settings.url("prod", proxy) for proxy in PROXIES]

    def stg_runs(self, version: str) -> None:
        """What prod may have then."""
        self._fresh_database("stg")
        podman.run_in(STG, "sh", "-ec", _STG, "sh", version)

    def back(self) -> None:
        """prod at 1.0.0 again, as if nobody had ever touched it, and seen so by haproxy."""
        with ThreadPoolExecutor() as pool:
            database = pool.submit(self._fresh_database, "prod")
            list(pool.map(self._node_back, PROD))
            database.result()
        for node in PROD:
            podman.run_in(node, "systemctl", "restart", "httpd")
        lifecycle.wait_until_it_answers(self.settings)
        for node in PROD:  # also the one that haproxy has not asked yet: its first page takes as long as a start
            podman.run_in(node, "curl", "-s", "http://localhost/blockerbugs/")
        for proxy in PROXIES:
            for server in observe.servers("prod", proxy):
                observe.haproxy(proxy, f"set server prod/{server} health up; set server prod/{server} state ready")

    @staticmethod
    def _fresh_database(name: str) -> None:
        sql = _BACK.format(name=name)
        podman.run_in(HUB, "sh", "-c", "cd /; runuser -u postgres -- psql -qX", given=sql)

    @staticmethod
    def _node_back(node: Machine) -> None:
        podman.run_in(node, "lab-reset-node")
        podman.run_in(
            node, "sh", "-ec", "sed -i 's/@[^ ]*//g' /etc/ssh/sshd_config.d/lab-users.conf; systemctl reload ssh"
        )
        podman.run_in(node, "sh", "-c", "yum -q makecache >/dev/null 2>&1 || true")

    def check(self, version: str) -> None:
        """Did whoever has just upgraded do the work? Raises RuntimeError."""
        found = [observe.node(node, self.settings) for node in PROD]
        if {node.serves for node in found} != {version}:
            raise RuntimeError(f"after the upgrade to {version}: {found}")

    def large_metadata(self) -> None:
        """From now on the hosts' repo has as many packages as a distribution's updates, and has just changed."""
        large_repo(self.settings)
        for node in PROD:
            podman.run_in(node, "sh", "-ec", _LARGE)

    @contextmanager
    def far(self) -> Iterator[None]:
        """As long as this lasts far_ssh_config leads somewhere."""
        ways = [f"{port}={m.address(self.settings.network)}:22" for m, port in FAR_PORTS.items()]
        command = [sys.executable, str(Path(__file__).with_name("far.py")), "0.025", *ways]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as line:
            time.sleep(0.5)
            try:
                yield
            finally:
                line.terminate()


_LARGE = """
cat >/etc/yum.repos.d/distribution.repo <<'END'
[distribution]
name=distribution
baseurl=http://hub.lab/mirror/$mirror/distribution/
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-lab
END
"""
_PACKAGE = """<package type="rpm"><name>package-{n}</name>
<arch>noarch</arch><version epoch="0" ver="1.{n}" rel="1.el7"/>
<checksum type="sha256" pkgid="YES">{sum}</checksum><summary>Package number {n}</summary>
<description>It is one of many: {n}. Metadata of this size is what an enabled distribution repository has.</description>
<packager/><url>https://example.org/{n}</url><time file="1" build="1"/><size package="1" installed="1" archive="1"/>
<location href="package-{n}.rpm"/><format><rpm:license>MIT</rpm:license><rpm:group>Unspecified</rpm:group>
<rpm:provides><rpm:entry name="package-{n}" flags="EQ" epoch="0" ver="1.{n}" rel="1.el7"/></rpm:provides>
<rpm:requires><rpm:entry name="package-{less}"/><rpm:entry name="/bin/sh"/></rpm:requires></format></package>
"""


def large_repo(settings: Settings) -> None:
    """Write its metadata on the hub, anew: a repo that is in use changes between two upgrades."""
    packages = "".join(
        _PACKAGE.format(n=n, less=max(0, n - 1), sum=hashlib.sha256(f"{n}".encode()).hexdigest())
        for n in range(PACKAGES)
    )
    now = int(time.time())
    primary = (
        f'<?xml version="1.0"?><!-- {now} --><metadata xmlns="http://linux.duke.edu/metadata/common" '
        f'xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{PACKAGES}">{packages}</metadata>'
    ).encode()
    packed = gzip.compress(primary, 6)
    name = f"repodata/{now}-primary.xml.gz"
    repomd = (
        f'<?xml version="1.0"?><repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>{now}</revision>'
        f'<data type="primary"><checksum type="sha256">{hashlib.sha256(packed).hexdigest()}</checksum>'
        f'<open-checksum type="sha256">{hashlib.sha256(primary).hexdigest()}</open-checksum>'
        f'<location href="{name}"/><timestamp>{now}</timestamp><size>{len(packed)}</size>'
        f"<open-size>{len(primary)}</open-size></data></repomd>"
    )
    hub = Path(f"/proc/{podman.process(HUB)}/root/var/www/html/repo/distribution")
    (hub / "repodata").mkdir(parents=True, exist_ok=True)
    (hub / name).write_bytes(packed)
    (hub / "repodata/repomd.xml").write_text(repomd)


@contextmanager
def many_hosts(number: int) -> Iterator[tuple[Path, list[str]]]:
    """An ssh_config and the names of so many hosts: one sshd, the jump host's, on every address of 127/8 here."""
    folder = SHARED / "many"
    folder.mkdir(mode=0o700, exist_ok=True)
    for key in ("host_key", "id_many"):
        if not (folder / key).exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    (folder / "authorized").write_text((folder / "id_many.pub").read_text())
    (folder / "sshd_config").write_text(
        f"Port 2222\nListenAddress 0.0.0.0\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized\n"
        "LogLevel ERROR\nPermitRootLogin prohibit-password\nStrictModes no\nUseDNS no\nUsePAM no\n"
        "MaxStartups 2000\nMaxSessions 100\n"
        f"PidFile {folder}/sshd.pid\n"
    )
    key = (folder / "host_key.pub").read_text().rsplit(" ", 1)[0]
    (folder / "known_many").write_text(f"many.lab {key}\n")
    (folder / "ssh_config_many").write_text(
        f"Host 127.*\n    Port 2222\n    User root\n    HostKeyAlias many.lab\n    IdentityFile {folder}/id_many\n"
        f"    IdentitiesOnly yes\n    UserKnownHostsFile {folder}/known_many\n    StrictHostKeyChecking yes\n"
        "    KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org\n"
    )
    names = [f"127.{1 + n // 250}.0.{1 + n % 250}" for n in range(number)]
    inside = ["nsenter", "--mount", f"--target={podman.process(BASTION)}"]  # its files, our network
    with subprocess.Popen([*inside, "/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")]) as sshd:
        time.sleep(0.5)
        if sshd.poll() is not None:
            raise LabError("the sshd of many hosts did not start: is port 2222 free? ss -ltnp 'sport = 2222'")
        try:
            yield folder / "ssh_config_many", names
        finally:
            sshd.send_signal(signal.SIGTERM)


def began_and_ended(journal: Path) -> float:
    """Seconds from the operator's yes to the recap, in the run that is the last in a journal."""
    import json
    from datetime import datetime

    events = [json.loads(line) for line in journal.read_text().splitlines()]
    at = {event["event"]: datetime.fromisoformat(event["time"]).timestamp() for event in events}
    return at["end"] - at["begin"]


def remote_floor(settings: Settings) -> dict[str, float]:
    """Each command of a major upgrade by itself, past ssh and sudo, on both hosts at once: seconds, slowest host."""
    pieces = {
        "stop": "service httpd stop",
        "update from cache": "yum -y -C update blockerbugs-1.1.0-1.el7",
        "upgrade_db": "blockerbugs upgrade_db",
        "sync": "blockerbugs sync",
        "start": "service httpd start",
        "first 200": "until curl -s http://localhost/blockerbugs/ | grep -q 'Blockerbugs 1.1.0'; do sleep 0.05; done",
    }
    for node in PROD:
        podman.run_in(
            node, "sh", "-c", "yum clean expire-cache && yum -y update --downloadonly blockerbugs-1.1.0-1.el7"
        )
    took = {}
    with ThreadPoolExecutor() as pool:
        for name, command in pieces.items():
            nodes = (ONE,) if re.fullmatch("upgrade_db|sync", name) else PROD
            began = time.monotonic()
            list(pool.map(lambda node, command=command: podman.run_in(node, "sh", "-c", command), nodes))
            took[name] = time.monotonic() - began
    return took


def as_it_is_up() -> Settings:
    """The lab's settings. Raises LabError if it is not up."""
    lifecycle.reset(10.0)
    found = files.read()
    assert found
    return found
