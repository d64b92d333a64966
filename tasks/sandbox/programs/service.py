"""service: EL7's, which hands everything to systemctl and says so."""

from __future__ import annotations

from . import _unit
from ._ends import Quit
from ._host import Host, complain


def run(host: Host, args: list[str]) -> None:
    """`service UNIT start|stop|restart|status`."""
    if len(args) != 2:
        complain("Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]")
        raise Quit(1)
    unit, action = args[0].removesuffix(".service"), args[1]
    if action not in ("start", "stop", "restart", "status"):
        complain(
            "The service command supports only basic LSB actions (start, stop, restart, try-restart, reload,"
            " force-reload, status). For other actions, please try to use systemctl."
        )
        raise Quit(2)
    complain(f"Redirecting to /bin/systemctl {action} {unit}.service")
    if unit != _unit.unit_of(host):
        if action == "status":
            complain(f"Unit {unit}.service could not be found.")
            raise Quit(4)
        why = f"Unit {unit}.service not loaded." if action == "stop" else "Unit not found."
        complain(f"Failed to {action} {unit}.service: {why}")
        raise Quit(5)
    if action == "status":
        _unit.status(host)
    else:
        _unit.act(host, action)
