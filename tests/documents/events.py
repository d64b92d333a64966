"""docs/journal.md and docs/json.md: every event and every key, from the dataclasses that are written and read."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any

from tasks.journal import events, json_events, looked
from tasks.journal.coding import keys
from tasks.journal.events import BY_NAME, MOMENT, TEXT, VERSION, Event

MARKS = re.compile(r"(?<=<!-- the events -->\n).*?(?=<!-- end -->)", re.S)
_TYPES = {str: "string", TEXT: "string", int: "integer", float: "number", bool: "boolean"}
IN_BOTH = (events.Phase, events.Around, events.Blocked, events.Restarted)


def of_the_journal() -> list[type[Event]]:
    """The events that the journal has."""
    return _of(events)


def of_json() -> list[type[Event]]:
    """The events that `--json` tells."""
    return [*_of(json_events)[:-1], *IN_BOTH, *_of(looked), json_events.Exit]


def page(name: str) -> str:
    """What stands between the marks of the page `name`."""
    kinds = of_the_journal() if name == "journal.md" else of_json()
    version = f"The version is {VERSION}. It is raised when a key or an event goes away or changes its meaning.\n\n"
    return version + "".join(map(_section, kinds))


def _of(module: Any) -> list[type[Event]]:
    return [kind for kind in BY_NAME.values() if kind.__module__ == module.__name__]


def _section(kind: type[Event]) -> str:
    said = re.sub(r"\n +", "\n", (kind.__doc__ or "").strip())
    rows = [f"| {name} | {type_} | {says} |\n" for name, type_, says in _rows(kind, "")]
    head = "| key | type | meaning |\n|---|---|---|\n" if rows else ""
    return f"## {kind.name}\n\n{said}\n\n{head}{''.join(rows)}" + ("\n" if rows else "")


def _rows(kind: Any, before: str) -> Iterator[tuple[str, str, str]]:
    for field in fields(kind):
        type_ = keys(kind)[field.name]
        yield from _row(f"{before}{field.name}", type_, field.metadata["says"])


def _row(name: str, type_: Any, says: str) -> Iterator[tuple[str, str, str]]:
    if typing.get_origin(type_) in (typing.Union, UnionType):
        (type_,) = (one for one in typing.get_args(type_) if one is not type(None))
        (_, shown, said), *rest = _row(name, type_, says)
        yield name, f"{shown}?", said
        yield from rest
    elif type_ == MOMENT:
        yield name, "string", f"{says}; ISO 8601, UTC" if says else "ISO 8601, UTC"
    elif typing.get_origin(type_) is tuple:
        yield name, "array", says
        yield from _inside(f"{name}[]", typing.get_args(type_)[0])
    elif typing.get_origin(type_) is Mapping:
        yield name, "object", says
        yield from _inside(f"{name}.*", typing.get_args(type_)[1])
    elif is_dataclass(type_):
        yield name, "object", says
        yield from _rows(type_, f"{name}.")
    else:
        yield name, _TYPES[type_], says


def _inside(name: str, type_: Any) -> Iterator[tuple[str, str, str]]:
    yield from _rows(type_, f"{name}.") if is_dataclass(type_) else _row(name, type_, "")
