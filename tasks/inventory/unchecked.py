"""pydantic's names for classes whose values have been checked (tasks.strict): the same fields, without the checks.

Of pydantic's models there is what a run uses of a checked value: fields and defaults, which of them were given,
equality, hash, copies, dumps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from inspect import get_annotations
from typing import Any, ClassVar, Self, dataclass_transform

_REQUIRED: Any = object()
MODELS: dict[str, type[BaseModel]] = {}  # by their names


class ValidationError(Exception):
    """Never raised: nothing is checked."""


class ValidationInfo:
    """Never made: nothing is checked."""


def Field(default: Any = _REQUIRED, **rules: Any) -> Any:  # pydantic's name
    """The default alone."""
    return default


def ConfigDict(**rules: Any) -> dict[str, Any]:  # pydantic's name
    """Nothing of it is wanted."""
    return rules


def _nothing(*_: Any, **__: Any) -> None:
    """A check, which is left out."""


def _left_out(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return lambda method: method


AfterValidator = BeforeValidator = PlainValidator = Discriminator = Tag = _nothing
field_validator = model_validator = _left_out


@dataclass_transform(kw_only_default=True, frozen_default=True)
class BaseModel:
    """A value whose fields are the annotations of its class and those above it."""

    __slots__ = ("__dict__", "model_fields_set")  # what is in __dict__ are its values
    model_fields: ClassVar[dict[str, Any]]  # name → default
    model_fields_set: frozenset[str]  # those that were given

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        inherited = getattr(cls, "model_fields", {})
        kinds = get_annotations(cls)  # as text
        own = {field: vars(cls).get(field, _REQUIRED) for field in kinds if not kinds[field].startswith("ClassVar")}
        cls.model_fields = {**inherited, **own}
        if MODELS.setdefault(cls.__name__, cls) is not cls:
            raise TypeError(f"{cls.__name__}: there is another class of that name, and a file is remembered by it")

    def __init__(self, **values: Any) -> None:
        defaults = {
            field: dict(value) if isinstance(value, dict) else value for field, value in self.model_fields.items()
        }
        given = defaults | values
        if missing := [field for field, value in given.items() if value is _REQUIRED or field not in self.model_fields]:
            raise TypeError(f"{type(self).__name__}: {', '.join(missing)}")
        vars(self).update(given)
        object.__setattr__(self, "model_fields_set", frozenset(values))

    def __setattr__(self, field: str, value: Any) -> None:
        raise AttributeError(f"{field}: a value that was read is not changed")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{field}={value!r}' for field, value in vars(self).items())})"

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """The same but for these fields."""
        given = {field: getattr(self, field) for field in self.model_fields_set}
        return type(self)(**{**given, **update})

    def model_dump(self, *, mode: str = "json", include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Its fields, as JSON has them; include: names; exclude: names, or for some of them the names below."""
        del mode
        return dict(_chosen(vars(self), include, exclude))

    def model_dump_json(self) -> str:
        """The same as text, which is the same for equal values."""
        return json.dumps(self.model_dump(), sort_keys=True)


def _chosen(fields: Mapping[str, Any], include: Any, exclude: Any) -> Iterator[tuple[str, Any]]:
    for field, value in fields.items():
        below = exclude.get(field, False) if isinstance(exclude, Mapping) else field in (exclude or ())
        if below is not True and (include is None or field in include):
            yield field, _plain(value, below or None)


def _plain(value: Any, exclude: Any = None) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude=exclude)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
