"""systemctl: is-active, show, status, start, stop and restart of the service, and what a timer is told."""

from __future__ import annotations

from . import _timer, _unit
from ._ends import Quit
from ._host import Host, complain, not_known, say


def run(host: Host, args: list[str]) -> None:
    """`systemctl [-q] [--now] [-p NAME[,NAME]]… COMMAND UNIT`."""
    words, wanted, on, rest = [], list[str](), set[str](), list(args)
    while rest:
        word = rest.pop(0)
        if word in ("-q", "--quiet"):
            on.add("quiet")
        elif word == "--now":
            on.add("now")
        elif word in ("-p", "--property"):
            wanted += (rest.pop(0) if rest else "").split(",")
        elif word.startswith("--property="):
            wanted += word.partition("=")[2].split(",")
        elif word.startswith("-p"):
            wanted += word[2:].split(",")
        elif word.startswith("-") and word != "--no-pager":
            complain(f"systemctl: unrecognized option '{word}'")
            raise Quit(1)
        elif not word.startswith("-"):
            words.append(word)
    if words[:1] == ["show"] and words[2:]:
        _show_all(host, words[1:])
        return
    if len(words) != 2:
        complain("Too few arguments." if len(words) < 2 else "Too many arguments.")
        raise Quit(1)
    if words[1] in host.state().get("timers", {}):
        _timer.command(host, words[0], words[1], wanted, on)
    else:
        _command(host, words[0], words[1].removesuffix(".service"), wanted, "quiet" in on)


def _show_all(host: Host, units: list[str]) -> None:
    """`show -p Id -p ActiveState UNIT…`: a paragraph for each; one that is not there is inactive."""
    timers = host.state().get("timers", {})
    states = {unit: "active" if timers.get(unit, {}).get("active") else "inactive" for unit in units}
    say("\n\n".join(f"Id={unit}\nActiveState={state}" for unit, state in states.items()))


def _command(host: Host, command: str, unit: str, wanted: list[str], quiet: bool) -> None:
    ours = unit == _unit.unit_of(host)
    if command == "is-active":
        word = _unit.active(host) if ours else "unknown"
        if not quiet:
            say(word)
        raise Quit(0 if word == "active" else 3)
    if command not in ("show", "status", "start", "stop", "restart"):
        raise not_known("systemctl", [command, unit])
    if not ours:
        complain(f"Failed to {command} {unit}.service: Unit not found.")
        raise Quit(5)
    if command == "show":
        _unit.show(host, wanted)
    elif command == "status":
        _unit.status(host)
    else:
        _unit.act(host, command)
