"""Events to JSON and back. What is read is cleaned, and may be anything: what does not fit its key is left out."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Union

from ..fleet.output import clean
from . import before
from .events import BY_NAME, MOMENT, TEXT, Event

YEAR = 366 * 86400.0  # seconds; a step that took longer was not written by this program
LAST_MOMENT = 250_000_000_000.0  # the year 9892; later ones have no date in every zone
LARGEST = 10**15
_KEYS: dict[Any, dict[str, Any]] = {}


class Unfit(ValueError):
    """A value that its key cannot have."""


@dataclass(frozen=True)
class Entry:
    """A line of the journal.

    time: seconds since 1970, None where the line has none that can be; event: None for one that is not known here;
    raw: the line's keys and values as they stand there, cleaned.
    """

    time: float | None
    run: str
    event: Event | None
    raw: Mapping[str, Any]


def read(lines: Iterable[str], only: Iterable[str] = ()) -> list[Entry]:
    """The entries in these lines; what is no event (cut in the middle, edited) is left out.

    only: the names of the events that are wanted; none: all of them.
    """
    wanted, found = frozenset(only), []
    for line in lines:
        try:
            raw = json.loads(line)
            if isinstance(raw, dict) and (not wanted or raw.get("event") in wanted):
                found.append(entry(cleaned(raw)))
        except (ValueError, TypeError, RecursionError):
            continue
    return found


def entry(raw: Mapping[str, Any]) -> Entry:
    """One line's object, cleaned already, as this version means it. Raises Unfit where it is no event."""
    name = raw.get("event")
    if not isinstance(name, str):
        raise Unfit(str(name))
    kind = BY_NAME.get(name)
    run, time = raw.get("run"), _or_none(raw.get("time"), MOMENT)
    event = _fitted(before.upgraded(raw), kind) if kind else None
    return Entry(time, run if isinstance(run, str) else "", event, raw)


def whole(one: Entry) -> bool:
    """Has every key of its event that stands in the line a value that it can have?"""
    written = before.upgraded(one.raw)
    return one.event is not None and all(
        value == written[name] for name, value in as_json(one.event).items() if name in written
    )


def as_json(event: Event) -> dict[str, Any]:
    """The keys and values of an event, without its envelope."""
    return {name: _plain(getattr(event, name), kind) for name, kind in keys(type(event)).items()}


def cleaned(value: Any) -> Any:
    """`value` without secrets and control characters, in keys too, however deep they are."""
    if isinstance(value, str):
        return "\n".join(clean(line) for line in value.split("\n"))
    if isinstance(value, Mapping):
        return {cleaned(key): cleaned(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(one) for one in value]
    return value


def iso(seconds: float) -> str:
    """Seconds since 1970 as the journal has times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def keys(kind: Any) -> dict[str, Any]:
    """The keys of an event, or of an object in one, each with its type."""
    if kind not in _KEYS:
        hints = typing.get_type_hints(kind, include_extras=True)
        _KEYS[kind] = {field.name: hints[field.name] for field in fields(kind)}
    return _KEYS[kind]


def _plain(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    kind, origin = _some(kind), typing.get_origin(_some(kind))
    if kind == MOMENT:
        return iso(value)
    if kind is float:
        return round(value, 3)
    if origin is tuple:
        return [_plain(one, typing.get_args(kind)[0]) for one in value]
    if origin is Mapping:
        return {str(key): _plain(one, typing.get_args(kind)[1]) for key, one in value.items()}
    return as_json(value) if is_dataclass(kind) else value


def _fitted(value: Any, kind: Any) -> Any:
    """`value` as its key's type. Raises Unfit where it is another."""
    origin = typing.get_origin(kind)
    if kind != MOMENT and origin in (Union, types.UnionType):
        return _or_none(value, _some(kind))
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise Unfit
        return tuple(one for _, one in _that_fit(enumerate(value), typing.get_args(kind)[0]))
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise Unfit
        return {_one_line(name): one for name, one in _that_fit(value.items(), typing.get_args(kind)[1])}
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise Unfit
        return kind(**{field.name: _of_key(value, field, keys(kind)[field.name]) for field in fields(kind)})  # type: ignore[operator]
    return _scalar(value, kind)


def _that_fit(pairs: Iterable[tuple[Any, Any]], kind: Any) -> Iterator[tuple[Any, Any]]:
    for name, value in pairs:
        with suppress(Unfit):
            yield name, _fitted(value, kind)


def _scalar(value: Any, kind: Any) -> Any:
    if kind == MOMENT:
        return _moment(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number and 0 <= value <= YEAR:
        return float(value)
    if kind is int and number and abs(value) <= LARGEST:
        return int(value)
    if kind in (str, TEXT) and isinstance(value, str):
        return value if kind == TEXT else _one_line(value)
    if kind is bool and isinstance(value, bool):
        return value
    raise Unfit


def _one_line(text: str) -> str:
    """What is shown as a name or in a sentence must not be able to look like a line of ours."""
    return " ".join(text.split("\n"))


def _moment(value: Any) -> float:
    """ISO 8601 as seconds since 1970; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(value)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        raise Unfit from None
    if not 0 <= seconds <= LAST_MOMENT:
        raise Unfit
    return seconds


def _of_key(value: Mapping[str, Any], field: Field[Any], kind: Any) -> Any:
    """What stands at a key; where nothing does, or what does not fit: its default, or the emptiest of its type.

    Raises Unfit for a moment: what has none has no place in time.
    """
    with suppress(Unfit):
        if field.name in value:
            return _fitted(value[field.name], kind)
    missing = field.metadata.get("missing")
    return _empty(kind) if missing is None else missing


def _empty(kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if kind == MOMENT:
        raise Unfit
    if origin in (Union, types.UnionType):
        return None
    return {} if origin is Mapping else () if origin is tuple else "" if kind == TEXT else kind()


def _or_none(value: Any, kind: Any) -> Any:
    try:
        return None if value is None else _fitted(value, kind)
    except Unfit:
        return None


def _some(kind: Any) -> Any:
    """The type itself, of one that may be null."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        return next(one for one in typing.get_args(kind) if one is not type(None))
    return kind
