"""Where a row is tried: a mount and a network namespace with a home, names, an /etc/ssh and sshds of its own.

OpenSSH takes `~` and the user's name from the passwd entry and not from $HOME, and reads /etc/ssh: so the namespace has
another passwd, in which whoever types is called `operator`, and an empty /etc/ssh. It has no network but a loopback, so
every port is free, 22 too, and nothing leaves it. Its hosts have addresses of RFC 5737 there: of 127.0.0.1 and its
like OpenSSH does not believe that they tell hosts apart.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import re
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from . import vault
from .row import BASE, HOST, INNER, Cert, Folder, Hashed, Revoked, Row, Server

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
ADDRESSES = {
    HOST: "192.0.2.1",
    "hop.example": "192.0.2.2",
    "hop2.example": "192.0.2.3",
    INNER: "192.0.2.4",
}
# The last one is how OpenSSH asks for the first, when it makes `host` canonical.
ALIASES = {HOST: "web.example web host.canonical.example host.canonical.example."}
OPERATOR = "operator"
TOKEN = "271828"
MENU = "Second factor for root: 1 phone, 2 key"
# What the servers' PAM does: one file at a time, because sshd's service is always called sshd.
PAM = {
    "password": "auth requisite pam_exec.so quiet expose_authtok <inside>/check\n",
    "menu": (
        "auth requisite pam_exec.so quiet stdout <inside>/menu\n"
        "auth requisite pam_exec.so quiet expose_authtok <inside>/check\n"
    ),
}
SSHD_CONFIG = """
AuthorizedKeysFile {authorized}
ForceCommand {session} {mark}
HostKey {key}
KbdInteractiveAuthentication no
LogLevel VERBOSE
PasswordAuthentication no
PermitRootLogin yes
PidFile none
PrintMotd no
StrictModes no
UsePAM no
"""
# Whoever gets in leaves a mark, and finds a machine without rpm, yum and systemd, on which they may be root.
SESSION = """#!/bin/sh
echo in >>"$1"
export PATH={programs}
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""
SUDO = """#!/bin/sh
while test "$1" != sh; do shift; done
exec "$@"
"""
PROGRAMS = "sh cat date df head hostname id ls sed sort stat tail test tr uname wc"
SET_UP = """
set -e
mount --make-rprivate /
for file in passwd hosts nsswitch.conf pam.d/sshd ssh; do mount --bind "$1/etc/$file" /etc/$file; done
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
echo ready
exec cat
"""
# The servers resolve one name more than their clients.
SET_UP_SERVERS = """
set -e
mount --bind "$1/etc/hosts-of-servers" /etc/hosts
echo ready
exec cat
"""
NO_SSHD = re.compile("sshd_config(:| line )|^(Could not|Unable to) load|^Missing|^(nsenter|fork|fatal): ", re.M)
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _SIOCSIFADDR, _IFF_UP = 0x8914, 0x8916, 1


def lacks() -> str:
    """What this machine lacks for the rows, as a sentence; nothing if it lacks nothing."""
    missing = [name for name in ("ssh", "ssh-keygen", "ssh-agent", "ssh-add", "nsenter") if not shutil.which(name)]
    if missing or not SSHD:
        return f"{', '.join([*missing, *([] if SSHD else ['sshd'])])}: missing (apt: openssh-client openssh-server)"
    if os.geteuid():
        return "the parity rows want root: they make a namespace with an sshd and a passwd of its own"
    made = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, text=True, check=False)
    return f"no namespace can be made here: {made.stderr.strip()}" if made.returncode else ""


class Field:
    """One namespace; rows are laid out in it one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.keys = folder / "keys"
        self.inside = folder / "inside"  # the program that runs its arguments in the namespace
        vault.make(self.keys)
        self._lay_etc()
        self._holder = _holds(["unshare", "--mount", "--net", "sh", "-c", SET_UP, "sh", folder])
        self._in_its_network(_loopback_up)
        _enters(self.inside, self._holder)
        self._servers = _holds([self.inside, "unshare", "--mount", "sh", "-c", SET_UP_SERVERS, "sh", folder])
        self._among_servers = folder / "among-servers"
        _enters(self._among_servers, self._servers)

    def close(self) -> None:
        """End what holds the namespaces."""
        self._servers.communicate("")
        self._holder.communicate("")

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def laid(self, row: Row) -> Iterator[Laid]:
        """The row's files, servers and agents, until it has been tried."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.folder / "servers", ignore_errors=True)
        for there in (self.folder / "etc/ssh").iterdir():
            there.unlink()
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        files = {"config": row.config, ".ssh/known_hosts": row.known, **row.files}
        for name, content in files.items():
            path, _, mode = os.fsdecode(self.filled(name).encode("latin-1")).partition(":")
            lies = (self.folder if path.startswith("/etc/ssh/") else self.home) / path.lstrip("/")
            self._write(lies, content)
            if mode:
                lies.chmod(int(mode, 8))
        (self.home / "hosts.yml").write_text(HOSTS_YML.format(host=row.typed))
        with ExitStack() as stack:
            marks = []
            for number, server in enumerate(row.servers):
                lies = self.folder / "servers" / str(number)
                marks.append(stack.enter_context(self._serves(server, lies)))
            for name, keys in row.agents.items():
                stack.enter_context(self._agent(self.home / name, keys))
            environment = {
                **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ},
                "HOME": str(self.home),
                "TERM": "xterm",
                "FABRIC_HOSTS_FILE": str(self.home / "hosts.yml"),
                "XDG_STATE_HOME": str(self.home / "state"),
                **{name: self.filled(value) for name, value in row.environment.items()},
            }
            yield Laid(row, self.home, environment, marks[0])
            self._check_servers()

    def _check_servers(self) -> None:
        """A row must not pass because no sshd came up for it. Raises RuntimeError."""
        for holder in (self._holder, self._servers):
            if holder.poll() is not None:
                raise RuntimeError("somebody has ended what holds the namespace")
        for log in self.folder.glob("servers/*/log"):
            said = log.read_text(errors="replace")
            if NO_SSHD.search(said):
                raise RuntimeError(said)

    def filled(self, text: str) -> str:
        """`text` with every <NAME> replaced. Raises KeyError for a name that nothing has."""
        return re.sub(r"<([a-z][a-z0-9.-]*)>", lambda found: self._named(found[1]), text.replace("<base>", BASE))

    def _named(self, name: str) -> str:
        places = {"home": str(self.home), "keys": str(self.keys), "python": sys.executable, "folder": str(self.folder)}
        if name in places:
            return places[name]
        if name == "local":  # %L
            return socket.gethostname().split(".")[0]
        if name == "hash":  # %C
            return hashlib.sha1(f"{socket.gethostname()}{HOST}22root".encode()).hexdigest()
        key = name.removesuffix(".private")
        if key not in vault.KEYS:
            raise KeyError(name)
        return (self.keys / key).read_text() if name.endswith(".private") else vault.public(self.keys, key)

    def _write(self, path: Path, content: str | Cert | Revoked | Hashed | Folder) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Folder):
            path.mkdir()
        elif isinstance(content, Cert):
            self.sign(content, path)
        elif isinstance(content, Revoked):
            keys = [str(self.keys / f"{key}.pub") for key in content.keys]
            vault.run("ssh-keygen", "-q", "-k", "-f", str(path), *keys)
        else:
            text = self.filled(content.text if isinstance(content, Hashed) else content)
            path.write_bytes(text.encode("latin-1"))
            path.chmod(0o700 if text.startswith("#!") else 0o600)
            if isinstance(content, Hashed):
                vault.run("ssh-keygen", "-q", "-H", "-f", str(path))
                path.with_name(f"{path.name}.old").unlink()

    def sign(self, cert: Cert, path: Path) -> None:
        """Write the certificate to `path`."""
        bare = path.with_name(f"{path.name}.bare.pub")
        shutil.copy(self.keys / f"{cert.key}.pub", bare)
        names = ["-n", cert.principals] if cert.principals else []
        kind = ["-h"] if cert.host else []
        sign = ["ssh-keygen", "-q", "-s", str(self.keys / cert.ca), "-I", "row", *kind, *names, "-V", cert.validity]
        vault.run(*sign, *cert.more, str(bare))
        path.with_name(f"{path.name}.bare-cert.pub").rename(path)
        bare.unlink()

    @contextmanager
    def _serves(self, server: Server, lies: Path) -> Iterator[Path]:
        """The server, started anew by each connection as inetd would; the file with a line for each session."""
        lies.mkdir(parents=True)
        (lies / "authorized").write_text("".join(f"{vault.public(self.keys, name)}\n" for name in server.authorized))
        mark = lies / "mark"
        mark.touch()
        places = {"authorized": lies / "authorized", "session": self.folder / "session", "mark": mark}
        lines = [self.filled(server.options), SSHD_CONFIG.format(key=self.keys / server.key, **places)]
        if server.pam:
            (self.folder / "etc/pam.d/sshd").write_text(
                PAM[server.pam].replace("<inside>", str(self.folder))
                + "".join(f"{kind} required pam_permit.so\n" for kind in ("auth", "account", "session"))
            )
            lines.insert(0, "UsePAM yes")
        if server.cert:
            self.sign(server.cert, lies / "cert.pub")
            lines.append(f"HostCertificate {lies / 'cert.pub'}")
        (lies / "sshd_config").write_text("\n".join(lines))  # the first value counts, so the row's come first
        made: list[socket.socket] = []
        self._in_its_network(lambda: made.append(_listening(ADDRESSES[server.name], server.port)))
        over, ends = os.pipe()
        thread = threading.Thread(target=self._accept, args=(made[0], over, lies))
        thread.start()
        try:
            yield mark
        finally:
            os.close(ends)
            thread.join()
            os.close(over)

    def _accept(self, listener: socket.socket, over: int, lies: Path) -> None:
        """Hand every connection to an sshd, until the other end of `over` is closed; then end those that still run."""
        started = []
        with listener, (lies / "log").open("ab") as log:
            # Shut down at its end: a process that is being started elsewhere may hold a copy of it for a moment.
            while over not in select.select([listener.fileno(), over], [], [])[0]:
                connection, _ = listener.accept()
                with connection:
                    sshd = subprocess.Popen(
                        [self._among_servers, str(SSHD), "-i", "-e", "-f", lies / "sshd_config"],
                        stdin=connection.fileno(), stdout=connection.fileno(), stderr=log, cwd="/",
                        env={"PATH": os.environ["PATH"]}, start_new_session=True,
                    )  # fmt: skip
                started.append(sshd)
            listener.shutdown(socket.SHUT_RDWR)
        for sshd in started:
            _end(sshd)

    @contextmanager
    def _agent(self, path: Path, keys: tuple[str, ...]) -> Iterator[None]:
        path.parent.mkdir(parents=True, exist_ok=True)
        # It asks with SSH_ASKPASS before it uses a key that was added with `ssh-add -c`; false says no.
        environment = {"PATH": os.environ["PATH"], "SSH_ASKPASS": shutil.which("false") or "", "DISPLAY": ":0"}
        agent = subprocess.Popen(
            ["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        try:
            assert agent.stdout
            agent.stdout.readline()
            answer = self.folder / "answer-passphrase"
            for key in keys:
                ask = ["-c"] if key.startswith("?") else []
                add = ["ssh-add", "-q", *ask, str(self.keys / self.filled(key).lstrip("?"))]
                ended = subprocess.run(
                    add, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                    env={**environment, "SSH_AUTH_SOCK": str(path), "SSH_ASKPASS": str(answer),
                         "SSH_ASKPASS_REQUIRE": "force"},
                )  # fmt: skip
                if ended.returncode:
                    raise RuntimeError(f"{shlex.join(add)}: {ended.stderr}")
            yield
        finally:
            with agent:
                agent.kill()

    def _lay_etc(self) -> None:
        etc = self.folder / "etc"
        for folder in (etc / "pam.d", etc / "ssh", self.folder / "remote-home", self.folder / "programs"):
            folder.mkdir(parents=True)
        there = Path("/etc/passwd").read_text()
        remote = self.folder / "remote-home"
        accounts = [
            f"{OPERATOR}:x:0:0::{self.home}:/bin/sh",
            *(f"{n}:x:0:0::{remote}:/bin/sh" for n in ("root", "deploy")),
        ]
        others = [line for line in there.splitlines() if line.split(":")[0] not in (OPERATOR, "root", "deploy")]
        (etc / "passwd").write_text("\n".join([*accounts, *others, ""]))
        names = [f"{address} {name} {ALIASES.get(name, '')}" for name, address in ADDRESSES.items()]
        (etc / "hosts-of-servers").write_text("\n".join(["127.0.0.1 localhost", *names, ""]))
        (etc / "hosts").write_text("\n".join(["127.0.0.1 localhost", *(n for n in names if INNER not in n), ""]))
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
        (etc / "pam.d/sshd").touch()
        for name in PROGRAMS.split():
            found = shutil.which(name)
            if found:
                (self.folder / "programs" / name).symlink_to(found)
        programs = {
            "session": SESSION.format(programs=self.folder / "programs"),
            "programs/sudo": SUDO,
            "menu": f"#!/bin/sh\necho {shlex.quote(MENU)}\n",
            "check": f"#!/bin/sh\ntest \"$(tr -d '\\000')\" = {TOKEN}\n",
            "answer-passphrase": f"#!/bin/sh\necho {shlex.quote(vault.PASSPHRASE)}\n",
        }
        for name, text in programs.items():
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o755)

    def _in_its_network(self, does: object) -> None:
        """Carry `does` out in a thread that is in the namespace's network; what it opens stays there."""
        went_wrong: list[BaseException] = []

        def there() -> None:
            try:
                with Path(f"/proc/{self._holder.pid}/ns/net").open() as network:
                    if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                does()  # type: ignore[operator]
            except BaseException as error:  # noqa: BLE001  # told where the thread is waited for
                went_wrong.append(error)

        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        if went_wrong:
            raise went_wrong[0]


class Laid:
    """A row that is ready to be tried: the folder with its files, the environment, and who has got in."""

    def __init__(self, row: Row, home: Path, environment: Mapping[str, str], mark: Path) -> None:
        self.row = row
        self.home = home
        self.environment = environment
        self._mark = mark

    def sessions(self) -> int:
        """How many sessions the first server has begun."""
        return len(self._mark.read_text().splitlines())


HOSTS_YML = """
host_sets:
  stg:
    hosts: [{host}]
    sync_host: {host}
    reconnect: 0
"""


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
        for number, address in enumerate(ADDRESSES.values()):
            there = struct.pack("16sHH4s8x", f"lo:{number}".encode(), socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(any_socket, _SIOCSIFADDR, there)


def _holds(command: list[str | Path]) -> subprocess.Popen[str]:
    """What keeps a namespace, until its stdin is closed."""
    holder = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
    )
    assert holder.stdout
    assert holder.stderr
    if holder.stdout.readline() != "ready\n":
        raise RuntimeError(f"no namespace: {holder.stderr.read()}")
    return holder


def _enters(program: Path, holder: subprocess.Popen[str]) -> None:
    """Write the program that runs its arguments in a namespace."""
    program.write_text(f'#!/bin/sh\nexec nsenter --target {holder.pid} --mount --net --wdns="$PWD" -- "$@"\n')
    program.chmod(0o755)


def _listening(address: str, port: int) -> socket.socket:
    return socket.create_server((address, port))


def _end(program: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)  # its own session; the child of another user that it has is in it
    program.wait()
