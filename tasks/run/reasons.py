"""Why a request is refused: a sentence, and the line to type that helps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..inventory.model import Host
from .facts import Facts

OVERRIDE = '--unverified "reason" overrides that, and is written down'

FactsOf = Mapping[Host, Facts]


class Reason(NamedTuple):
    """Why not, and the line to type that helps, if there is one."""

    text: str
    cure: str | None = None
