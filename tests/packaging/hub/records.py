"""What the hub keeps, and the shape in which it answers (as recorded in koji/*.jsonl)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

FREE, OPEN, CLOSED, CANCELED, ASSIGNED, FAILED = range(6)
BUILDING, COMPLETE, DELETED, BUILD_FAILED, BUILD_CANCELED = range(5)
ENDED = (CLOSED, CANCELED, FAILED)

Answer = dict[str, Any]


CODES = {
    "GenericError": 1000, "AuthError": 1002, "TagError": 1003, "ActionNotAllowed": 1004, "BuildError": 1005,
    "AuthExpired": 1007, "RetryError": 1009, "BuildrootError": 1012, "ServerOffline": 1014,
}  # fmt: skip


class HubError(Exception):
    """A fault: koji's class name, its code, the text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.text, self.code = kind, text, CODES[kind]


@dataclass
class Task:
    """One task; times are seconds since 1970, None while it has not come to that."""

    id: int
    method: str
    request: list[Any]
    owner: int
    created: float
    label: str | None = None
    arch: str = "noarch"
    parent: int | None = None
    priority: int = 20
    state: int = FREE
    host: int | None = None
    started: float | None = None
    ended: float | None = None
    fault: HubError | None = None
    logs: dict[str, bytes] = field(default_factory=dict)

    def answer(self, request: bool) -> Answer:
        """As getTaskInfo shows it."""
        return {
            "id": self.id, "method": self.method, "label": self.label, "arch": self.arch, "owner": self.owner,
            "parent": self.parent, "priority": self.priority, "state": self.state, "host_id": self.host,
            "channel_id": 1, "awaited": None, "waiting": None, "weight": 1.0,
            **moment("create", self.created), **moment("start", self.started), **moment("completion", self.ended),
            **({"request": self.request} if request else {}),
        }  # fmt: skip


@dataclass
class Build:
    """One build."""

    id: int
    name: str
    version: str
    release: str
    source: str
    owner: int
    owner_name: str
    task: int
    created: float
    state: int = BUILDING
    ended: float | None = None

    @property
    def nvr(self) -> str:
        """Name-version-release."""
        return f"{self.name}-{self.version}-{self.release}"

    def answer(self) -> Answer:
        """As getBuild shows it."""
        return {
            "id": self.id, "build_id": self.id, "name": self.name, "package_name": self.name, "package_id": 1,
            "version": self.version, "release": self.release, "nvr": self.nvr, "epoch": None, "state": self.state,
            "task_id": self.task, "owner_id": self.owner, "owner_name": self.owner_name, "source": self.source,
            "extra": {"source": {"original_url": self.source}}, "draft": False, "cg_id": None, "cg_name": None,
            "creation_event_id": 0, "promoter_id": None, "promoter_name": None, "promotion_time": None,
            "promotion_ts": None, "volume_id": 0, "volume_name": "DEFAULT",
            **moment("start", self.created), **moment("creation", self.created), **moment("completion", self.ended),
        }  # fmt: skip


@dataclass
class Host:
    """A builder; fails: its mock finds no python-flask, as on every architecture but x86_64."""

    id: int
    name: str
    arches: str

    def answer(self) -> Answer:
        """As getHost shows it."""
        return {
            "id": self.id, "name": self.name, "arches": self.arches, "capacity": 8.0, "comment": None,
            "description": None, "enabled": True, "ready": True, "task_load": 0.0, "update_ts": 0.0,
            "user_id": self.id + 6,
        }  # fmt: skip


@dataclass
class Tag:
    """A tag: packages it lists or blocks, who may tag into it (None: everybody)."""

    id: int
    name: str
    arches: str = ""
    locked: bool = False
    packages: tuple[str, ...] = ("blockerbugs",)
    blocked: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None
    extra: Answer = field(default_factory=dict)

    def answer(self) -> Answer:
        """As listTags shows it; getTag and getBuildConfig add to it."""
        return {
            "id": self.id, "name": self.name, "arches": self.arches, "locked": self.locked, "perm": None,
            "perm_id": None, "maven_include_all": False, "maven_support": False,
        }  # fmt: skip


@dataclass
class Tagging:
    """A row of tag_listing: when a build came into a tag and left it, and by whom."""

    build: Build
    tag: Tag
    creator: str
    created: float
    revoker: str | None = None
    revoked: float | None = None

    def answer(self) -> Answer:
        """As queryHistory shows it."""
        build = self.build
        return {
            "active": True if self.revoked is None else None, "build.state": build.state, "build_id": build.id,
            "create_event": 0, "create_ts": self.created, "creator_id": 0, "creator_name": self.creator,
            "epoch": None, "name": build.name, "version": build.version, "release": build.release,
            "revoke_event": None, "revoke_ts": self.revoked, "revoker_id": None, "revoker_name": self.revoker,
            "tag.name": self.tag.name, "tag_id": self.tag.id,
        }  # fmt: skip


def moment(name: str, seconds: float | None) -> Answer:
    """`NAME_time` and `NAME_ts`, as the hub shows a moment."""
    text = None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ")
    return {f"{name}_time": text, f"{name}_ts": seconds}
