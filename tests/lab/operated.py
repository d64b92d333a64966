"""The operator's fleet as the lab's real machines, under the names that the operator's tests know."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.operator.fleets import HOSTS_YML, ONE, PROXIES, STG, STG_REPO, TWO

from . import files, layout, lifecycle, observe, podman, repo
from .files import Settings
from .layout import HOME, SHARED, VERSIONS, Machine
from .podman import run_in

MACHINES = {STG: layout.STG, ONE: layout.ONE, TWO: layout.TWO}
BALANCERS = dict(zip(PROXIES, layout.PROXIES, strict=True))
ALL = MACHINES | BALANCERS
NAMES = {machine.name: name for name, machine in ALL.items()}
WATCHED = ("yum", "service", "blockerbugs", "alembic", "curl", "df")
HTTPD_KINDS = ("loop", "drip", "unavailable")
INTERVAL = 2.0  # seconds between haproxy's checks, as the tests' hosts.yml has it
STALE = "WSGIScriptReloading Off\n"
FAULTY = """WSGIScriptAlias /blockerbugs /usr/local/lib/lab/fault.wsgi
<Directory /usr/local/lib/lab>
    Require all granted
</Directory>
"""


class LabMachines:
    """Programs in front of the hosts' own write down what is run, and fail as a test wants (image: `watched`)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = SHARED / "fleet"

    def facts(self) -> dict[str, Any]:
        hosts = {name: self._host(machine) for name, machine in MACHINES.items()}
        return {"hosts": hosts, "sets": {"stg": self._set("stg"), "prod": self._set("prod")}}

    def _host(self, machine: Machine) -> dict[str, Any]:
        if podman.states()[machine.container] != "running":
            return {"set": machine.host_set, "installed": None, "httpd": False, "serves": None, "cron": False}
        found = observe.node(machine, self.settings)
        cron = self._root(machine) / "etc/cron.d/blockerbugs"
        return {
            "set": machine.host_set,
            "installed": found.installed,
            "httpd": found.httpd == "active",
            "serves": None if found.serves == "-" else found.serves,
            "cron": cron.exists(),
        }

    def _set(self, name: str) -> dict[str, Any]:
        runs = [
            (event["host"], event["argv"][1], "ok" if event["status"] == "0" else "failed")
            for event in self.events()
            if event["phase"] == "end"
            and event["argv"][0] == "blockerbugs"
            and MACHINES[event["host"]].host_set == name
        ]
        counts = {job: observe.times(name, job) for job in ("upgrade_db", "sync")}
        return {"schema": observe.revision(name), "runs": runs, **counts}

    def events(self) -> list[dict[str, Any]]:
        file = self.home / "events"
        *lines, _ = file.read_text().split("\n") if file.exists() else [""]
        rows = [line.split("\t") for line in lines]
        events = [
            {"t": float(t), "host": NAMES[host], "phase": phase, "status": status, "argv": argv}
            for t, host, phase, status, *argv in rows
        ]
        return sorted(events, key=lambda event: event["t"])

    def breaks(self, host: str, step: str, kind: str, times: int = 1, seconds: float = 0.0) -> None:
        machine = MACHINES[host]
        if step == "health" and (kind in HTTPD_KINDS or times > 1):
            (self.home / "health").write_text(f"{kind} {seconds}\n")
            self._httpd(machine, FAULTY)
            return
        if (step, kind) == ("restart-httpd", "nothing"):
            self._httpd(machine, STALE)  # otherwise mod_wsgi has the new code without a restart
        if kind == "down":
            threading.Thread(target=self._switch_off_when_asked, args=(host,), daemon=True).start()
        folder = self.home / "faults" / machine.name
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(times):
            (folder / f"{step}.{len(list(folder.iterdir())):03}").write_text(f"{kind} {seconds}\n")

    def _httpd(self, machine: Machine, line: str) -> None:
        run_in(machine, "sh", "-ec", "cat >/etc/httpd/conf.d/aa-fault.conf; systemctl restart httpd", given=line)

    def _switch_off_when_asked(self, host: str) -> None:
        asked = self.home / f"off.{MACHINES[host].name}"
        while self.home.exists() and not asked.exists():
            time.sleep(0.02)
        if asked.exists():
            self.power_off(host)

    def publish(self, version: str, repo_name: str) -> None:
        repo.publish(version, repo_name)

    def withdraw(self, version: str, host: str | None = None) -> None:
        repo.withdraw(version, mirror=MACHINES[host] if host else None)

    def fill_disk(self, host: str, mount: str, free: int) -> None:
        (self.home / f"df.{MACHINES[host].name}").write_text(f"{mount} {free}\n")

    def power_off(self, host: str) -> None:
        podman.switch(MACHINES[host], on=False)

    def boot(self, host: str) -> None:
        podman.switch(MACHINES[host], on=True)
        lifecycle.wait_for(MACHINES[host], self.settings)
        self._show(host)

    def start_httpd(self, host: str) -> None:
        run_in(MACHINES[host], "service", "httpd", "start")

    def let_sudo_ask(self) -> None:
        for host, machine in ALL.items():
            run_in(machine, "chpasswd", given=f"careful:{self.sudo_password(host)}\n")
        config = self.home / "ssh_config"
        config.write_text(config.read_text().replace("User admin", "User careful"))

    def sudo_password(self, host: str) -> str:
        return f"{self.settings.sudo_password}-{host}"

    def restore_database(self, name: str) -> None:
        observe.sql(name, "ALTER TABLE bug RENAME COLUMN title TO summary")
        observe.sql(name, "UPDATE alembic_version SET version_num = '1a0c9'")

    def servers(self) -> dict[str, dict[str, str]]:
        return {name: observe.servers("prod", machine) for name, machine in BALANCERS.items()}

    def tells(self, proxy: str, command: str) -> None:
        observe.haproxy(BALANCERS[proxy], command)

    def reload(self, proxy: str) -> None:
        run_in(BALANCERS[proxy], "systemctl", "reload", "haproxy")

    def lay(self, stg_runs: str, drained: bool) -> None:
        """Everything as a test expects it: the operator's files, direct ways in, stg at its version."""
        self._lay_files(drained)
        for host in ALL:
            self._show(host)
        for machine in MACHINES.values():
            run_in(machine, "sh", "-ec", _PREPARE)
        for version in ("1.0.0", "1.0.1", "1.1.0"):
            repo.publish(version, STG_REPO)
        if stg_runs != VERSIONS[0]:
            run_in(layout.STG, "sh", "-ec", _INSTALL, "sh", stg_runs)
            observe.sql("stg", "DELETE FROM job")
        lifecycle.wait_until_it_answers(self.settings)

    def _lay_files(self, drained: bool) -> None:
        self.home.mkdir()
        (self.home / "hosts").mkdir()
        (self.home / "events").touch()
        shutil.copy(HOME / "id_ed25519", self.home)
        known, config = (HOME / "known_hosts").read_text(), (HOME / "ssh_config").read_text()
        config = config.replace(str(HOME), str(self.home)).replace("    ProxyJump bastion.lab\n", "")
        for machine, name in NAMES.items():
            known, config = known.replace(f"\n{machine} ", f"\n{name} "), config.replace(f" {machine}\n", f" {name}\n")
        (self.home / "known_hosts").write_text(known)
        (self.home / "ssh_config").write_text(config)
        url = self.settings.url("prod")
        drains = _DRAINS if drained else ""
        text = HOSTS_YML.format(
            root="/", url=url, interval=INTERVAL, drains=drains, deadline=10, timeout=5, reconnect=20
        )
        (self.home / "hosts.yml").write_text(text)

    def _show(self, host: str) -> None:
        """Its root folder, as long as it runs."""
        link = self.home / "hosts" / host
        link.unlink(missing_ok=True)
        link.symlink_to(self._root(ALL[host]))

    def _root(self, machine: Machine) -> Path:
        return Path(f"/proc/{podman.process(machine)}/root")


_DRAINS = f", proxies: [{', '.join(PROXIES)}], backend: prod, servers: {{prod01: blockerbugs01, prod02: blockerbugs02}}"
# The tests count syncs: none may come by itself at the half hour. On the 31st of February it may.
NO_SYNC_BY_ITSELF = (
    "! test -e /etc/cron.d/blockerbugs || sed -i 's|^[*]/30 [*] [*] [*] [*]|0 0 31 2 *|' /etc/cron.d/blockerbugs"
)
_PREPARE = f"""
for name in {" ".join(WATCHED)}; do ln -sf /usr/local/lib/lab/watched /usr/local/sbin/$name; done
sed -i 's/@[^ ]*//g' /etc/ssh/sshd_config.d/lab-users.conf # the operator's tests jump where they say so
systemctl reload ssh
{NO_SYNC_BY_ITSELF}
"""
_INSTALL = """
systemctl stop httpd
rpm --upgrade --nosignature /srv/rpms/blockerbugs-$1-*.rpm
/usr/bin/blockerbugs upgrade_db >/dev/null 2>&1
systemctl start httpd
"""


@contextmanager
def lab_machines(folder: Path, stg_runs: str, drained: bool) -> Iterator[LabMachines]:
    """The lab that is up, as it was at first. Raises LabError if it is not up."""
    lifecycle.reset(INTERVAL)
    settings = files.read()
    assert settings  # reset would have said so
    machines = LabMachines(settings)
    shutil.rmtree(machines.home, ignore_errors=True)
    machines.lay(stg_runs, drained)
    try:
        yield machines
    finally:
        for host in MACHINES:
            if podman.states()[MACHINES[host].container] != "running":
                machines.boot(host)
        shutil.rmtree(machines.home, ignore_errors=True)
