"""Keys of hosts.yml: when a node is healthy, how the database is saved, and for how long a step is waited for."""

from __future__ import annotations

from typing import Annotated

from ..fleet.output import clean
from .declared import Field, field_validator
from .host import Limit, Number, Seconds, Strict
from .texts import FilePath, Line, UrlPath


class Health(Strict):
    """When a node counts as healthy."""

    path: UrlPath = "/blockerbugs/"
    port: Annotated[int, Field(ge=1, le=65535)] = 80
    status: Annotated[int, Field(ge=100, le=599)] = 200
    version: Line | None = None
    deadline: Seconds = 60.0
    timeout: Annotated[Number, Field(gt=0, le=600)] = 5.0

    @property
    def page(self) -> str:
        """What stands behind `http://localhost` in the page's address."""
        return self.path if self.port == 80 else f":{self.port}{self.path}"

    @field_validator("version")
    @classmethod
    def _has_a_place_for_the_version(cls, text: str | None) -> str | None:
        if text is not None and text.count("{version}") != 1:
            raise ValueError("must contain {version} exactly once, e.g. 'Blockerbugs {version}'")
        return text


class Backup(Strict):
    """A command that saves the database, the file it must leave behind, and what an operator types to get it back."""

    command: Line
    file: FilePath
    restore: Line | None = None

    @property
    def way_back(self) -> str:
        """From where, and with which command, the database is had back, as a person may read it."""
        return f"from {self.file}" + (f": {clean(self.restore)}" if self.restore else "")


class Limits(Strict):
    """For how many seconds a step is waited for; after that nobody knows what became of it, and it is looked at.

    sudo: how long it may take to let us in after it was begun, and after each answer.
    """

    service: Limit = 180.0
    yum: Limit = 1800.0
    database: Limit = 3600.0
    sudo: Limit = 60.0
