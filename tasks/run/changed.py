"""What has changed in hosts.yml since a run began: what makes it another run, and what an operator should know. Pure.

Only what changes commands, hosts or their order makes it another run. The natural cure of a failure, a longer deadline
for one, does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..inventory.model import Host, HostSet

_APP = ("package", "service", "migrate", "check", "cron", "timer", "migrations", "root")
_SET = ("order", "rolling", "enable_repo", "schema_status")
_HEALTH = ("path", "port", "status", "version")
_BACKUP = ("command", "file")
# Only of a set whose hosts are drained: a run that was begun before there was such a thing is still the same run.
_DRAIN = ("proxies", "socket", "backend", "servers", "drain", "maintenance")
# What stands around a run changes nothing that is done, and addresses may hold tokens.
_NOT_WRITTEN = {"app", "name", "hosts", "sync_host", "notify", "around"}
_MAY_HOLD_SECRETS = ("lock_holders",)  # a command that names a database, and is never shown
# Keys of which version 0.1 wrote down one digest, though a part of them makes it another run and a part does not.
_MIXED = ("backup", "health", "hosts")


def fixed(host_set: HostSet) -> dict[str, str]:
    """Key of hosts.yml → what tells whether its value is still the same, for those that make it another run."""
    found: dict[str, object] = {key: getattr(host_set.app, key) for key in _APP}
    found |= {key: getattr(host_set, key) for key in _SET}
    found |= {f"health.{key}": getattr(host_set.health, key) for key in _HEALTH}
    found |= {f"backup.{key}": getattr(host_set.backup, key, None) for key in _BACKUP}
    if host_set.balancer and host_set.balancer.drains:
        said = host_set.balancer.model_dump(mode="json", include=set(_DRAIN))
        found |= {f"balancer.{key}": said[key] for key in _DRAIN}
    found["hosts"] = [(host.name, host.serves) for host in host_set.hosts]
    found["sync_host"] = host_set.sync.name
    return {key: _digest(value) for key, value in found.items()}


def loose(host_set: HostSet) -> dict[str, str]:
    """Every other key → its value, as JSON: a run that goes on is warned of what has changed."""
    rows = dict(_flat(host_set.app.model_dump(mode="json")))
    rows |= _flat(host_set.model_dump(mode="json", exclude=_NOT_WRITTEN))
    rows |= {f"{key} of {host.name}": value for host in host_set.hosts for key, value in _loose_of(host)}
    unsaid = {
        f"balancer.{key}" for key in (*_DRAIN, "sessions") if not (host_set.balancer and host_set.balancer.drains)
    }
    rows |= {key: f"digest {_digest(rows[key])}" for key in _MAY_HOLD_SECRETS if rows.get(key)}
    return {key: json.dumps(value) for key, value in rows.items() if key not in fixed(host_set).keys() | unsaid}


def made_another_run(then: Mapping[str, str], host_set: HostSet) -> list[str]:
    """The keys that have changed since and make it another run; then: `fixed` of that time, or version 0.1's."""
    now = fixed(host_set)
    if "health.path" in then:  # other keys that are not there were added by a later version, and at their defaults then
        known = [key for key in {*then, *now} if key in then or key.startswith("balancer.")]
        return sorted(key for key in known if then.get(key) != now.get(key))
    whole = host_set.app.model_dump(mode="json") | host_set.model_dump(mode="json")
    weighs = {*_APP, *_SET, *_MIXED, "sync_host"}
    return sorted(key for key in weighs if then.get(key) != _digest(whole.get(key)))


def warnings(then: Mapping[str, str], host_set: HostSet) -> list[str]:
    """A sentence for every other key that has changed since; then: `loose` of that time.

    A key that was not there is one that an earlier version did not have; at its default it says nothing new.
    """
    now = loose(host_set) if then else {}
    plain = type(host_set)(name=host_set.name, hosts=host_set.hosts, sync_host=host_set.sync_host)
    before = {key: value for key, value in loose(plain).items() if key not in then} | dict(then)
    return [
        f"hosts.yml has changed since the run began: {key} was {then.get(key, 'not there')}, is {now.get(key, 'gone')}"
        for key in sorted({*then, *now})
        if before.get(key) != now.get(key)
    ]


def _loose_of(host: Host) -> Iterator[tuple[str, object]]:
    yield "aliases", list(host.aliases)
    yield "url", host.url


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", one) for name, one in value.items())
        else:
            yield key, value


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]
