"""A Fabric Connection that believes no stranger, notices a dead line, and keeps one root shell.

Fabric accepts any host key in silence (AutoAddPolicy), waits up to an hour for a channel, and never sets
TCP_NODELAY; a gateway is a plain Connection again. Each of these is closed here, by public hooks only.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from fabric import Config, Connection

from ..errors import Unreachable
from . import ssh_config
from .dial import dial, host_and_port
from .groups import Moot, NobodyAsks, Questions, Withdrawn
from .login import Login
from .proxy import Proxy
from .shell import SUDO_SECONDS, OnLine, Output, RootShell, ShellError
from .ssh_config import Options
from .transport import SshTransport, transport_of
from .trust import Strict, Trust
from .unreachable import Unanswered, unreachable
from .wire import ConnectionLost

CONNECT_SECONDS = 15  # TCP; also the time limit for the banner, the authentication and a new channel
LEAST_SECONDS = 1.0  # that a lost host has to take a connection, however little is left of its time
KEEPALIVE_SECONDS = 10

# paramiko tells its troubles to the log, and Python's last resort is to show them: they are told in our words.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

T = TypeVar("T")


class Node(Connection):
    """The connection to one host.

    name: the full name out of hosts.yml; options: user, port, keys and jump hosts, as ssh_config has them.
    config: Fabric's configuration (timeouts, sudo.password, what -i and --prompt-for-… gave).
    label: what messages call the host; a gateway is called by what ssh_config says.
    on_the_way: the hosts that this one is a jump host to.
    until: when connecting and asking have to be over (`hurry`); gone: it did not come back when it was lost.

    `open` and `become_root` raise Unreachable (exit 4).
    """

    connect_kwargs: dict[str, Any]
    connect_timeout: int | None
    label: str
    on_the_way: tuple[str, ...]
    options: Options
    trust: Trust
    proxy: Proxy | None
    login: Login
    shells: list[RootShell]  # all that are open; one is taken by at most one script at a time
    free: Any  # the one that is, a RootShell or None
    turn: threading.Lock  # of who connects and takes a shell
    closing: threading.Event
    questions: Questions | None = None
    sudo_seconds: float = SUDO_SECONDS
    library: str = ""
    until: float | None = None
    gone: bool = False

    def __init__(
        self,
        name: str,
        config: Config,
        options: Options,
        label: str | None = None,
        on_the_way: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        # A Connection keeps what it is asked to set in its configuration unless told otherwise.
        self._set(label=label or name, on_the_way=on_the_way, options=options, trust=Trust(options), proxy=None)
        super().__init__(name, user=options.user, port=options.port, config=config, **kwargs)
        self._set(host=options.host)
        self.client.set_missing_host_key_policy(Strict(self))
        given = {**self.connect_kwargs}
        seconds = self.connect_timeout or given.pop("timeout", None) or options.connect_seconds or CONNECT_SECONDS
        self.connect_timeout = seconds
        self._set(login=Login(options, given, self._ask, self._tell, seconds))
        self.connect_kwargs = {
            "transport_factory": partial(transport_of, options, self.trust),
            "auth_strategy": self.login,
        }
        self._set(shells=[], free=None, turn=threading.Lock(), closing=threading.Event())

    def get_gateway(self) -> Connection | None:
        """The last jump host of ssh_config's ProxyJump, each reached through the one before, all strict."""
        gateway: Node | None = None
        for hop in self.options.jumps:
            user, _, place = hop.rpartition("@")
            host, port = host_and_port(place)
            if host in self.on_the_way:
                raise ValueError(f"ProxyJump goes in a circle: {' → '.join([*self.on_the_way, host])}")
            try:
                options = ssh_config.options(self.options.file, host, user or None, port)
            except Unreachable as error:
                why = error.problems[0].removeprefix(f"{host}: ")
                raise Unreachable(f"{self.label}: its jump host {hop}: {why}", next_line=error.next_line) from None
            way = (*self.on_the_way, self.original_host)
            gateway = Node(host, self.config, options, f"jump host {hop}", way, gateway=gateway)
        return gateway

    def open(self) -> Any:
        """Connect and log in, checking the host key before anything is sent that proves who we are."""
        if self.is_connected:
            return None
        self._end_proxy()  # of a connection that was lost
        seconds = self._in_time(self.connect_timeout or CONNECT_SECONDS)
        self.connect_kwargs.update(dict.fromkeys(("banner_timeout", "auth_timeout", "channel_timeout"), seconds))
        self.login.seconds = seconds
        try:
            if not self.gateway:
                self.connect_kwargs["sock"] = self._line(seconds)
            opened = super().open()
        except Unreachable:
            raise  # a jump host that has said its reason already
        except Exception as error:
            problem = unreachable(self, error)
            with contextlib.suppress(Exception):
                self.client.close()
            self._end_proxy()
            raise problem from error
        if isinstance(self.transport, SshTransport):
            self.transport.set_keepalive(KEEPALIVE_SECONDS)
            self.transport.rest()
        return opened

    def hurry(self, until: float | None) -> None:
        """Until then (time.monotonic) connecting and asking are to be over; None: they have their ordinary time."""
        self._set(until=until)
        if isinstance(self.gateway, Node):
            self.gateway.hurry(until)

    def give_up(self, gone: bool) -> None:
        """It did not come back in its time; or it did."""
        self._set(gone=gone)

    def _in_time(self, seconds: float) -> float:
        return seconds if self.until is None else min(seconds, max(LEAST_SECONDS, self.until - monotonic()))

    def _line(self, seconds: float) -> socket.socket:
        """The socket to the host, by its ProxyCommand or straight. Raises OSError."""
        if not (command := self.options.proxy_command):
            return dial(self.options, self.host, self.port or 22, seconds)
        proxy = Proxy(command)
        self._set(proxy=proxy)
        if self.options.yes("proxyusefdpass"):
            proxy.receive(seconds)
        return proxy.socket

    def asks(self, questions: Questions, sudo_seconds: float) -> None:
        """What this host, and its jump hosts, want of the operator goes to `questions` from now on.

        sudo_seconds: how long sudo may take to let us in, and after each answer.
        """
        self._set(questions=questions, sudo_seconds=sudo_seconds)
        if isinstance(self.gateway, Node):
            self.gateway.asks(questions, sudo_seconds)

    def brings(self, library: str) -> None:
        """The host's root shell knows these functions from its beginning on."""
        self._set(library=library)

    def become_root(self) -> None:
        """Open the host's root shell, if it is not open; what sudo wants to know is asked of the operator.

        A password out of --prompt-for-sudo-password is tried once. To be called by a thread that may ask (Pool, Row).
        Raises Unreachable when sudo says no, and what the asking raises.
        """
        self._give(self._taken())

    def run(self, script: str, on_line: OnLine, seconds: float, is_root: Callable[[], None]) -> Output:
        """Run `script` in the root shell, which is opened first if need be, see `become_root` and `RootShell.run`.

        is_root: called when the shell is there, before anything is sent to it. A shell is one thread's until its script
        has ended: whoever comes meanwhile has another one, also where the first thread's own caller has left it alone.
        """
        shell = self._taken()
        is_root()
        try:
            output = shell.run(script, on_line, seconds)
        except ConnectionLost:
            if not self.is_connected and isinstance(self.gateway, Node):
                self.gateway.close()  # it may be what was lost, and would not know it for a while
            raise
        self._give(shell)
        return output

    def _taken(self) -> RootShell:
        """A root shell that is nobody else's.

        One whose script was not seen to end is not used again, and not closed before the connection is: what runs in it
        would be in the way of the next script, and its end could be the end of what runs.
        """
        with self.turn:
            self.open()
            shell: RootShell | None = self.free
            self._set(free=None)
            return shell if shell and shell.transport is self.transport else self._opened()

    def _give(self, shell: RootShell) -> None:
        with self.turn:
            self._set(free=shell)

    def _opened(self) -> RootShell:
        as_root, seconds = self.user == "root", self._in_time(self.sudo_seconds)
        shell = self._sudo_says(lambda: RootShell(self.transport, as_root, seconds, self._tell, self.library))
        try:
            self._answer(shell)
        except BaseException:
            shell.close()
            raise
        self.shells.append(shell)
        return shell

    def _answer(self, shell: RootShell) -> None:
        """Answer sudo until it asks no more."""
        password: str | None = self.config.sudo.password
        while shell.prompt is not None:
            if password and (not shell.prompt or "password" in shell.prompt.lower()):
                answer, password = password, None
            else:
                try:
                    answer = self._ask(shell.prompt or "sudo password", lambda: shell.spoke)
                except Withdrawn:
                    self._sudo_says(shell.listen)
                    continue
            self._sudo_says(partial(shell.answer, answer))

    def _ask(self, prompt: str, moot: Moot = bool) -> str:
        until, questions = self.until, self.questions

        def late() -> bool:
            return (until is not None and monotonic() > until) or bool(questions and questions.over())

        try:
            if questions:
                return questions.ask(self, prompt, moot=lambda: moot() or late())
        except NobodyAsks:
            pass
        except Withdrawn:
            if not late():
                raise
            raise Unanswered(f"{self.label}: nobody has answered what it asks: {prompt}") from None
        raise Unreachable(f"{self.label} asks, and nobody is there to answer now: {prompt}")

    def _tell(self, line: str) -> None:
        with contextlib.suppress(NobodyAsks):
            if self.questions:
                self.questions.tell(self, line)

    def close(self) -> None:
        """End the root shell, the connection and the jump hosts' connections."""
        self.closing.set()
        self.login.leave()
        for shell in [*self.shells]:
            shell.close()
        self._set(shells=[], free=None)
        # What is broken already may say so once more; the jump host is to be closed all the same.
        with contextlib.suppress(Exception):
            super().close()
        with contextlib.suppress(Exception):
            self.client.close()
        self._end_proxy()
        if isinstance(self.gateway, Connection):
            self.gateway.close()

    def _sudo_says(self, attempt: Callable[[], T]) -> T:
        try:
            return attempt()
        except ConnectionLost as error:
            raise Unreachable(f"{self.label}: the connection was lost: {error}") from error
        except ShellError as error:
            raise Unreachable(f"{self.label}: {error}", next_line=f"{self.options.ssh('-t')} sudo true") from None

    def _end_proxy(self) -> None:
        proxy = self.proxy
        self._set(proxy=None)
        if proxy:
            proxy.close()
