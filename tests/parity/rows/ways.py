"""How the host is got at: ProxyJump and ProxyCommand."""

from __future__ import annotations

from typing import Any

from ..row import BASE, HOP, HOP2, HOST, INNER, Row, Server, Verdict

PLAIN = f"{INNER} <host>\n"
BOTH = f"{PLAIN}hop.example <hop>\n"
THREE = f"{BOTH}hop2.example <hop2>\n"
DENIED = "(?i)does not let|denied|authentication"
RELAY = """import os, socket, sys, threading
line = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def back():
    while data := line.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    line.sendall(data)
"""
HANDS_OVER = """import socket, sys
line = socket.create_connection((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=1), [b"x"], [line.fileno()])
"""


def jump(value: str, more: str = "") -> str:
    """ProxyJump for the inner host."""
    return f"Host {INNER}\n    ProxyJump {value}\n{more}{BASE}"


def through(value: str) -> str:
    """ProxyCommand for the inner host."""
    return f"Host {INNER}\n    ProxyCommand {value}\n{BASE}"


def command(value: str) -> str:
    """ProxyCommand for the host."""
    return f"Host {HOST}\n    ProxyCommand {value}\n{BASE}"


BEHIND = Server(INNER)
FILES = {"relay.py": RELAY}


def inner(
    words: str,
    ssh: Verdict,
    config: str = BASE,
    known: str = BOTH,
    servers: tuple[Server, ...] = (BEHIND, HOP),
    **more: Any,
) -> Row:
    """A row about the host whose address only the jump hosts know, so that a way past them is no way in."""
    return Row(words, ssh, config, known, servers, typed=INNER, **more)


ROWS = (
    inner("ProxyJump", "in", jump("hop.example"), BOTH, (BEHIND, HOP)),
    Row("ProxyJump none", "in", f"Host {HOST}\n    ProxyJump none\nHost *\n    ProxyJump hop.example\n{BASE}"),
    inner("a host that is behind a jump host, without ProxyJump", "out", known=BOTH, servers=(BEHIND, HOP), says=INNER),
    inner("ProxyJump over two hosts", "in", jump("hop.example,hop2.example"), THREE, (BEHIND, HOP, HOP2)),
    inner(
        "ProxyJump of a ProxyJump",
        "in",
        jump("hop2.example", "Host hop2.example\n    ProxyJump hop.example\n"),
        THREE,
        (BEHIND, HOP, HOP2),
    ),
    inner(
        "ProxyJump with user and port",
        "in",
        jump("deploy@hop.example:2222"),
        f"{PLAIN}[hop.example]:2222 <hop>\n",
        (BEHIND, Server("hop.example", 2222, "hop", options="AllowUsers deploy")),
    ),
    inner(
        "ProxyJump with another user than the jump host lets in",
        "out",
        jump("root@hop.example"),
        BOTH,
        (BEHIND, Server("hop.example", key="hop", options="AllowUsers deploy")),
        says="hop\\.example",
    ),
    inner(
        "ProxyJump as a URI",
        "in",
        jump("ssh://deploy@hop.example:2222"),
        f"{PLAIN}[hop.example]:2222 <hop>\n",
        (BEHIND, Server("hop.example", 2222, "hop")),
    ),
    inner(
        "ProxyJump to a name that is explained in a Host block",
        "in",
        jump("bastion", "Host bastion\n    HostName hop.example\n    Port 2222\n    User deploy\n"),
        f"{PLAIN}[hop.example]:2222 <hop>\n",
        (BEHIND, Server("hop.example", 2222, "hop", options="AllowUsers deploy")),
    ),
    inner(
        "ProxyJump whose host has a key of its own",
        "in",
        f"Host hop.example\n    IdentityFile <keys>/rsa\n    IdentitiesOnly yes\n    User root\n{jump('hop.example')}",
        BOTH,
        (BEHIND, Server("hop.example", key="hop", authorized=("rsa",))),
    ),
    inner(
        "ProxyJump for a pattern",
        "in",
        f"Match host *.example,!hop.example\n    ProxyJump hop.example\n{BASE}",
        BOTH,
        (BEHIND, HOP),
    ),
    inner(
        "ProxyJump for every host, the jump host too",
        "out",
        f"ProxyJump hop.example\n{BASE}",
        BOTH,
        (BEHIND, HOP),
        says="(?i)circle|loop|itself",
    ),
    Row("ProxyJump to itself", "out", f"ProxyJump {HOST}\n{BASE}", says="(?i)circle|loop|itself"),
    inner(
        "ProxyJump with an unknown key", "out", jump("hop.example"), PLAIN, (BEHIND, HOP), says="hop\\.example.*known"
    ),
    inner(
        "ProxyJump with a changed key",
        "out",
        jump("hop.example"),
        f"{PLAIN}hop.example <other>\n",
        (BEHIND, HOP),
        says="(?i)hop\\.example.*changed",
    ),
    inner(
        "the second of two jump hosts has an unknown key",
        "out",
        jump("hop.example,hop2.example"),
        BOTH,
        (BEHIND, HOP, HOP2),
        says="hop2\\.example.*known",
    ),
    inner(
        "a host with an unknown key behind a jump host",
        "out",
        jump("hop.example"),
        "hop.example <hop>\n",
        (BEHIND, HOP),
        says="inner\\.example.*known",
    ),
    inner(
        "an unknown jump host and StrictHostKeyChecking no for it (stricter: it is never accepted)",
        "in",
        jump("hop.example", "Host hop.example\n    StrictHostKeyChecking no\n"),
        PLAIN,
        (BEHIND, HOP),
        ours="out",
        says="hop\\.example.*known",
    ),
    inner(
        "ProxyJump that forwards nothing",
        "out",
        jump("hop.example"),
        BOTH,
        (BEHIND, Server("hop.example", key="hop", options="AllowTcpForwarding no")),
        says="hop\\.example",
    ),
    inner(
        "ProxyJump that lets nobody in",
        "out",
        jump("hop.example"),
        BOTH,
        (BEHIND, Server("hop.example", key="hop", authorized=())),
        says="hop\\.example",
    ),
    inner("ProxyJump to a host that does not exist", "out", jump("no.example"), says="no\\.example"),
    inner(
        "ProxyJump to a port where nobody listens",
        "out",
        jump("hop.example:2223"),
        BOTH,
        (BEHIND, HOP),
        says="hop\\.example",
    ),
    inner(
        "ProxyJump to a host that cannot reach the port",
        "out",
        jump("hop.example", f"Host {INNER}\n    Port 2223\n"),
        BOTH,
        (BEHIND, HOP),
        says="hop\\.example",
    ),
    inner(
        "ProxyJump with a passphrase key that the agent holds",
        "in",
        f"Host hop.example\n    IdentityFile <keys>/locked\n    IdentitiesOnly yes\n{jump('hop.example')}",
        BOTH,
        (BEHIND, Server("hop.example", key="hop", authorized=("locked",))),
        agents={"agent": ("locked",)},
        environment={"SSH_AUTH_SOCK": "<home>/agent"},
    ),
    inner(
        "ProxyJump before ProxyCommand: the first counts",
        "in",
        f"Host {INNER}\n    ProxyJump hop.example\n    ProxyCommand false\n{BASE}",
        BOTH,
        (BEHIND, HOP),
    ),
    inner(
        "ProxyCommand before ProxyJump: the first counts",
        "out",
        f"Host {INNER}\n    ProxyCommand false\n    ProxyJump hop.example\n{BASE}",
        BOTH,
        (BEHIND, HOP),
        says="false|ProxyCommand",
    ),
    # ProxyCommand
    Row("ProxyCommand with %h and %p", "in", command("<python> <home>/relay.py %h %p"), files=FILES),
    Row(
        "ProxyCommand with %n, %r and %%",
        "in",
        command("<python> <home>/relay.py %h %p %n-%r-%%"),
        files={"relay.py": f"import sys\nassert sys.argv.pop() == '{HOST}-root-%'\n{RELAY}"},
    ),
    Row(
        "ProxyCommand with a token that nobody knows",
        "out",
        command("<python> <home>/relay.py %h %p %x"),
        files=FILES,
        says="%x|config",
    ),
    Row("ProxyCommand with $HOME", "in", command("<python> $HOME/relay.py %h %p"), files=FILES),
    Row("ProxyCommand with ~", "in", command("<python> ~/relay.py %h %p"), files=FILES),
    Row(
        "ProxyCommand that begins with a variable: it is run with exec",
        "out",
        command("where=<home>; <python> $where/relay.py %h %p"),
        files=FILES,
        says="where=|ProxyCommand",
    ),
    Row(
        "ProxyCommand with a command line for sh",
        "in",
        command("sh -c 'where=<home>; exec <python> $where/relay.py %h %p'"),
        files=FILES,
    ),
    Row(
        "ProxyCommand with quotes",
        "in",
        command('<python> "<home>/my relay.py" \'%h\' "%p"'),
        files={"my relay.py": RELAY},
    ),
    Row("ProxyCommand with a pipe", "in", command("<python> <home>/relay.py %h %p | cat"), files=FILES),
    Row(
        "ProxyCommand with exec: it is run with exec already",
        "out",
        command("exec <python> <home>/relay.py %h %p"),
        files=FILES,
        says="exec|ProxyCommand",
    ),
    Row(
        "ProxyCommand with what bash knows, and a $SHELL that is bash",
        "in",
        command("<python> <home>/relay.py $'%h' %p"),
        files=FILES,
        environment={"SHELL": "/bin/bash"},
    ),
    Row(
        "ProxyCommand with what bash knows, and a $SHELL that is sh",
        "out",
        command("<python> <home>/relay.py $'%h' %p"),
        files=FILES,
        environment={"SHELL": "/bin/sh"},
        says="gaierror|resol|ProxyCommand",
    ),
    Row(
        "ProxyCommand and a $SHELL that fails",
        "out",
        command("<python> <home>/relay.py %h %p"),
        files=FILES,
        environment={"SHELL": "/bin/false"},
        says="ProxyCommand|/bin/false",
    ),
    Row(
        "ProxyCommand with || after what fails: it is run with exec",
        "out",
        command("false || <python> <home>/relay.py %h %p"),
        files=FILES,
        says="false|ProxyCommand",
    ),
    Row("ProxyCommand with 2>/dev/null", "in", command("<python> <home>/relay.py %h %p 2>/dev/null"), files=FILES),
    Row(
        "ProxyCommand that says something on stderr, and works",
        "in",
        command("sh -c 'echo one moment >&2; exec <python> <home>/relay.py %h %p'"),
        files=FILES,
    ),
    Row(
        "ProxyCommand and HostName",
        "in",
        f"Host web.example\n    HostName {HOST}\n    ProxyCommand <python> <home>/relay.py %h %p\n{BASE}",
        files=FILES,
        typed="web.example",
    ),
    inner("ProxyCommand with ssh -W", "in", through("ssh -F <home>/config -W %h:%p hop.example"), BOTH, (BEHIND, HOP)),
    inner(
        "ProxyCommand with ssh -W, through a host with an unknown key",
        "out",
        through("ssh -F <home>/config -o BatchMode=yes -W %h:%p hop.example"),
        PLAIN,
        (BEHIND, HOP),
        says="Host key verification failed",
    ),
    Row("ProxyCommand none", "in", f"Host {HOST}\n    ProxyCommand none\nHost *\n    ProxyCommand false\n{BASE}"),
    inner(
        "ProxyCommand for the jump host",
        "in",
        jump("hop.example", "Host hop.example\n    ProxyCommand <python> <home>/relay.py %h %p\n"),
        BOTH,
        (BEHIND, HOP),
        files=FILES,
    ),
    Row(
        "ProxyCommand that fails with words",
        "out",
        command("sh -c 'echo the token has run out >&2; exit 1'"),
        says="the token has run out",
    ),
    Row("ProxyCommand that fails without words", "out", command("false"), says="ProxyCommand|false"),
    Row("ProxyCommand whose program is missing", "out", command("no-such-program %h %p"), says="no-such-program"),
    Row(
        "ProxyCommand whose program is missing, with its path",
        "out",
        command("/no/such/program %h %p"),
        says="/no/such/program",
    ),
    Row("ProxyCommand that says what no ssh server says", "out", command("echo HTTP/1.1 403 Forbidden"), says=HOST),
    Row(
        "ProxyCommand and an unknown key",
        "out",
        command("<python> <home>/relay.py %h %p"),
        "",
        files=FILES,
        says="host\\.example.*known",
    ),
    Row(
        "ProxyUseFdpass",
        "in",
        command("<python> <home>/hands_over.py %h %p\n    ProxyUseFdpass yes"),
        files={"hands_over.py": HANDS_OVER},
    ),
    Row(
        "ProxyUseFdpass and a command that hands nothing over",
        "out",
        command("sh -c 'echo nothing to hand over >&2; exit 1'\n    ProxyUseFdpass yes"),
        says="nothing to hand over",
    ),
)

# Not in the table: here ssh starts ssh that starts ssh, until the machine is full.
CIRCLE = inner(
    "ProxyJump in a circle",
    "out",
    jump("hop.example", "Host hop.example\n    ProxyJump hop2.example\nHost hop2.example\n    ProxyJump hop.example\n"),
    THREE,
    (BEHIND, HOP, HOP2),
    says="(?i)circle|loop",
)
