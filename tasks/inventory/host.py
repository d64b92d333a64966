"""One machine of hosts.yml, and what every part of that file has in common."""

from __future__ import annotations

from typing import Annotated, Any

from .declared import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from .texts import HostName, Url


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_no_truth), Field(strict=False, allow_inf_nan=False)]
Seconds = Annotated[Number, Field(ge=0, le=86400)]
Limit = Annotated[Number, Field(gt=0, le=86400)]


class Strict(BaseModel):
    """A part of the file: unknown keys are refused, and nothing is changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)


def with_on(value: Any) -> Any:
    """The keys of a part of the file, `on` and `off` among them, which YAML reads as true and false."""
    names = {True: "on", False: "off"}
    if not isinstance(value, dict):
        return value
    return {names[key] if isinstance(key, bool) else key: text for key, text in value.items()}


class Host(Strict):
    """One machine: its full name, the short names an operator may type, its role, and where its own page is."""

    name: HostName
    aliases: tuple[HostName, ...] = Field(default=(), strict=False)
    serves: bool = True
    url: Url | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_bare_name_will_do(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    def answers_to(self, typed: str) -> bool:
        """Is `typed` one of this host's names?"""
        return typed == self.name or typed in self.aliases

    @property
    def short(self) -> str:
        """The name shown beside every line: the first alias, or the full name."""
        return self.aliases[0] if self.aliases else self.name
