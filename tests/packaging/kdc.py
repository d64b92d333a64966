"""A real Kerberos KDC (MIT's) on 127.0.0.1, in a folder of its own: for a login as a hub has it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

REALM = "KOJI.TEST"
PASSWORD = "not a secret"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class Kdc:
    """Runs for a `with`. environment: what whoever talks to it needs; keytab: the hub's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keytab = folder / "hub.keytab"
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{folder}/ticket",
        }

    def __enter__(self) -> Self:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.folder.mkdir()
        (self.folder / "krb5.conf").write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_canonicalize_hostname = false\n"
            f"rdns = false\nclockskew = 1\n[realms]\n{REALM} = {{\nkdc = 127.0.0.1:{port}\n}}\n"
            f"[domain_realm]\n127.0.0.1 = {REALM}\n"
        )
        (self.folder / "kdc.conf").write_text(
            f"[realms]\n{REALM} = {{\ndatabase_name = {self.folder}/principals\nkey_stash_file = {self.folder}/stash\n"
            f"kdc_listen = 127.0.0.1:{port}\nkdc_tcp_listen = 127.0.0.1:{port}\n}}\n"
        )
        self._run("kdb5_util", "create", "-s", "-P", PASSWORD)
        self._run("kadmin.local", "-q", f'addprinc -pw "{PASSWORD}" qadevel')
        self._run("kadmin.local", "-q", "addprinc -randkey HTTP/127.0.0.1")
        self._run("kadmin.local", "-q", f"ktadd -k {self.keytab} HTTP/127.0.0.1")
        log = (self.folder / "log").open("wb")
        with log:
            self._kdc = subprocess.Popen(
                [self._program("krb5kdc"), "-n"], env={**os.environ, **self.environment}, stdout=log, stderr=log
            )
        ends = time.monotonic() + 30
        while not self._answers(port):
            assert time.monotonic() < ends, (self.folder / "log").read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._kdc.terminate()
        self._kdc.wait()

    def kinit(self, lifetime: str = "1h") -> None:
        """Get a ticket, as an operator does."""
        self._run("kinit", "-l", lifetime, "qadevel", typed=PASSWORD)

    def forget_the_hub(self) -> None:
        """The KDC knows no service of the hub's name: what a wrong host name in the profile looks like."""
        self._run("kadmin.local", "-q", "delprinc -force HTTP/127.0.0.1")

    def _program(self, name: str) -> str:
        return shutil.which(name, path=_PATH) or name

    def _run(self, name: str, *words: str, typed: str = "") -> None:
        subprocess.run(
            [self._program(name), *words],
            env={**os.environ, **self.environment},
            input=f"{typed}\n",
            text=True,
            capture_output=True,
            check=True,
        )

    def _answers(self, port: int) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0
