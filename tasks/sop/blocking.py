"""A migration that waits for a lock: for how long, who is said to hold it, and whether it has given up."""

from __future__ import annotations

import re

from ..inventory.model import App
from .shell import call

HELD_BY = "a lock is held by "  # how shell/blocked.sh begins to say who
MOST = 5
LETTERS = 300
# PostgreSQL's sentence is in the language of its server; the error's name and number are not.
_GAVE_UP = re.compile(r"canceling statement due to lock timeout|\bLockNotAvailable\b|\b55P03\b")


def watched(app: App) -> str:
    """Shell in front of a migration: how long it waits for a lock, and who watches whom it waits for."""
    limit, asks = app.lock_timeout, app.lock_holders
    lines = [call("lock_limit", round(limit * 1000))] if limit else []
    lines += [call("lock_watch", f"{min(1, (limit or 2) / 2):g}", asks)] if asks else []
    return "".join(f"{line}\n" for line in lines)


def typed(app: App) -> str:
    """The migration as an operator would type it, with what `lock_limit` in shell/blocked.sh gives it."""
    if not app.lock_timeout:
        return app.migrate or ""
    limit = round(app.lock_timeout * 1000)
    options = f'PGOPTIONS="${{PGOPTIONS:+$PGOPTIONS }}-c lock_timeout={limit}"'
    return f"(export {options} UPGRADE_LOCK_TIMEOUT={limit}; {app.migrate})"


def gave_up(output: str) -> bool:
    """Has the migration that said this given up because it waited too long for a lock?"""
    return bool(_GAVE_UP.search(output))


def holders(output: str) -> tuple[str, ...]:
    """Who held a lock meanwhile, as the set's `lock_holders` names them."""
    said = (line.removeprefix(HELD_BY).strip()[:LETTERS] for line in output.splitlines() if line.startswith(HELD_BY))
    return tuple(dict.fromkeys(filter(None, said)))[-MOST:]
