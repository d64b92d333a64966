"""What hosts.yml says of the load balancer: how it checks its nodes, and how a node is taken out of it and put back."""

from __future__ import annotations

from typing import Annotated, Any

from .declared import Field, field_validator, model_validator
from .host import Host, Seconds, Strict, with_on
from .texts import FilePath, HostName, Line, ProxyName, SocketPath


class DrainFile(Strict):
    """A file on the node; while it is there, the node's health check answers 503."""

    file: FilePath


class Maintenance(Strict):
    """What puts a page up at the proxies that says that nothing is served now, and what takes it down."""

    on: Line
    off: Line

    @model_validator(mode="before")
    @classmethod
    def _yaml_reads_on_and_off_as_true_and_false(cls, value: Any) -> Any:
        return with_on(value)


class Balancer(Strict):
    """The load balancer: how it checks its nodes (haproxy's inter, rise and fall), and how nodes are drained.

    proxies: the hosts on which haproxy listens to `socket`; there the nodes are servers of `backend`. servers: what a
    host is called there, where that is not its short name. drain: for who may not touch the proxies.
    sessions: seconds that a drained node is given to end what it is asked already.
    """

    interval: Seconds = 10.0
    rise: Annotated[int, Field(ge=1)] = 1
    fall: Annotated[int, Field(ge=1)] = 2
    proxies: tuple[Host, ...] = Field(default=(), strict=False)
    socket: SocketPath = "/run/haproxy/admin.sock"
    backend: ProxyName | None = None
    servers: dict[HostName, ProxyName] = Field(default={})
    sessions: Seconds = 30.0
    drain: DrainFile | None = None
    maintenance: Maintenance | None = None

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # a dict has no hash of its own

    @field_validator("proxies")
    @classmethod
    def _a_proxy_has_names_and_no_more(cls, proxies: tuple[Host, ...]) -> tuple[Host, ...]:
        for proxy in proxies:
            if more := sorted(proxy.model_fields_set - {"name", "aliases"}):
                raise ValueError(f"{proxy.name}: {', '.join(more)}: a proxy has a name and aliases, and nothing else")
        names = [name.lower() for proxy in proxies for name in (proxy.name, *proxy.aliases)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)}: stands there twice")
        return proxies

    @field_validator("backend")
    @classmethod
    def _what_is_drained_in_it_is_noted_as_nothing_else(cls, backend: str | None) -> str | None:
        if backend in ("at", "maintenance"):
            raise ValueError(
                f"{backend}: begins the name of another note of this tool's: give that backend another name"
            )
        return backend

    @model_validator(mode="after")
    def _one_way_of_draining_and_all_that_it_wants(self) -> Balancer:
        if self.proxies and self.drain:
            raise ValueError("proxies and drain exclude each other: nodes are drained at the proxies, or by a file")
        if self.proxies and not self.backend:
            raise ValueError("backend is missing: nodes are drained in it, at the proxies")
        given = [key for key in ("socket", "backend", "servers", "maintenance") if key in self.model_fields_set]
        if given and not self.proxies:
            raise ValueError(f"{', '.join(given)}: only with proxies")
        if "sessions" in self.model_fields_set and not (self.proxies or self.drain):
            raise ValueError("sessions: only with proxies or drain")
        return self

    def notices(self, seconds_away: float) -> bool:
        """Can the balancer have taken a node out that did not answer for so many seconds?

        It needs `fall` failed checks in a row: in the worst case the first comes at once.
        """
        return seconds_away >= (self.fall - 1) * self.interval

    @property
    def seconds_to_return(self) -> float:
        """How long a healthy node may wait until the balancer sends it requests again."""
        return self.rise * self.interval

    @property
    def seconds_to_leave(self) -> float:
        """How long it may take until the balancer sends no requests any more to a node whose check fails."""
        return self.fall * self.interval

    @property
    def drains(self) -> bool:
        """Can a node be taken out before it is restarted?"""
        return bool(self.proxies or self.drain)

    def server(self, host: Host) -> str:
        """What a host is called in the backend."""
        return next((server for name, server in self.servers.items() if host.answers_to(name)), host.short)

    def problems(self, hosts: tuple[Host, ...]) -> list[str]:
        """What is wrong with it in a set of these hosts, each with its key in front."""
        names = {name for host in hosts for name in (host.name, *host.aliases)}
        both = [proxy.name for proxy in self.proxies if names & {proxy.name, *proxy.aliases}]
        told = [f"balancer.proxies: {name} is also a host of the set" for name in both]
        told += [
            f"balancer.servers: {name} is not one of the set's hosts" for name in self.servers if name not in names
        ]
        if self.proxies:
            servers = [self.server(host) for host in hosts if host.serves]
            twice = sorted({server for server in servers if servers.count(server) > 1})
            told += [f"balancer.servers: {server} is the server of several hosts" for server in twice]
        return told
