"""A server behind a balancer as haproxy 2.6 sees it: its checks, what it was told, its sessions, the words for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple

MAINT, DRAIN = 1, 8  # srv_admin_state's bits: what somebody said at the admin socket
STATES = {"ready": 0, "drain": DRAIN, "maint": MAINT}


class Check(NamedTuple):
    """How a check ended: haproxy's word, its number in `show servers state`, its sentence."""

    word: str
    number: int
    sentence: str
    well: bool = False


INI = Check("INI", 1, "Initializing")
L4CON = Check("L4CON", 8, "Layer4 connection problem")
L7TOUT = Check("L7TOUT", 12, "Layer7 timeout")
L7RSP = Check("L7RSP", 13, "Layer7 invalid response")
L7OK = Check("L7OK", 15, "Layer7 check passed", well=True)
L7STS = Check("L7STS", 17, "Layer7 wrong status")


@dataclass
class Server:
    """One httpd. `health` is haproxy's: 0 to rise + fall - 1, and from `rise` on the server is up.

    It begins up, and a single failed check takes it down then: as after haproxy's own start.
    """

    name: str
    number: int
    port: int
    fall: int
    rise: int
    health: int = field(init=False)
    admin: int = 0
    check: Check = INI
    code: str = ""
    failed: int = 0
    downs: int = 0
    changed: float = field(default_factory=time.monotonic)
    sessions: int = 0
    most: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.health = self.rise

    @property
    def well(self) -> int:
        """The health of a server whose last check was a good one."""
        return self.rise + self.fall - 1

    @property
    def up(self) -> bool:
        """Whether its checks say so; what it was told is another thing."""
        return self.health >= self.rise

    @property
    def usable(self) -> bool:
        """Whether it is given requests."""
        return self.up and not self.admin

    @property
    def status(self) -> str:
        """`show stat`'s word for it."""
        if self.admin & MAINT:
            return "MAINT"
        if not self.up:
            return f"DOWN {self.health}/{self.rise}" if self.health else "DOWN"
        word = "DRAIN" if self.admin & DRAIN else "UP"
        return word if self.health == self.well else f"{word} {self.health - self.rise + 1}/{self.fall}"

    def saw(self, check: Check, code: str = "") -> None:
        """Count a check; in maintenance nobody looks."""
        if self.admin & MAINT:
            return
        was = self.up
        self.check, self.code = check, code
        if check.well:
            self.health += self.health < self.well
            self._now(self.well if self.up else self.health)
        else:
            self.failed += was
            self._now(self.health - 1 if self.health > self.rise else 0)
        if was != self.up:
            self.changed = time.monotonic()

    def _now(self, health: int) -> None:
        was, self.health = self.up, health
        self.downs += was and not self.up

    def tell_health(self, up: bool) -> None:
        """`set server … health`: until the next check says something else."""
        self._now(self.well if up else 0)
        self.changed = time.monotonic()

    def tell_state(self, state: str) -> None:
        """`set server … state`; out of maintenance it comes as it began. KeyError for a word that haproxy has not."""
        admin = STATES[state]
        if self.admin & MAINT and not admin & MAINT:
            self.health = self.rise
        if admin != self.admin:
            self.changed = time.monotonic()
        self.admin = admin

    def begin_session(self) -> None:
        """A request goes to it."""
        self.sessions += 1
        self.total += 1
        self.most = max(self.most, self.sessions)

    def end_session(self) -> None:
        """And is over."""
        self.sessions -= 1

    def stat(self, proxy: str) -> dict[str, object]:
        """Its line of `show stat`; what haproxy leaves empty, or counts and nobody here needs, is left out."""
        line: dict[str, object] = {
            "pxname": proxy, "svname": self.name, "qcur": 0, "qmax": 0, "scur": self.sessions, "smax": self.most,
            "stot": self.total, "status": self.status, "weight": 1, "act": 1, "bck": 0, "chkfail": self.failed,
            "chkdown": self.downs, "lastchg": self._since(), "pid": 1, "iid": 2, "sid": self.number,
            "lbtot": self.total, "type": 2, "addr": f"127.0.0.1:{self.port}", "mode": "http",
        }  # fmt: skip
        if not self.admin & MAINT:
            line |= {
                "check_status": self.check.word, "check_code": self.code, "check_desc": self.check.sentence,
                "check_rise": self.rise, "check_fall": self.fall, "check_health": self.health,
            }  # fmt: skip
        return line

    def state(self, proxy: str) -> str:
        """Its line of `show servers state`."""
        in_maintenance = bool(self.admin & MAINT)
        running = 0 if in_maintenance or not self.up else 2
        result = 0 if self.check is INI else 3 if self.check.well else 2
        health = 0 if in_maintenance else self.health
        return (
            f"2 {proxy} {self.number} {self.name} 127.0.0.1 {running} {self.admin} 1 1 {self._since()}"
            f" {self.check.number} {result} {health} {14 if in_maintenance else 6} 0 0 0 - {self.port} - 0 0 - - 0"
        )

    def _since(self) -> int:
        return int(time.monotonic() - self.changed)
