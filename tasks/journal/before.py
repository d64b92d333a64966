"""What earlier versions wrote, in the keys of this one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

Raw = Mapping[str, Any]
# Steps did not say what they do to httpd; these did.
_HTTPD = {"stop-httpd": "down", "start-httpd": "up", "healthy": "up", "restart-httpd": "bounce"}


def upgraded(raw: Raw) -> Raw:
    """The keys and values of a line as they would be written today; one of today's as it stands."""
    change = _CHANGES.get(str(raw.get("event")))
    return change(raw) if change else raw


def _begin(raw: Raw) -> Raw:
    hosts, steps = raw.get("hosts"), raw.get("steps")
    new = dict(raw) | {"schema": _schema(raw.get("schema"))}
    if isinstance(hosts, list):  # who they are, and not what they had
        new["hosts"] = dict.fromkeys(filter(_is_text, hosts), "")
    if "stops_httpd" not in raw and isinstance(steps, list):
        named = {row[0] for row in steps if isinstance(row, list) and row and _is_text(row[0])}
        new["stops_httpd"] = any(_HTTPD.get(name) in ("down", "bounce") for name in named)
    return new


def _step(raw: Raw) -> Raw:
    step = raw.get("step")
    return raw if "httpd" in raw or not _is_text(step) else {**raw, "httpd": _HTTPD.get(step, "none")}


def _ended(raw: Raw) -> Raw:
    hosts = raw.get("hosts")
    return _step({**raw, "hosts": {h: _became(one) for h, one in hosts.items()} if isinstance(hosts, dict) else {}})


def _became(told: Any) -> Any:
    """At first it was a sentence: `done in 0.503 s`, or why it failed."""
    if isinstance(told, Mapping) and "state" not in told:
        return {**told, "state": "failed" if told.get("failure") else "done"}
    if not _is_text(told):
        return told
    if not told.startswith("done in "):
        return {"state": "failed", "failure": told}
    try:
        return {"state": "done", "seconds": float(told.split()[2])}
    except (ValueError, IndexError):
        return {"state": "done"}


def _watched(raw: Raw) -> Raw:
    return {**raw, "outages": _spans(raw.get("outages")), "slow": _spans(raw.get("slow"))}


def _spans(rows: Any) -> Any:
    """`[began, seconds]` was a span."""
    if not isinstance(rows, list):
        return rows
    pairs = [row for row in rows if not isinstance(row, list) or len(row) == 2]
    return [{"began": row[0], "seconds": row[1]} if isinstance(row, list) else row for row in pairs]


def _end(raw: Raw) -> Raw:
    hosts = raw.get("hosts")
    new = dict(raw) | {"schema": _schema(raw.get("schema"))}
    if isinstance(hosts, Mapping):
        new["hosts"] = {h: one.get("installed") if isinstance(one, Mapping) else one for h, one in hosts.items()}
    if not hosts and raw.get("httpd_still_down") is not True:  # nobody had looked
        new["httpd_still_down"] = None
    return new


def _schema(value: Any) -> Any:
    return ", ".join(filter(_is_text, value)) if isinstance(value, list) else value


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str)


_CHANGES: Mapping[str, Callable[[Raw], Raw]] = {
    "begin": _begin,
    "phase": _step,
    "ended": _ended,
    "watched": _watched,
    "end": _end,
}
