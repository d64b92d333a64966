"""The methods of the hub that KOJI.md describes; each is called as `method(user, *params)`."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

from .machine import Machine
from .records import CANCELED, COMPLETE, ENDED, FAILED, Answer, Build, Host, HubError, Tag, Task

QADEVEL, INFRA, ROBOT = 2, 3, 4
POLICY = "only members of infra may tag into epel7-infra"


def world(**choices: Any) -> Machine:
    """The hub that was recorded: two builders, five tags, users qadevel and infra."""
    machine = Machine(**choices)
    machine.users = {QADEVEL: "qadevel", INFRA: "infra", ROBOT: "robot"}
    machine.hosts = {h.name: h for h in (Host(1, "buildx86", "x86_64"), Host(2, "buildppc64le", "ppc64le"),
                                         Host(3, "buildaarch64", "aarch64"))}  # fmt: skip
    tags = (
        Tag(2, "epel7-infra-build", "x86_64 ppc64le aarch64"),
        Tag(3, "epel7-infra-candidate"),
        Tag(4, "epel7-infra-stg"),
        Tag(5, "epel7-infra", allowed=("infra",)),
    )
    machine.tags = {tag.name: tag for tag in tags}
    return machine


class Api:
    """What can be called. user: the name of who is logged in, or None."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.build_policy = "deny"  # what build_from_srpm answers to those who are not in builders
        self.builders = ["qadevel", "infra"]
        self.missing: set[str] = set()  # methods that an older hub does not have
        self.before: dict[str, Callable[[], object]] = {}  # somebody else's hand: done before a call of that method
        self.after: dict[str, Callable[[], object]] = {}  # and after it

    def call(self, user: str | None, method: str, params: list[Any]) -> Any:
        """Answer one call at the clock's time. Raises HubError."""
        self.before.get(method, lambda: None)()
        self.machine.catch_up()
        named = params.pop() if params and isinstance(params[-1], dict) and "__starstar" in params[-1] else {}
        named = {key: value for key, value in named.items() if key != "__starstar"}
        if method == "multiCall":
            return [self._one_of_many(user, call) for call in params[0]]
        known = None if method in self.missing else getattr(self, f"do_{method}", None)
        if known is None:
            raise HubError("GenericError", f"Invalid method: {method}")
        answer = known(user, *params, **named)
        self.after.get(method, lambda: None)()
        return answer

    def _one_of_many(self, user: str | None, call: Answer) -> Any:
        try:
            return [self.call(user, call["methodName"], list(call["params"]))]
        except HubError as fault:
            return {"faultCode": fault.code, "faultString": fault.text, "traceback": ""}

    # who

    def do_getLoggedInUser(self, user: str | None) -> Answer | None:
        return {"id": self._id(user), "name": user, "status": 0, "usertype": 0, "authtype": 2} if user else None

    def do_checkTagAccess(self, user: str | None, name: str) -> list[Any]:
        tag = self._tag(name)
        return [not tag.locked, False, "tag is locked" if tag.locked else ""]

    def do_evalPolicy(self, user: str | None, name: str, data: Answer) -> str:
        who = self.machine.users.get(data.get("user_id", 0), "")
        if name == "build_from_srpm":
            return "allow" if who in self.builders else f"{self.build_policy} only infra tags take SRPM builds"
        if name != "tag":
            raise HubError("GenericError", f"no such policy: {name}")
        return "allow" if self._may(who, self._tag(data["tag"])) else f"deny {POLICY}"

    # what there is

    def do_getBuildTarget(self, _user: str | None, name: str) -> Answer | None:
        if name != "epel7-infra":
            return None
        return {"build_tag": 2, "build_tag_name": "epel7-infra-build", "dest_tag": 3,
                "dest_tag_name": "epel7-infra-candidate", "id": 1, "name": name}  # fmt: skip

    def do_getTag(self, _user: str | None, name: str) -> Answer | None:
        tag = self.machine.tags.get(name)
        return {**tag.answer(), "extra": tag.extra} if tag else None

    def do_getBuildConfig(self, _user: str | None, name: str) -> Answer:
        tag = self._tag(name)
        return {**tag.answer(), "extra": tag.extra, "config_inheritance": {"extra": {}, "arches": None}}

    def do_checkTagPackage(self, _user: str | None, name: str, package: str) -> bool:
        tag = self._tag(name)
        return package in tag.packages and package not in tag.blocked

    def do_getPackageConfig(self, _user: str | None, name: str, package: str) -> Answer | None:
        tag = self._tag(name)
        if package not in (*tag.packages, *tag.blocked):
            return None
        return {"package_name": package, "tag_name": name, "blocked": package in tag.blocked, "owner_name": "infra"}

    def do_getHost(self, _user: str | None, number: int) -> Answer | None:
        return next((host.answer() for host in self.machine.hosts.values() if host.id == number), None)

    def do_getBuild(self, _user: str | None, nvr: str) -> Answer | None:
        if nvr.count("-") < 2:
            raise HubError("GenericError", f"invalid format: {nvr}")
        build = self.machine.builds.get(nvr)
        return {**build.answer(), "cg_name": None} if build else None

    def do_listBuilds(self, _user: str | None, taskID: int) -> list[Answer]:
        rows = [build.answer() for build in self.machine.builds.values() if build.task == taskID]
        return [{key: row[key] for key in row if key not in ("id", "cg_id")} for row in rows]

    def do_listTags(self, _user: str | None, nvr: str) -> list[Answer]:
        return [tag.answer() for tag in self.machine.tags_of(self._build(nvr))]

    def do_queryHistory(
        self, _user: str | None, tables: list[str], build: str = "", tag: str = "", package: str = ""
    ) -> Answer:
        made = {"active": True, "tag.name": tag, "package.name": package, "creator_name": "admin", "create_ts": 1.5e9}
        rows = [row.answer() for row in self.machine.listing if row.build.nvr == build] if build else [made]
        return dict.fromkeys(tables, rows)

    # building

    def do_rawUpload(self, user: str | None, path: str, name: str, offset: int, chunk: bytes) -> Answer:
        self._must_be_known(user, "You must be logged in to upload files")
        place = f"{path}/{name}"
        before = self.machine.uploads.get(place, b"")
        self.machine.uploads[place] = before[:offset] + chunk
        return {"size": len(chunk), "hexdigest": f"{zlib.adler32(chunk):08x}"}

    def do_checkUpload(self, _user: str | None, path: str, name: str) -> Answer | None:
        content = self.machine.uploads.get(f"{path}/{name}")
        return None if content is None else {"size": len(content), "sumtype": "adler32",
                                             "hexdigest": hashlib.sha256(content).hexdigest()}  # fmt: skip

    def do_build(self, user: str | None, path: str, target: str, options: Answer | None = None) -> int:
        self._must_be_known(user, "you must be logged in for this operation")
        return self.machine.submit(path, target, options or {}, self._id(user))

    def do_getTaskInfo(self, _user: str | None, number: int, request: bool = False) -> Answer | None:
        task = self.machine.tasks.get(number)
        return task.answer(request) if task else None

    def do_getTaskChildren(self, _user: str | None, number: int, request: bool = False) -> list[Answer]:
        return [task.answer(request) for task in self.machine.tasks.values() if task.parent == number]

    def do_listTasks(self, _user: str | None, wanted: Answer, how: Answer | None = None) -> list[Answer]:
        tasks = [
            task.answer(bool(wanted.get("decode")))
            for task in self.machine.tasks.values()
            if wanted.get("owner") in (None, task.owner)
            and task.method == wanted["method"]
            and task.state in wanted.get("state", [task.state])
        ]
        if how and how.get("order") == "-id":
            tasks.sort(key=lambda task: task["id"], reverse=True)
        return tasks[: (how or {}).get("limit")]

    def do_getTaskResult(self, _user: str | None, number: int, raise_fault: bool = True) -> Any:
        task = self._task(number)
        if task.state not in ENDED:
            raise HubError("GenericError", f"Task {number} is not finished")
        if task.state == CANCELED:
            raise HubError("GenericError", f"Task {number} is canceled")
        if task.state == FAILED and task.fault:
            if raise_fault:
                raise task.fault
            return {"faultCode": task.fault.code, "faultString": task.fault.text}
        return None

    def do_cancelTask(self, user: str | None, number: int) -> None:
        task = self._task(number)
        if self._id(user) != task.owner:
            raise HubError("ActionNotAllowed", "Cannot cancel task, not owner")
        self.machine.cancel(task)

    def do_listTaskOutput(self, _user: str | None, number: int) -> list[str]:
        return list(self._task(number).logs)

    def do_downloadTaskOutput(self, _user: str | None, number: int, name: str, **_range: Any) -> str:
        logs = self._task(number).logs
        if name not in logs:
            raise HubError("GenericError", f'no file "{name}" output by task {number}')
        return base64.b64encode(logs[name]).decode()

    def do_listBuildroots(self, _user: str | None, taskID: int) -> list[Answer]:
        task = self._task(taskID)
        host = next((host for host in self.machine.hosts.values() if host.id == task.host), None)
        if not host or task.method != "buildArch" or task.started is None:
            return []
        return [{"arch": host.arches.split()[0], "host_id": host.id, "host_name": host.name, "task_id": taskID,
                 "tag_name": "epel7-infra-build", "state": 3 if task.state in ENDED else 2}]  # fmt: skip

    # tagging

    def do_moveBuild(self, user: str | None, origin: str, to: str, nvr: str) -> int:
        return self._tag_build(user, to, nvr, self._tag(origin))

    def do_tagBuild(self, user: str | None, to: str, nvr: str) -> int:
        return self._tag_build(user, to, nvr, None)

    def _tag_build(self, user: str | None, to: str, nvr: str, origin: Tag | None) -> int:
        self._must_be_known(user, "you must be logged in for this operation")
        build, tag = self._build(nvr), self._tag(to)
        if tag.locked:
            raise HubError("ActionNotAllowed", "tag is locked")
        if not self._may(user, tag):
            raise HubError("ActionNotAllowed", f"policy violation (tag): {POLICY}")
        if build.state != COMPLETE:
            state = ("BUILDING", "COMPLETE", "DELETED", "FAILED", "CANCELED")[build.state]
            raise HubError("TagError", f"build {nvr} not complete: state {state}")
        if build.name not in tag.packages:
            raise HubError("TagError", f"Package {build.name} not in list for {to}")
        return self.machine.move(build, tag, origin, self._id(user))

    def _may(self, user: str | None, tag: Tag) -> bool:
        return tag.allowed is None or user in tag.allowed

    def _must_be_known(self, user: str | None, text: str) -> None:
        if user is None:
            raise HubError("ActionNotAllowed", text)

    def _id(self, user: str | None) -> int:
        return next((number for number, name in self.machine.users.items() if name == user), 0)

    def _tag(self, name: str) -> Tag:
        if name not in self.machine.tags:
            raise HubError("GenericError", f"No such tagInfo: {name!r}")
        return self.machine.tags[name]

    def _build(self, nvr: str) -> Build:
        if nvr not in self.machine.builds:
            raise HubError("GenericError", f"No such build: {nvr!r}")
        return self.machine.builds[nvr]

    def _task(self, number: int) -> Task:
        if number not in self.machine.tasks:
            raise HubError("GenericError", f"No such task: {number}")
        return self.machine.tasks[number]
