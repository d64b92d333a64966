"""A balancer's admin socket: what haproxy 2.6 answers to the commands that a drain is made of, in its own words."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from .programs._faults import PROXY_KINDS, peek, take
from .servers import STATES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from .balancer import Balancer

PLACE = "run/haproxy/admin.sock"
COMMANDS = """\
  set server <bk>/<srv> [opts]            : change a server's state, weight, address or ssl
  show backend                            : list backends in the current running config
  show cli level                          : display the level of the current CLI session
  show info [desc|json|typed|float]*      : report information about the running process
  show servers state [<backend>]          : dump volatile server information (all or for a single backend)
  show stat [desc|json|no-maint|typed|up]*: report counters for each proxy and server
  help [<command>]                        : list matching or all commands
"""
COLUMNS = (
    "pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,"
    "chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,"
    "check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,"
    "req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,"
    "rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,"
    "agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,"
    "wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,"
    "idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,agg_server_status,agg_server_check_status,"
    "agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,"
    "h2_rst_stream_rcvd,h2_goaway_rcvd,h2_detected_conn_protocol_errors,h2_detected_strm_protocol_errors,"
    "h2_rst_stream_resp,h2_goaway_resp,h2_open_connections,h2_backend_open_streams,h2_total_connections,"
    "h2_backend_total_streams,h1_open_connections,h1_open_streams,h1_total_connections,h1_total_streams,h1_bytes_in,"
    "h1_bytes_out,h1_spliced_bytes_in,h1_spliced_bytes_out"
)
STATE_COLUMNS = (
    "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
    " srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state"
    " bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr"
    " srv_agent_addr srv_agent_port"
)
USAGE = (
    "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr |"
    " check-port | fqdn | health | ssl | state | weight"
)
FRONTEND, BACKEND, SERVER = 1, 2, 4  # the bits by which `show stat` is asked for less


def answer(balancer: Balancer, command: str, level: str = "admin") -> str:
    """What haproxy says to one command, without the empty line behind it. level: user, operator or admin."""
    match command.split():
        case ["show", "stat", *which]:
            return _stat(balancer, which)
        case ["show", "servers", "state", *which]:
            if which and which[0] != balancer.name:
                return "Can't find backend.\n"
            lines = "".join(f"{server.state(balancer.name)}\n" for server in balancer.servers)
            return f"1\n# {STATE_COLUMNS}\n{lines}"
        case ["show", "backend", *_]:
            return f"# name\n{balancer.name}\n"
        case ["show", "cli", "level", *_]:
            return f"{level}\n"
        case ["show", "info", *_]:
            return f"Name: HAProxy\nVersion: 2.6.12\nPid: {os.getpid()}\n"
        case ["set", "server", *_] if level != "admin":
            return "Permission denied\n"
        case ["set", "server", *words]:
            return _set_server(balancer, words)
        case ["help", *_]:
            return f"The following commands are valid at this level:\n{COMMANDS}"
    return f"Unknown command. Please enter one of the following commands only:\n{COMMANDS}"


def _stat(balancer: Balancer, which: list[str]) -> str:
    """The CSV of all, or of `PROXY|-1 TYPE SERVER|-1`: haproxy takes note of that only where all three are said."""
    kinds, number = FRONTEND | BACKEND | SERVER, -1
    if len(which) >= 3:
        if which[0] not in ("-1", "2", balancer.name):
            return "No such proxy.\n"
        kinds, number = int(which[1]), int(which[2])
    sessions, total = sum(s.sessions for s in balancer.servers), sum(s.total for s in balancer.servers)
    whole = {"pxname": balancer.name, "scur": sessions, "stot": total, "pid": 1, "iid": 2, "sid": 0, "mode": "http"}
    usable = sum(server.usable for server in balancer.servers)
    lines: list[dict[str, object]] = []
    if kinds & FRONTEND:
        lines.append(whole | {"svname": "FRONTEND", "status": "OPEN", "type": 0})
    if kinds & SERVER:
        lines += [s.stat(balancer.name) for s in balancer.servers if number in (-1, s.number)]
    if kinds & BACKEND:
        status = "UP" if usable else "DOWN"
        lines.append(whole | {"svname": "BACKEND", "status": status, "act": usable, "weight": usable, "type": 1})
    columns = COLUMNS.split(",")
    return f"# {COLUMNS},\n" + "".join(",".join(str(line.get(c, "")) for c in columns) + ",\n" for line in lines)


def _set_server(balancer: Balancer, words: list[str]) -> str:
    """`set server BACKEND/SERVER state|health WORD`; a command that was carried out is answered by nothing."""
    backend, _, name = (words[0] if words else "").partition("/")
    if not name:
        return "Require 'backend/server'.\n"
    if backend != balancer.name:
        return "No such backend.\n"
    server = next((server for server in balancer.servers if server.name == name), None)
    if server is None:
        return "No such server.\n"
    match words[1:]:
        case ["state", state, *_] if state in STATES:
            server.tell_state(state)
        case ["health", ("up" | "down") as health, *_]:
            server.tell_health(health == "up")
        case ["state", *_]:
            return "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n"
        case ["health", *_]:
            return "'set server <srv> health' expects 'up', 'stopping', or 'down'.\n"
        case _:
            return f"{USAGE}\n"
    return ""


class AdminSocket:
    """The socket in a proxy's folder, and the faults that wait at it."""

    def __init__(self, home: Path, host: str, balancer: Balancer, power: Callable[[str, str], Awaitable[None]]) -> None:
        """power: `drop`s this host's SSH connections, takes it `down`, or lets it `restart`."""
        self.home, self.host, self.balancer, self.power = home, host, balancer, power
        self.place = home / "hosts" / host / PLACE
        self.server: asyncio.AbstractServer | None = None
        self.lines: set[asyncio.StreamWriter] = set()
        self.reloads: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Listen. OSError when that cannot be."""
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.place.unlink(missing_ok=True)
        listener, here = socket.socket(socket.AF_UNIX), os.open(".", os.O_RDONLY)
        try:
            os.chdir(
                self.place.parent
            )  # a socket's address has room for a hundred letters, and its folder may have more
            listener.bind(self.place.name)
        finally:
            os.fchdir(here)
            os.close(here)
        self.place.chmod(0o600)
        self.server = await asyncio.start_unix_server(self._serve, sock=listener)

    def end(self) -> None:
        """Listen no more; as with a haproxy that was killed, the file is still there."""
        for task in self.reloads:
            task.cancel()
        for line in self.lines:
            line.close()
        if self.server is not None:
            self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one line of commands, which `;` parts, and close: haproxy does so to whoever did not say `prompt`."""
        self.lines.add(writer)
        with suppress(OSError, ValueError, asyncio.IncompleteReadError):
            line = (await reader.readuntil(b"\n")).decode("utf-8", "replace")
            for command in line.strip().rstrip(";").split(";"):
                said = await self.said(command)
                if said is None:
                    break
                writer.write(f"{said}\n".encode())
                await writer.drain()
        self.lines.discard(writer)
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def said(self, command: str) -> str | None:
        """The answer to a command, with the faults that wait for it; None: haproxy is gone before it answers."""
        step = _step(command)
        denied = any(self._waits(each) for each in ([step] if step else ["drain", "undrain"]))
        for fault in take(self.home, self.host, step, PROXY_KINDS) if " state " in command else []:
            match fault["kind"]:
                case "fail":
                    return None
                case "nothing":
                    return ""
                case "slow":
                    await asyncio.sleep(fault["seconds"])
                case "hang":
                    await asyncio.Event().wait()
                case "reload":
                    self._reload_in(fault["seconds"])
                case "drop" | "down" | "restart" as cut:
                    await self.power(cut, self.host)
                    if cut != "drop":
                        return None
        return answer(self.balancer, command, "operator" if denied else "admin")

    def _waits(self, step: str) -> bool:
        return bool(peek(self.home, self.host, step, {"denied"}))

    def _reload_in(self, seconds: float) -> None:
        async def reload() -> None:
            await asyncio.sleep(seconds)
            self.balancer.reload()

        task = asyncio.create_task(reload())
        self.reloads.add(task)
        task.add_done_callback(self.reloads.discard)


def _step(command: str) -> str:
    """The step of a drain that this command belongs to; none for one that only looks, or only asks for the right to."""
    match command.split():
        case ["set", "server", _, "state", "drain" | "maint", *_]:
            return "drain"
        case ["set", "server", _, "state", "ready", *_] | ["set", "server", _, "health", *_]:
            return "undrain"
    return ""
