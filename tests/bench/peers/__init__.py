"""Who else can do the work, and how they are typed. Their scripts lie beside this."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]


@dataclass(frozen=True)
class Work:
    """what: minor or major; version: to which; config: ssh_config; hosts: their names, the first one syncs."""

    what: str
    version: str
    config: Path
    hosts_yml: Path
    folder: Path
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Peer:
    """A command, and what it needs in its environment."""

    name: str
    command: list[str]
    environment: dict[str, str]


def ours(work: Work) -> Peer:
    """fab prod minor-upgrade, major-upgrade."""
    fab = [sys.executable, "-m", "fabric", "--ssh-config", str(work.config)]
    line = [*fab, "prod", f"{work.what}-upgrade", "--version", work.version, "--yes"]
    state = work.folder / "state"
    shutil.rmtree(state, ignore_errors=True)  # the journal of this run alone
    return Peer("ours", line, {"FABRIC_HOSTS_FILE": str(work.hosts_yml), "XDG_STATE_HOME": str(state)})


def raw(work: Work, what: str | None = None) -> Peer:
    """The shell script; `major-downloaded` fetches before it stops."""
    what = what or work.what
    words = ["bash", str(HERE / "raw.sh"), what, str(work.config), work.version, *work.hosts]
    return Peer("raw, downloaded first" if what == "major-downloaded" else "raw", words, {})


def naive_fabric(work: Work) -> Peer:
    """A first fabfile."""
    words = [sys.executable, str(HERE / "naive_fabric.py"), work.what, str(work.config), work.version, *work.hosts]
    return Peer("naive Fabric", words, {})


def pyinfra(work: Work) -> Peer:
    """pyinfra's own command."""
    inventory = work.folder / "inventory.py"
    data = f'"ssh_config_file": {str(work.config)!r}, "ssh_strict_host_key_checking": "no"'
    rows = "".join(f'    ({host!r}, {{"syncs": {host == work.hosts[0]}, {data}}}),\n' for host in work.hosts)
    inventory.write_text(f"nodes = [\n{rows}]\n")
    data_words = ["--data", f"what={work.what}", "--data", f"version={work.version}"]
    words = [str(Path(sys.executable).with_name("pyinfra")), "-y", str(inventory), str(HERE / "pyinfra_deploy.py")]
    return Peer("pyinfra", [*words, *data_words], {})


def ansible(work: Work) -> Peer:
    """ansible-playbook, with pipelining."""
    inventory = work.folder / "inventory.ini"
    inventory.write_text("[nodes]\n" + "".join(f"{host}\n" for host in work.hosts))
    words = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(HERE / "ansible.yml")]
    words += ["--ssh-common-args", f"-F {work.config}", "-e", f"what={work.what}", "-e", f"version={work.version}"]
    environment = {"ANSIBLE_CONFIG": str(HERE / "ansible.cfg"), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(work.folder / "cp")}
    return Peer("ansible-core", words, environment)
