"""How OpenSSH would reach a host: `ssh -G HOST` resolves ssh_config(5), and this module reads what it prints.

Include, Match, patterns, quotes and comments are read by ssh itself, so they mean here what they mean there. Where no
`ssh` is installed, paramiko's reader takes its place; it knows fewer options, and `Options.reader` says so.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .. import lines
from ..errors import Refused, Unreachable
from ..paths import editor
from . import ssh_paths

AT_ONCE = 4  # processes of `ssh -G` at the same time: each takes some 5 ms of one core
SECONDS = 60  # for one of them: a `Match exec` may have something to look up
NOT_UNDERSTOOD = "ssh_config is read by paramiko, which knows no Include and few of the options for keys and agents"
USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
SYSTEM_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
METHODS = ("publickey", "keyboard-interactive", "password")  # of those that we have, ssh's default order
DEFAULT_KEYS_IN = "~/.ssh"
# ssh_config(5), IdentityFile
DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa")
_SWITCHED_OFF = {"publickey": "pubkey", "keyboard-interactive": "kbdinteractive", "password": "password"}
_TOKEN = re.compile(r"%(.?)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Options:
    """What ssh_config says about one host.

    typed: the name that was asked for; said: option in lower case → its values, in order; file: what was given as
    --ssh-config, if anything; reader: `ssh`, or why paramiko's reader was used instead.
    """

    typed: str
    said: Mapping[str, tuple[str, ...]]
    file: str | None = None
    reader: str = "ssh"

    def first(self, option: str, default: str = "") -> str:
        """The option's value, or `default`; `none` counts as not set, as nearly everywhere in ssh_config(5)."""
        value = next(iter(self.said.get(option, ())), default)
        return "" if value.lower() == "none" else value

    def yes(self, option: str, default: bool = False) -> bool:
        """Is the option switched on?"""
        return self.first(option, "yes" if default else "no").lower() in ("yes", "true")

    def listed(self, option: str) -> list[str]:
        """The values of an option whose values stand behind commas."""
        return list(filter(None, self.first(option).split(",")))

    @property
    def host(self) -> str:
        """The name or address to connect to."""
        return self.first("hostname") or self.typed

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.first("port") or 22)

    @property
    def user(self) -> str:
        """Who logs in."""
        return self.first("user") or getpass.getuser()

    @property
    def alias(self) -> str:
        """HostKeyAlias: the name under which the host's key is known, if that is another one."""
        return self.first("hostkeyalias").lower()

    @property
    def jumps(self) -> list[str]:
        """ProxyJump's hosts, the nearest first, each as [user@]host[:port]."""
        return [hop for hop in (self.expanded(hop.strip()) for hop in self.listed("proxyjump")) if hop]

    @property
    def proxy_command(self) -> str:
        """ProxyCommand with its tokens resolved, for a shell to run; nothing where there is none."""
        return self.expanded(self.first("proxycommand"))

    @property
    def connect_seconds(self) -> int | None:
        """ConnectTimeout, if there is one."""
        value = self.first("connecttimeout")
        return int(value) if value.isdigit() and int(value) else None

    @property
    def user_known_hosts(self) -> list[Path]:
        """The operator's own known_hosts files, the first of which ssh would write to."""
        return ssh_paths.paths(self.first("userknownhostsfile", USER_FILES))

    @property
    def known_hosts(self) -> tuple[Path, ...]:
        """All files in which the host's key may be known."""
        return (*self.user_known_hosts, *ssh_paths.paths(self.first("globalknownhostsfile", SYSTEM_FILES)))

    @property
    def revoked_keys(self) -> list[Path]:
        """RevokedHostKeys: files of keys that are refused, whatever known_hosts says."""
        return ssh_paths.paths(self.resolved(self.first("revokedhostkeys")))

    @property
    def identity_files(self) -> list[Path]:
        """The private (or only public) keys to log in with; most of ssh's default ones do not exist."""
        named = self.said.get("identityfile") or tuple(f"{DEFAULT_KEYS_IN}/{name}" for name in DEFAULT_KEYS)
        return [self._file(name) for name in named if name.lower() != "none"]

    @property
    def certificate_files(self) -> list[Path]:
        """The certificates that were named; those beside their keys are found without."""
        return [self._file(name) for name in self.said.get("certificatefile", ()) if name.lower() != "none"]

    @property
    def agent(self) -> str | None:
        """The path of the agent's socket, or None where no agent is to be asked."""
        value = next(iter(self.said.get("identityagent", ())), "SSH_AUTH_SOCK")
        if value.lower() == "none":
            return None
        if value == "SSH_AUTH_SOCK":
            return os.environ.get(value)
        if re.fullmatch(r"\$\w+", value):
            return os.environ.get(value[1:])
        return str(self._file(value))

    @property
    def methods(self) -> list[str]:
        """How one may log in, in ssh's order, without what is switched off."""
        preferred = self.listed("preferredauthentications") or METHODS
        asks = not self.yes("batchmode")
        return [
            method
            for method in preferred
            if method in METHODS
            and self.yes(f"{_SWITCHED_OFF[method]}authentication", default=True)
            and (asks or method == "publickey")
        ]

    def expanded(self, value: str, **more: str) -> str:
        """`value` with the tokens of ssh_config(5); more: those that mean something at one place only.

        Raises Unreachable for one that ssh does not know, either.
        """
        tokens = self._tokens | more

        def token(found: re.Match[str]) -> str:
            if found[1] not in tokens:
                raise Unreachable(
                    f"{self.typed}: ssh_config: no token %{found[1]} is known, in {value}",
                    next_line=f"{self.ssh()} true",
                )
            return tokens[found[1]]

        return _TOKEN.sub(token, value)

    @cached_property
    def _tokens(self) -> dict[str, str]:
        here, jump = socket.gethostname(), self.listed("proxyjump")
        last = re.sub(r":\d+$", "", jump[-1].rpartition("@")[2]).strip("[]") if jump else ""
        local = {"l": here, "h": self.host, "p": str(self.port), "r": self.user, "j": last}
        return local | {
            "%": "%",
            "n": self.typed,
            "k": self.first("hostkeyalias") or self.typed,
            "u": ssh_paths.local_user(),
            "d": ssh_paths.home(),
            "i": str(os.getuid()),
            "L": here.split(".")[0],
            "C": hashlib.sha1("".join(local.values()).encode()).hexdigest(),
        }

    def _file(self, name: str) -> Path:
        return ssh_paths.path(self.resolved(name))

    def resolved(self, name: str, **more: str) -> str:
        """`name` with its tokens and variables resolved, only a ~ is left; more: as in `expanded`."""

        def variable(found: re.Match[str]) -> str:
            if found[1] not in os.environ:
                raise Unreachable(
                    f"{self.typed}: ssh_config names {name}, and the variable {found[1]} is not set",
                    next_line=f"export {found[1]}=VALUE",
                )
            return os.environ[found[1]]

        return self.expanded(_VARIABLE.sub(variable, name), **more)

    def ssh(self, flags: str = "") -> str:
        """The ssh command that reaches this host the way we do, for the lines to type."""
        return lines.ssh(self.typed, flags=flags)


_expected: dict[tuple[str | None, str], Future[Options]] = {}


def expect(file: str | None, names: Iterable[str]) -> None:
    """Begin to resolve `names` in the background: they will be asked for soon, and there is time until then."""
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ssh-G")
    for name in names:
        if (file, name) not in _expected:
            _expected[file, name] = pool.submit(resolve, file, name)
    pool.shutdown(wait=False)


def wait(file: str | None, name: str) -> None:
    """Until what was begun by `expect` has ended, however it did."""
    if begun := _expected.get((file, name)):
        begun.exception()


def options(file: str | None, name: str, user: str | None = None, port: int | None = None) -> Options:
    """What ssh_config says about `name`; file: as of --ssh-config; user, port: what a jump host was named with.

    Raises Unreachable, with ssh's own words, where ssh cannot read its configuration.
    """
    begun = None if user or port else _expected.pop((file, name), None)
    return begun.result() if begun else resolve(file, name, user, port)


def understood() -> bool:
    """Is there an ssh that reads its configuration for us?"""
    return shutil.which("ssh") is not None


def resolve(file: str | None, name: str, user: str | None = None, port: int | None = None) -> Options:
    """As `options`, asked now."""
    flags = [*(["-l", user] if user else []), *(["-p", str(port)] if port else [])]
    read_from = file or ssh_paths.file_of_another_home()
    command = ["ssh", "-G", *(["-F", read_from] if read_from else []), *flags, "--", name]
    if not understood():
        return _by_paramiko(file, name, user, port, "no ssh is installed here")
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SECONDS, encoding="latin-1"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"{name}: {shlex.join(command)} failed: {error}", next_line=shlex.join(command)) from None
    if done.returncode and "No user exists for uid" in done.stderr:
        return _by_paramiko(file, name, user, port, "ssh does not work for a user id without a name")
    if done.returncode:
        words = [line.strip() for line in done.stderr.splitlines() if line.strip() and "Pseudo-terminal" not in line]
        problem = "; ".join(words) or f"exit status {done.returncode}"
        raise Unreachable(f"{name}: ssh refuses its configuration: {problem}", next_line=shlex.join(command))
    return Options(name, _collected(_lines(done.stdout)), file)


def _lines(output: str) -> Iterator[tuple[str, str]]:
    for line in output.encode("latin-1").decode("utf-8", "surrogateescape").splitlines():
        option, _, value = line.partition(" ")
        yield option, ssh_paths.at_home(value) if option in ("userknownhostsfile", "identityagent") else value


def _collected(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for option, value in pairs:
        values[option] = (*values.get(option, ()), value)
    return values


def _by_paramiko(file: str | None, name: str, user: str | None, port: int | None, why: str) -> Options:
    """What paramiko's reader makes of the same files."""
    from paramiko import SSHConfig

    config = SSHConfig()
    for path in [file] if file else ["~/.ssh/config", "/etc/ssh/ssh_config"]:
        try:
            config.parse(ssh_paths.path(path).read_text(encoding="utf-8", errors="surrogateescape").splitlines())
        except FileNotFoundError:
            if file:
                raise Refused(f"{file} does not exist", next_line=f"ls -l {lines.word(file)}") from None
        except Exception as error:  # noqa: BLE001  # paramiko raises what shlex and its own parser raise
            raise Refused(f"{path} cannot be read: {error}", next_line=editor(path)) from None
    found: Mapping[str, str | list[str]] = config.lookup(name)
    values = {
        option: (str(value),) if isinstance(value, str | int) else tuple(value) for option, value in found.items()
    }
    typed = {"user": (user,) if user else (), "port": (str(port),) if port else ()}
    return Options(name, values | {option: value for option, value in typed.items() if value}, file, why)
