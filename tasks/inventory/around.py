"""Keys of hosts.yml: what stands around a run. Put up before its first change, and taken down whatever way it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from .declared import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator
from .host import Host, Limit, Number, Strict, with_on
from .texts import Address, ApiUrl, FilePath, HeaderName, HostName, LabelName, Line, Matched, NagiosName, PartName

HERE = "here"


class Part(Strict):
    """One thing that stands around a run.

    name: what it is called, in messages and where it is noted; the kind, if none is given (HostSet numbers those).
    required: without it no run begins; else it is best effort. seconds: how long to begin it may take, and to undo it.
    expires: seconds after which it ends by itself; None: as long as the run may take.
    """

    kind: ClassVar[str] = ""
    name: PartName | None = None
    required: bool = False
    seconds: Limit = 10.0
    expires: Annotated[Number, Field(ge=60, le=7 * 86400)] | None = None

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # a dict has no hash of its own

    @property
    def label(self) -> str:
        """What messages and notes call it."""
        return self.name or self.kind

    @property
    def at(self) -> str | None:
        """The name of the host on which it is begun and undone; None: it is done from here."""
        return None

    @property
    def ends_by_itself(self) -> bool:
        """Does the other side end it, when its time is over?"""
        return False

    @property
    def is_undone(self) -> bool:
        """Is there something to undo?"""
        return True

    @property
    def says(self) -> str:
        """What is done before the first step and at the end, as the file has it, but no header, and not who is told."""
        raise NotImplementedError


class Silence(Part):
    """A silence in an Alertmanager (API v2), for alerts that have all these labels; ~ in front: a regular expression.

    headers: sent along, a token for one; ${NAME} in them and in the address is taken from the environment.
    """

    kind: ClassVar[str] = "silence"
    silence: ApiUrl
    matchers: dict[LabelName, Matched] = Field(min_length=1)
    headers: dict[HeaderName, Line] = Field(default={})

    @property
    def ends_by_itself(self) -> bool:
        """As every silence has an end."""
        return True

    @property
    def says(self) -> str:
        """Where, and for which alerts."""
        labels = ", ".join(f"{name}={value}" for name, value in self.matchers.items())
        return f"a silence at {self.silence} for {labels}, taken down at the end"


class Downtime(Part):
    """A downtime in nagios for each host of the set, and its services, by the command file on the host `downtime`.

    hosts: what a host is called in nagios, where that is not its full name.
    """

    kind: ClassVar[str] = "downtime"
    downtime: HostName
    file: FilePath = "/var/lib/nagios4/rw/nagios.cmd"
    hosts: dict[HostName, NagiosName] = Field(default={})

    @property
    def at(self) -> str | None:
        """Where nagios runs."""
        return self.downtime

    @property
    def ends_by_itself(self) -> bool:
        """As every downtime has an end."""
        return True

    @property
    def says(self) -> str:
        """Where nagios runs."""
        return f"a downtime in nagios on {self.downtime}, ended at the end"

    def called(self, host: Host) -> str:
        """What a host is called in nagios."""
        return next((called for name, called in self.hosts.items() if host.answers_to(name)), host.name)


class Command(Part):
    """A command, and what undoes it, if anything does; on: `here`, or the name of a host."""

    kind: ClassVar[str] = "command"
    begin: Line
    end: Line | None = None
    on: HostName = HERE

    @model_validator(mode="before")
    @classmethod
    def _yaml_reads_on_as_true(cls, value: Any) -> Any:
        return with_on(value)

    @property
    def is_undone(self) -> bool:
        """Where the file says how."""
        return self.end is not None

    @property
    def at(self) -> str | None:
        """The host that is named."""
        return None if self.on == HERE else self.on

    @property
    def says(self) -> str:
        """Both commands, and where they run."""
        end = f"at the end `{self.end}`" if self.end else "which nothing undoes"
        return f"`{self.begin}` before the first step, {end}, {f'on {self.at}' if self.at else 'here'}"


class Notify(Part):
    """Somebody who is told when a run begins and how it ended."""

    kind: ClassVar[str] = "notify"
    notify: Address
    seconds: Limit = 5.0

    @field_validator("required", "expires")
    @classmethod
    def _is_best_effort(cls, value: Any, info: ValidationInfo) -> Any:
        raise ValueError("who is told never holds a run up, and nothing is left to expire")

    @property
    def says(self) -> str:
        """Not its address, which may be a secret."""
        return "somebody is told when it begins and how it ended"


_KINDS: dict[str, type[Part]] = {"silence": Silence, "downtime": Downtime, "begin": Command, "notify": Notify}


def _tag(value: Any) -> str | None:
    """Of which kind an entry is, as its tag; None where that cannot be told."""
    if isinstance(value, Part):
        return f"[{value.kind}]"
    found = [kind for key, kind in _KINDS.items() if isinstance(value, Mapping) and key in value]
    return f"[{found[0].kind}]" if len(found) == 1 else None


Around = Annotated[
    Annotated[Silence, Tag("[silence]")]
    | Annotated[Downtime, Tag("[downtime]")]
    | Annotated[Command, Tag("[command]")]
    | Annotated[Notify, Tag("[notify]")],
    Discriminator(_tag, "around_kind", f"exactly one of {', '.join(_KINDS)} is wanted"),
]


def named(parts: Sequence[Around]) -> tuple[Around, ...]:
    """The parts, each with a name: that of hosts.yml, or its kind, numbered from the second on.

    Raises ValueError for a name that stands there twice.
    """
    taken = [part.name for part in parts if part.name]
    if twice := sorted({name for name in taken if taken.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: stands there twice as a name")
    found = []
    for part in parts:
        if not part.name:
            tried = (f"{part.kind}-{number}" if number > 1 else part.kind for number in range(1, len(parts) + 2))
            name = next(name for name in tried if name not in taken)
            taken.append(name)
            part = part.model_copy(update={"name": name})
        found.append(part)
    return tuple(found)


def check(parts: Sequence[Around], hosts: Sequence[Host]) -> None:
    """Raises ValueError where a downtime names a host that is not one of the set's."""
    for place, part in enumerate(parts):
        for name in part.hosts if isinstance(part, Downtime) else ():
            if not any(host.answers_to(name) for host in hosts):
                raise ValueError(f"entry {place + 1}: hosts: {name} is not one of the set's hosts")
