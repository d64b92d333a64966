"""What hosts.yml says: the host sets, their hosts and what is special about each.

The shipped hosts.yml is the manual of this schema; what a key means is written there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from . import around as arounds
from . import batches
from .balancer import Balancer as Balancer
from .batches import Judge, Rolling, Share
from .declared import Field, ValidationInfo, field_validator, model_validator
from .host import Host as Host
from .host import Number, Seconds, Strict
from .parts import Backup as Backup
from .parts import Health as Health
from .parts import Limits as Limits
from .texts import (
    Address,
    FilePath,
    Folder,
    HostName,
    Line,
    PackageName,
    Pattern,
    RepoName,
    ServiceName,
    SetName,
    TimerName,
    Url,
    Version,
)


class App(Strict):
    """What is upgraded: the package, its service, its commands and its files; as the SOP has them for Blockerbugs.

    migrate: brings the database to the installed build's schema; check: shows that the new code works with it.
    cron, timer: what starts `check` by itself, a file of cron's or a timer of systemd's. Each of them, settings
    and migrations may be None: there is none.
    lock_timeout: seconds for which the migration waits for a lock of the database's, None: as long as it has to;
    lock_holders: prints who holds one that is waited for, None: nobody is named.
    """

    package: PackageName = "blockerbugs"
    service: ServiceName = "httpd"
    migrate: Line | None = "blockerbugs upgrade_db"
    check: Line | None = "blockerbugs sync"
    settings: FilePath | None = "/etc/blockerbugs/settings.py"
    cron: FilePath | None = "/etc/cron.d/blockerbugs"
    timer: TimerName | None = None
    migrations: Pattern | None = "/versions/[^/]*[.]py$"
    lock_timeout: Annotated[Number, Field(ge=0.1, le=3600)] | None = None
    lock_holders: Line | None = None
    free_space: Annotated[int, Field(ge=0)] = 200
    root: Folder | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_follow_the_package(cls, value: Any) -> Any:
        """What is not said is called as Blockerbugs' own is, with the package's name; `none` is None."""
        if not isinstance(value, dict):
            return value
        package = value.get("package", "blockerbugs")
        named = {
            "migrate": f"{package} upgrade_db",
            "check": f"{package} sync",
            "settings": f"/etc/{package}/settings.py",
            "cron": None if value.get("timer") not in (None, "none") else f"/etc/cron.d/{package}",
            "timer": None,
            "migrations": "/versions/[^/]*[.]py$",
            "lock_holders": None,
        }
        return value | {key: None if value.get(key) == "none" else value.get(key, said) for key, said in named.items()}

    @model_validator(mode="after")
    def _one_thing_starts_the_check(self) -> App:
        if self.cron and self.timer:
            raise ValueError("cron and timer: only one of them starts the check")
        return self

    @property
    def scheduler(self) -> str:
        """Whose sync it is that starts by itself: `cron`, or the timer's name."""
        return self.timer or "cron"

    @property
    def schedule(self) -> str:
        """What starts the check by itself, for a person: its file, or its timer; nothing where there is none."""
        return self.cron or self.timer or ""

    def path(self, absolute: str) -> str:
        """Where `absolute` is on a host: there, unless the host lives in a folder (the sandbox)."""
        return f"{self.root or ''}{absolute}"


class HostSet(Strict):
    """Hosts that are upgraded together, because they share one database.

    app: the file's, with what the set itself says of it.
    """

    name: SetName
    app: App = App()
    hosts: tuple[Host, ...] = Field(min_length=1, strict=False)
    sync_host: HostName
    order: Literal["parallel", "serial"] = "parallel"
    at_once: Annotated[int, Field(ge=1, le=64)] = 32
    rolling: Rolling = 1
    window: Annotated[int, Field(ge=1, le=64)] | None = None
    fail_budget: Share = 0
    reconnect: Seconds = 120.0
    limits: Limits = Limits()
    enable_repo: RepoName | None = None
    gpgcheck: bool = True
    balancer: Balancer | None = None
    health: Health = Health()
    url: Url | None = None
    schema_status: Line | None = None
    backup: Backup | None = None
    confirm: Literal["question", "name", "none"] = "question"
    after: SetName | None = None
    location: Line | None = None
    owner: Line = "Fedora QA Devel"
    contact: Line = "#fedora-qa"
    minor_version: Version | None = None
    notify: tuple[Address, ...] = Field(default=(), strict=False)
    around: tuple[arounds.Around, ...] = Field(default=(), strict=False)
    soak: Seconds = 0.0
    judge: Judge | None = Field(default=None, validate_default=True)

    @field_validator("rolling", "window", "fail_budget", "balancer", "judge")
    @classmethod
    def _goes_with_the_other_keys(cls, value: Any, info: ValidationInfo) -> Any:
        batches.check(info.field_name or "", value, info.data)
        return value

    @field_validator("around")
    @classmethod
    def _each_has_a_name(cls, value: tuple[arounds.Around, ...], info: ValidationInfo) -> tuple[arounds.Around, ...]:
        arounds.check(value, info.data.get("hosts", ()))
        return arounds.named(value)

    @model_validator(mode="after")
    def _the_sync_host_is_one_of_them(self) -> HostSet:
        if not any(host.answers_to(self.sync_host) for host in self.hosts):
            raise ValueError(f"sync_host {self.sync_host!r} is not one of the set's hosts")
        if self.after == self.name:
            raise ValueError("after: a set cannot wait for itself")
        if self.balancer and (problems := self.balancer.problems(self.hosts)):
            raise ValueError("; ".join(problems))
        return self

    @property
    def sync(self) -> Host:
        """The host that runs what works on the shared database: upgrade_db, sync, cron."""
        return next(host for host in self.hosts if host.answers_to(self.sync_host))

    @property
    def serving(self) -> tuple[Host, ...]:
        """The hosts that answer requests."""
        return tuple(host for host in self.hosts if host.serves)

    @property
    def proxies(self) -> tuple[Host, ...]:
        """The hosts that balance, where a node can be drained; none of them is one of the set's."""
        return self.balancer.proxies if self.balancer else ()

    @property
    def machines(self) -> tuple[Host, ...]:
        """All that a run may have to reach: the hosts, and the proxies in front of them."""
        return self.hosts + self.proxies

    @property
    def told(self) -> dict[str, arounds.Notify]:
        """Who is told of a run: the place in hosts.yml → what stands there."""
        short = {f"notify[{place}]": arounds.Notify(notify=address) for place, address in enumerate(self.notify)}
        rows = {f"around[{place}]": part for place, part in enumerate(self.around)}
        return short | {place: part for place, part in rows.items() if isinstance(part, arounds.Notify)}

    @property
    def beside(self) -> dict[str, Host]:
        """Where what stands around a run is begun and undone: the name in hosts.yml → the host, of the set or not."""
        names = dict.fromkeys(part.at for part in self.around if part.at)
        own = {name: host for host in self.machines for name in (host.name, *host.aliases)}
        return {name: own.get(name) or Host(name=name) for name in names}

    @property
    def enabling(self) -> str:
        """yum's flag for the set's own repository, with a blank in front, or nothing."""
        return f" --enablerepo={self.enable_repo}" if self.enable_repo else ""

    def roles(self, host: Host) -> str:
        """`serves`, `syncs`, both or none, as status shows it."""
        roles = (["serves"] if host.serves else []) + (["syncs"] if host == self.sync else [])
        return "+".join(roles) or "-"


class Inventory(Strict):
    """The whole file."""

    app: App = App()
    host_sets: dict[SetName, HostSet]

    @model_validator(mode="after")
    def _each_set_knows_its_application(self) -> Inventory:
        for name, host_set in self.host_sets.items():
            if "app" not in host_set.model_fields_set:
                self.host_sets[name] = host_set.model_copy(update={"app": self.app})
        return self

    def find(self, typed: str) -> list[tuple[HostSet, tuple[Host, ...]]]:
        """The set and the hosts that `typed` (a set, a host, an alias) means: none, or several for a host of several
        applications.
        """
        if typed in self.host_sets:
            return [(self.host_sets[typed], self.host_sets[typed].hosts)]
        sets = self.host_sets.values()
        return [(one, (host,)) for one in sets for host in one.hosts if host.answers_to(typed)]

    def names(self) -> list[str]:
        """Everything `-H` can be given, sets first."""
        hosts = [host for host_set in self.host_sets.values() for host in host_set.hosts]
        return [*self.host_sets, *(name for host in hosts for name in (host.name, *host.aliases))]
