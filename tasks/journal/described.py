"""What an event is made of: keys that say what they mean, and the types that they may have in JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, TypeVar, dataclass_transform

VERSION = 2  # raised when a key or an event goes away or changes its meaning; new ones may come at any time

TEXT = Annotated[str, "of several lines"]  # any other string is one line, whoever wrote it
MOMENT = Annotated[float, "seconds since 1970; ISO 8601 in JSON"]
BY_NAME: dict[str, type[Event]] = {}

T = TypeVar("T")


class Event:
    """Something that happened. name: what it is called in JSON."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls, name: str = "") -> None:
        cls.name = name
        if name:
            BY_NAME[name] = cls


def key(says: str, missing: Any = None) -> Any:
    """A key and what it means; missing: what is read where a line has none, if that is not what is empty."""
    return field(metadata={"says": says, "missing": missing})


@dataclass_transform(frozen_default=True, field_specifiers=(key,))
def described(kind: type[T]) -> type[T]:
    """A frozen dataclass whose keys are made by `key`."""
    return dataclass(frozen=True)(kind)
