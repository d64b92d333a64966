"""A real nagios that watches two hosts and runs no checks; what it is told by its command file stands in its log."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAM = shutil.which("nagios4") or shutil.which("nagios4", path="/usr/sbin:/sbin") or "nagios4"
CONFIGURATION = """
log_file={0}/nagios.log
cfg_file={0}/objects.cfg
object_cache_file={0}/objects.cache
precached_object_file={0}/objects.precache
status_file={0}/status.dat
status_update_interval=1
nagios_user={1}
nagios_group={2}
check_external_commands=1
command_file={0}/nagios.cmd
query_socket={0}/nagios.qh
lock_file={0}/nagios.lock
temp_file={0}/nagios.tmp
temp_path={0}
check_result_path={0}/results
state_retention_file={0}/retention.dat
execute_service_checks=0
execute_host_checks=0
check_for_updates=0
use_syslog=0
"""
OBJECTS = """
define timeperiod {
  timeperiod_name always
  alias always
  sunday 00:00-24:00
}
define command {
  command_name ok
  command_line /bin/true
}
define contact {
  contact_name nobody
  host_notification_period always
  service_notification_period always
  host_notification_commands ok
  service_notification_commands ok
}
"""
HOST = """
define host {{
  host_name {0}
  address 127.0.0.1
  max_check_attempts 1
  check_period always
  notification_period always
  contacts nobody
  check_command ok
}}
define service {{
  host_name {0}
  service_description http
  check_command ok
  max_check_attempts 1
  check_period always
  notification_period always
  contacts nobody
}}
"""


class Nagios:
    """The process; `file` is its command file."""

    def __init__(self, folder: Path, hosts: Sequence[str]) -> None:
        folder.mkdir()
        (folder / "results").mkdir()
        self.file, self._log = folder / "nagios.cmd", folder / "nagios.log"
        group = grp.getgrgid(os.getgid()).gr_name
        (folder / "nagios.cfg").write_text(CONFIGURATION.format(folder, getpass.getuser(), group))
        (folder / "objects.cfg").write_text(OBJECTS + "".join(HOST.format(host) for host in hosts))
        line = [PROGRAM, str(folder / "nagios.cfg")]
        self._process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.waits(lambda: self.file.is_fifo(), "does not start")

    def alerts(self, word: str) -> list[str]:
        """The hosts, and their services, of which nagios says that a downtime has STARTED, was CANCELLED or STOPPED."""
        lines = self._log.read_text().splitlines()
        said = [line.partition("DOWNTIME ALERT: ")[2] for line in lines if f";{word};" in line]
        return sorted(text.partition(f";{word};")[0] for text in said if text)

    def waits(self, true: object, words: str) -> None:
        """Until `true()`; nagios reads its commands when it has time."""
        assert callable(true)
        ends = time.monotonic() + 60
        while not true():
            assert time.monotonic() < ends, f"nagios {words}: {self._log.read_text() if self._log.exists() else ''}"
            time.sleep(0.05)

    def close(self) -> None:
        """It is gone; its command file stays, as it does where nagios was killed."""
        self._process.kill()
        self._process.wait()


@contextmanager
def nagios(folder: Path, *hosts: str) -> Iterator[Nagios]:
    real = Nagios(folder, hosts)
    try:
        yield real
    finally:
        real.close()
