"""The application's unit: what `service` and `systemctl` do to it, in systemd 219's words."""

from __future__ import annotations

import time

from . import _control
from ._ends import Quit
from ._host import Host, complain, say

FAILED = (
    'Job for {unit}.service failed because the control process exited with error code. See "systemctl status '
    '{unit}.service" and "journalctl -xe" for details.'
)
DESCRIPTIONS = {"httpd": "The Apache HTTP Server"}


def unit_of(host: Host) -> str:
    """What the service is called."""
    unit: str = host.app["service"]
    return unit


def act(host: Host, action: str) -> None:
    """start, stop or restart; comes back when the port listens or the process is gone."""
    host.obey(f"{action}-httpd", lambda: _fail(host, action))
    host.work(0.05)
    reply = _control.ask(host.home, "httpd", host=host.name, action=action)
    if "error" in reply:
        complain(FAILED.format(unit=unit_of(host)))
        raise Quit(1)


def _fail(host: Host, action: str) -> None:
    """A stop that fails leaves httpd running; a start or restart that fails leaves it down, and marked so."""
    if action == "stop":
        complain(f"Failed to stop {unit_of(host)}.service: Connection timed out")
        complain(f"See system logs and 'systemctl status {unit_of(host)}.service' for details.")
        raise Quit(1)
    _control.ask(host.home, "httpd", host=host.name, action="stop")
    host.change(lambda state: state["httpd"].update(failed=True))
    complain(FAILED.format(unit=unit_of(host)))
    raise Quit(1)


def active(host: Host) -> str:
    """systemd's word for the unit's state."""
    httpd = host.state()["httpd"]
    if httpd["running"]:
        return "active"
    return "failed" if httpd["failed"] else "inactive"


def status(host: Host) -> None:
    """What `systemctl status UNIT` shows; exit status 3 when it does not run."""
    unit = unit_of(host)
    word, httpd = active(host), host.state()["httpd"]
    sub = {"active": "(running)", "inactive": "(dead)", "failed": "(Result: exit-code)"}[word]
    since = f" since {timestamp(httpd['since'])}" if httpd["since"] else ""
    say(f"● {unit}.service - {DESCRIPTIONS.get(unit, unit)}")
    say(f"   Loaded: loaded (/usr/lib/systemd/system/{unit}.service; enabled; vendor preset: disabled)")
    say(f"   Active: {word} {sub}{since}")
    if httpd["running"]:
        say(f" Main PID: {httpd['pid']} ({unit})")
        return
    raise Quit(3)


def show(host: Host, wanted: list[str]) -> None:
    """`systemctl show`: NAME=value lines in systemd's order, whatever the order of the question."""
    httpd = host.state()["httpd"]
    word = active(host)
    values = {
        "MainPID": str(httpd["pid"] if httpd["running"] else 0),
        "ExecMainStartTimestamp": timestamp(httpd["since"]),
        "Id": f"{unit_of(host)}.service",
        "LoadState": "loaded",
        "ActiveState": word,
        "SubState": {"active": "running", "inactive": "dead", "failed": "failed"}[word],
        "ActiveEnterTimestamp": timestamp(httpd["since"]),
    }
    for name, value in values.items():
        if not wanted or name in wanted:
            say(f"{name}={value}")


def timestamp(seconds: float | None) -> str:
    """Seconds since the epoch as systemd writes them; nothing for never."""
    return time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds)) if seconds else ""
