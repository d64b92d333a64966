"""A recorded conversation, played to the hub double at the recorded moments.

What is compared: every answer's facts, and which fault with which text. What is not: moments (only whether there is
one), load figures, event numbers, and `awaited`/`waiting`, which say how far the hub's own bookkeeping has come.
Task numbers are compared by who is who, since other people's tasks took numbers in between.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from typing import Any

from .hub.api import Api, world
from .hub.machine import Machine, Pace
from .hub.records import ASSIGNED, COMPLETE, FREE, OPEN, Build, HubError

SKIPPED = re.compile(
    r".*_(time|ts|event|event_id)|weight|task_load|awaited|waiting|(creator|revoker|user)_id|krb_.*|repo_.*"
    r"|br_type|cg_.*|container_.*|host_arch|host_os|extra|build_id|retire.*|tag_id"
)
TASK_ANSWERS = ("getTaskInfo", "getTaskChildren")


class Replay:
    """One recording, and a hub whose tasks take the times that can be seen in it."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self.calls = calls
        self.now = 0.0
        self.history = Observed(calls)
        route = [host for host in self.history.builders if host] or ["buildx86"]
        built = [row["build_id"] for call in calls for row in rows(call) if "build_id" in row and "nvr" in row]
        self.machine: Machine = world(
            clock=lambda: self.now,
            pace=self.history.pace,
            route=route,
            robot=self.history.robot,
            first_build=built[0],
        )
        self.api = Api(self.machine)
        self.ours: dict[int, int] = {}  # their number of a task → ours

    def run(self) -> None:
        """Replay every call at its moment; what was there before the recording began is put there first."""
        first = next((c["result"] for c in self.calls if c["method"] == "getBuild"), None)
        if first:
            self._built_before(first)
        for call in self.calls:
            self.now = call["t"]
            said = self._say(call)
            wanted = call["fault"] if "fault" in call else call["result"]
            assert self._facts(said) == self._facts(wanted, theirs=True), (call["t"], call["method"], call["params"])

    def _built_before(self, row: dict[str, Any]) -> None:
        keys = ("name", "version", "release", "source", "owner_name")
        build = Build(id=row["id"], owner=row["owner_id"], task=0, created=0.0, **{key: row[key] for key in keys})
        build.state, build.ended = COMPLETE, 0.0
        self.ours[row["task_id"]] = 0
        self.machine.builds[build.nvr] = build

    def _say(self, call: dict[str, Any]) -> Any:
        given: list[Any] = list(call["params"])
        named = given.pop()["__kwargs__"] if given and isinstance(given[-1], dict) and "__kwargs__" in given[-1] else {}
        numbered = "Task" in call["method"]
        params = [self.ours.get(one, one) if numbered and type(one) is int else one for one in given]
        if "taskID" in named:
            named = {**named, "taskID": self.ours[named["taskID"]]}
        if call["method"] == "rawUpload":
            params = [*params[:2], 0, b"x" * params[2]]
        try:
            answer = self.api.call(call["as"], call["method"], [*params, {"__starstar": True, **named}])
        except HubError as fault:
            return {"class": fault.kind, "code": fault.code, "text": fault.text}
        if call["method"] in ("build", "moveBuild", "tagBuild"):
            self.ours[call["result"]] = answer
        elif call["method"] == "getTaskChildren":
            key = lambda task: task["id"]  # noqa: E731
            answer = sorted(answer, key=key)
            for theirs, mine in zip(sorted(call["result"], key=key), answer, strict=True):
                self.ours[theirs["id"]] = mine["id"]
            call["result"].sort(key=key)
        elif call["method"] == "downloadTaskOutput":
            return {"base64": answer}
        elif call["method"] == "rawUpload":
            return None
        return answer

    def _facts(self, value: Any, theirs: bool = False, key: str = "") -> Any:
        """What is compared of an answer, with their task numbers as ours."""
        if isinstance(value, dict):
            shown = {k: self._facts(v, theirs, k) for k, v in value.items() if not SKIPPED.fullmatch(k)}
            shown.pop("id" if "host_name" in value else "", None)  # a buildroot's number
            return shown | {k: value[k] is not None for k in value if re.fullmatch(r"(start|completion)_ts", k)}
        if isinstance(value, list):
            return [self._facts(one, theirs, key) for one in value]
        if isinstance(value, str):
            text = re.sub(r"(?<=state=COMPLETE\): )\{.*", "…", value.replace("{'name': …}", "{"))
            return re.sub(r"(?<=\(task )\d+|(?<=tasks/)(\d+)/\d+", lambda m: self._number(m[0], theirs), text)
        if theirs and key in ("id", "parent", "task_id", "") and type(value) is int:
            return self.ours.get(value, value)
        return value

    def _number(self, text: str, theirs: bool) -> str:
        return "/".join(str(self.ours[int(n)] if theirs else int(n)) for n in text.split("/"))


def rows(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows in a recorded answer."""
    answer = call.get("result")
    found = answer if isinstance(answer, list) else [answer]
    return [row for row in found if isinstance(row, dict)]


class Observed:
    """The times of the recorded tasks: a change lies half-way between the last look before it and the first after."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self.changes: dict[int, dict[int, float]] = defaultdict(dict)
        self.methods: dict[int, str] = {}
        self.parents: dict[int, int | None] = {}
        self._built: dict[int, float] = {}
        self._hosts: dict[int, int] = {}
        states: dict[int, tuple[float, int]] = {}
        looked: dict[int, float] = {}
        for call in calls:
            if call["method"] in ("build", "moveBuild", "tagBuild") and "result" in call:
                states[call["result"]] = (call["t"], FREE)
                self.changes[call["result"]][FREE] = call["t"]
            if call["method"] not in TASK_ANSWERS or not call.get("result"):
                looked[call["params"][0] if call["method"] == "getTaskChildren" else -1] = call["t"]
                continue
            for row in rows(call):
                self._see(row, call["t"], states, looked.get(row["parent"] or -1, 0.0))
            if call["method"] == "getTaskChildren":
                looked[call["params"][0]] = call["t"]
        self.robot = self._robot(calls)
        by_id = sorted(self._hosts)
        self.builders = [("buildx86", "buildppc64le", "buildaarch64")[self._hosts[number] - 1] for number in by_id]

    def _see(self, row: dict[str, Any], t: float, states: dict[int, tuple[float, int]], looked: float) -> None:
        number, state = row["id"], row["state"]
        self.methods[number], self.parents[number] = row["method"], row["parent"]
        if row["method"] == "buildArch" and row["host_id"]:
            self._hosts[number] = row["host_id"]
        before, old = states.get(number, (looked, None))
        if old != state:
            self.changes[number].setdefault(state, (before + t) / 2)
        states[number] = (t, state)
        self.changes[number].setdefault(FREE, (before + t) / 2)

    def pace(self, method: str, nth: int) -> Pace:
        """The pace of the nth task of `method`."""
        numbers = sorted(number for number, name in self.methods.items() if name == method)
        if nth > len(numbers):
            return Pace()
        number = numbers[nth - 1]
        made, assigned, opened, ended = self._times(number)
        before = after = 0.0
        parent = self.parents[number]
        if parent:
            siblings = sorted(n for n in self.parents if self.parents[n] == parent and n < number)
            before = made - (self._times(siblings[-1])[3] if siblings else self._times(parent)[2])
        else:
            children = sorted(n for n in self.parents if self.parents[n] == number)
            after = ended - self._times(children[-1])[3] if children else 0.0
        return Pace(before, assigned - made, opened - assigned, ended - opened, after)

    def _times(self, number: int) -> tuple[float, float, float, float]:
        changes = self.changes[number]
        made = changes[FREE]
        later = [changes[state] for state in changes if state not in (FREE, ASSIGNED, OPEN)]
        ended = later[0] if later else 1e9
        opened = changes.get(OPEN, ended)
        return made, changes.get(ASSIGNED, opened), opened, ended

    def _robot(self, calls: list[dict[str, Any]]) -> float | None:
        """Seconds from the candidate tag to the stg tag."""
        looks = [(c["t"], [tag["name"] for tag in c["result"]]) for c in calls if c["method"] == "listTags"]
        moved = [(a + b) / 2 for (a, old), (b, new) in pairwise(looks) if old != new]
        tagging = [n for n, name in self.methods.items() if name == "tagBuild" and self.parents[n]]
        return moved[0] - self._times(tagging[0])[3] if moved and tagging else None
