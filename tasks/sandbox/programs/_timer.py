"""A timer of systemd's, which the host's state has under its name: does it run, and will it after a boot?"""

from __future__ import annotations

from ._ends import Quit
from ._host import Host, not_known, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

WANTS = "/etc/systemd/system/timers.target.wants"


def command(host: Host, what: str, timer: str, wanted: list[str], on: Collection[str]) -> None:
    """`systemctl WHAT TIMER`; on: quiet, and now, with which enable also starts it and disable stops it."""
    state = host.state()["timers"][timer]
    active = "active" if state["active"] else "inactive"
    if what in ("is-active", "is-enabled"):
        word = active if what == "is-active" else "enabled" if state["enabled"] else "disabled"
        say(word) if "quiet" not in on else None
        raise Quit(0 if word in ("active", "enabled") else 3 if what == "is-active" else 1)
    if what == "show":
        values = {"Unit": f"{timer.removesuffix('.timer')}.service", "Id": timer, "ActiveState": active}
        say("\n".join(f"{name}={values[name]}" for name in values if not wanted or name in wanted))
    elif what in ("start", "stop"):
        host.change(lambda whole: whole["timers"][timer].update(active=what == "start"))
    elif what in ("enable", "disable"):
        _enable(host, what == "enable", timer, state["enabled"], on)
    else:
        raise not_known("systemctl", [what, timer])


def _enable(host: Host, wanted: bool, timer: str, was: bool, on: Collection[str]) -> None:
    now = {"active": wanted} if "now" in on else {}
    host.change(lambda whole: whole["timers"][timer].update(enabled=wanted, **now))
    if wanted != was and "quiet" not in on:
        link = f"{WANTS}/{timer}"
        say(
            f"Created symlink from {link} to /usr/lib/systemd/system/{timer}." if wanted else f"Removed symlink {link}."
        )
