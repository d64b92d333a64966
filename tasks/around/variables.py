"""`${NAME}` in hosts.yml: what the environment holds, so that no token has to stand in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def missing(text: str, environment: Mapping[str, str]) -> list[str]:
    """The variables in `text` that are not set, or empty."""
    return [name for name in _VARIABLE.findall(text) if not environment.get(name)]


def filled(text: str, environment: Mapping[str, str]) -> str:
    """`text` with every variable's value. Raises KeyError for one that is not set."""
    return _VARIABLE.sub(lambda found: environment[found[1]], text)
