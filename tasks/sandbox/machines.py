"""The machine room: every host with its sshd and httpd, the balancers, and the control port the programs call."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import _tree
from .admin import AdminSocket, answer
from .balancer import Balancer
from .faults import _power, boot
from .httpds import Httpd
from .programs._files import change_state, read_json, read_state

if TYPE_CHECKING:
    from pathlib import Path

    from .sshd import Sshd


class CannotStart(Exception):
    """A port is taken, or an httpd does not come up; the text says which."""


class MachineRoom:
    """Starts, ends and cuts what makes a host a host."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.fleet: dict[str, Any] = read_json(home / "fleet.json")
        self.httpds = {name: Httpd(home, name) for name, host in self.fleet["hosts"].items() if not host.get("proxy")}
        self.sshds: dict[str, Sshd] = {}
        self.balancers = self._balancers()
        self.admins = {name: AdminSocket(home, name, self.balancers[name], self._do) for name in self._proxies()}
        self.control: asyncio.Server | None = None
        self.held: dict[str, set[asyncio.StreamWriter]] = {name: set() for name in self.fleet["hosts"]}

    async def begin(self) -> None:
        """Everything listens when this returns. Raises CannotStart."""
        states = {name: read_state(self.home, name) for name in self.fleet["hosts"]}
        for name in self.fleet["hosts"]:
            _tree.install_programs(self.home / "hosts" / name, self.fleet["app"])
        starts = [self._begin_httpd(n, s) for n, s in states.items() if s["httpd"]["running"] and not s["down"]]
        httpds = asyncio.gather(*starts, return_exceptions=True)
        # The processes start while this one loads asyncssh, which takes longer than all the rest.
        await asyncio.sleep(0)
        from .sshd import Sshd

        self.sshds = {name: Sshd(self.home, name, host["ssh"]) for name, host in self.fleet["hosts"].items()}
        for name, balancer in self.balancers.items():
            if name not in states or not states[name]["down"]:
                await self._listening(f"the balancer of {name}", balancer.port, balancer)
        for name, sshd in self.sshds.items():
            if not states[name]["down"]:
                await self._listening(f"the sshd of {name}", sshd.port, sshd)
                if name in self.admins:
                    await self.admins[name].begin()
        await self._begin_control()
        for failure in await httpds:
            if failure is not None:
                raise CannotStart(str(failure))
        for balancer in self.balancers.values():
            balancer.watch()

    def _proxies(self) -> list[str]:
        return [name for name, host in self.fleet["hosts"].items() if host.get("proxy")]

    def _balancers(self) -> dict[str, Balancer]:
        """By the name of the proxy; a set of several hosts and no proxy has one too, by the set's name."""
        hosts, app, found = self.fleet["hosts"], self.fleet["app"], {}
        for set_name, spec in self.fleet["sets"].items():
            nodes = {name.partition(".")[0]: hosts[name]["http"] for name in spec["hosts"]}
            ports = {name: hosts[name]["http"] for name in self._proxies() if hosts[name]["set"] == set_name}
            if not ports and len(nodes) > 1:
                ports = {set_name: spec["port"]}
            for name, port in ports.items():
                timing = self.fleet["inter"], self.fleet["fall"], self.fleet["rise"]
                found[name] = Balancer(port, app["backend"], nodes, *timing, app["path"])
        return found

    async def _begin_httpd(self, name: str, state: dict[str, Any]) -> None:
        why = await self.httpds[name].begin(state["httpd"]["since"])
        if why:
            # The state goes on saying that it runs: it is the port that is in the way, not the host's doing.
            change_state(self.home, name, lambda s: s["httpd"].update(running=True, failed=False))
            raise CannotStart(f"the httpd of {name} cannot use port {self.fleet['hosts'][name]['http']}: {why}")

    async def _listening(self, who: str, port: int, server: Balancer | Sshd) -> None:
        try:
            await server.begin()
        except OSError as error:
            raise CannotStart(f"{who} cannot use port {port}: {_reason(error)}") from error

    async def _begin_control(self) -> None:
        port = self.fleet["control"]
        try:
            self.control = await asyncio.start_server(self._answer, "127.0.0.1", port)
        except OSError as error:
            raise CannotStart(f"the control port {port} cannot be used: {_reason(error)}") from error

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of a program or of faults.py. `hold` is answered by the end of the fleet, or of the host."""
        with suppress(OSError, ValueError, KeyError):
            request = json.loads(await reader.readline())
            if hmac.compare_digest(request["secret"], self.fleet["secret"]):
                if request["op"] == "hold":
                    await self._hold(request["host"], reader, writer)
                else:
                    writer.write(json.dumps(await self._request(request)).encode() + b"\n")
                    await writer.drain()
        writer.close()

    async def _hold(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not read_state(self.home, host)["down"]:
            self.held[host].add(writer)
            await reader.read()
            self.held[host].discard(writer)

    async def _request(self, request: dict[str, Any]) -> dict[str, Any]:
        """What a request asks for; KeyError for one that there is not."""
        name = request["host"]
        match request["op"]:
            case "httpd":
                why = await self.httpds[name].act(request["action"])
                return {"error": why} if why else {"ok": True}
            case "haproxy":
                return {"said": answer(self.balancers[name], request["command"])}
            case "reload":
                self.balancers[name].reload()
            case op:
                await self._do(op, name)
        return {"ok": True}

    async def _do(self, op: str, name: str) -> None:
        """Cut a host's connections, take its power away, or give it power."""
        match op:
            case "drop":
                await self.sshds[name].cut()
            case "down":
                change_state(self.home, name, lambda state: _power(state, False))
                await self._power_off(name)
            case "restart":
                change_state(self.home, name, lambda state: _power(state, False))
                await self._power_off(name)
                await self._boot(name)
            case "revive" if read_state(self.home, name)["down"]:
                await self._boot(name)

    async def _boot(self, name: str) -> None:
        boot(self.home, name)
        if name in self.admins:
            await self.balancers[name].begin()
            self.balancers[name].reload()
            await self.admins[name].begin()
        else:
            await self.httpds[name].begin(read_state(self.home, name)["httpd"]["since"])
        await self.sshds[name].begin()

    async def _power_off(self, name: str) -> None:
        """Nothing of this host runs when this returns."""
        for writer in list(self.held[name]):
            writer.close()
        if name in self.admins:
            self.admins[name].end()
            await self.balancers[name].end()
        else:
            await self.httpds[name].power_off()
        if name in self.sshds:
            await self.sshds[name].end()

    async def end(self) -> None:
        """Everything that was started is gone when this returns; the state keeps what was running."""
        if self.control is not None:
            self.control.close()
        for balancer in self.balancers.values():
            await balancer.end()
        await asyncio.gather(*(self._power_off(name) for name in self.fleet["hosts"]))


def _reason(error: OSError) -> str:
    """The system's own words: asyncio wraps them in a sentence about itself."""
    return os.strerror(error.errno) if error.errno else str(error)
