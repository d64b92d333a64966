"""curl: GET over plain HTTP; `localhost` is the host the program runs on."""

from __future__ import annotations

import os
import time

from . import _faults, _http
from ._ends import Quit
from ._host import Host, complain, say

TAKES_VALUE = {"-o": "file", "--output": "file", "-w": "form", "--write-out": "form", "-m": "limit",
               "--max-time": "limit", "--connect-timeout": "connect", "--max-redirs": "redirects", "-H": "ignored",
               "-A": "ignored"}  # fmt: skip
FLAGS = {"--silent": "s", "--show-error": "S", "--location": "L", "--fail": "f", "--include": "i", "--noproxy": ""}


class Asked:
    """What the command line says."""

    def __init__(self) -> None:
        self.flags = ""
        self.url = ""
        self.values: dict[str, str] = {}


def run(host: Host, args: list[str]) -> None:
    """Fetch one address, following redirects with -L; leaves with curl's exit status."""
    asked = _asked(args)
    started = time.monotonic()
    code, body, failed = 0, b"", None
    try:
        host.obey("health", lambda: _refused(host.fleet["hosts"][host.name]["http"]))
        code, body = _http.fetch(host, asked.url, asked.values, "L" in asked.flags, started)
        if "f" in asked.flags and code >= 400:
            failed, body = _http.CurlError(22, f"The requested URL returned error: {code}"), b""
    except _http.CurlError as error:
        failed, code = error, error.code
    _faults.take(host.home, host.name, "health", _faults.HTTPD_KINDS - {"unavailable"})
    _deliver(host, asked.values.get("file"), body)
    if "form" in asked.values:
        values = {"http_code": f"{code:03d}", "time_total": f"{time.monotonic() - started:.6f}", "size_download":
                  str(len(body)), "url_effective": asked.url}  # fmt: skip
        form = asked.values["form"]
        for name, value in values.items():
            form = form.replace(f"%{{{name}}}", value)
        say(form.replace("\\n", "\n").replace("\\t", "\t"), end="")
    if failed:
        if "s" not in asked.flags or "S" in asked.flags:
            complain(f"curl: ({failed.status}) {failed.sentence}")
        raise Quit(failed.status)


def _asked(args: list[str]) -> Asked:
    asked, rest = Asked(), list(args)
    while rest:
        word = rest.pop(0)
        name = word.partition("=")[0]
        if word in TAKES_VALUE:
            asked.values[TAKES_VALUE[word]] = rest.pop(0) if rest else ""
        elif word in FLAGS or name in FLAGS:
            asked.flags += FLAGS[name]
            if word == "--noproxy" and rest:
                rest.pop(0)
        elif word[:1] == "-" and word[1:2] != "-" and word[1:]:
            # Flags in a bunch; the last may be one that takes the next word: -sSo /dev/null
            asked.flags += word[1:-1]
            if f"-{word[-1]}" in TAKES_VALUE:
                rest.insert(0, f"-{word[-1]}")
            else:
                asked.flags += word[-1]
        elif word.startswith("-"):
            complain(
                f"curl: option {word}: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information"
            )
            raise Quit(2)
        else:
            asked.url = word
    if not asked.url:
        complain("curl: no URL specified!\ncurl: try 'curl --help' or 'curl --manual' for more information")
        raise Quit(2)
    return asked


def _refused(port: int) -> None:
    raise _http.CurlError(7, f"Failed connect to localhost:{port}; Connection refused")


def _deliver(host: Host, file: str | None, body: bytes) -> None:
    """Write the body where it was asked for; /dev/null is everybody's."""
    if file is None or file == "-":
        os.write(1, body) if body else None
    elif file != "/dev/null":
        with open(host.path(file), "wb") as target:
            target.write(body)
