"""Does a node answer, and which build is it that answers? As shell that runs on the node itself (shell/httpd.sh).

From the node, because the control host may not reach it other than through SSH; curl, because every host has it.
"""

from __future__ import annotations

import math
import re

from ..inventory.model import App, Health
from .shell import call


def answer(app: App, health: Health) -> str:
    """Shell that prints `answer<TAB>STATUS VERSION`, e.g. `200 0.4.4.11` or `000 -`.

    Where the page does not show its version, httpd having started after the package was installed stands for
    the installed version, and having started before stands for an unknown old one.
    """
    return call("fact_page", *_page(app, health))


def settle(health: Health) -> str:
    """Shell that asks the node for its page, and once more if it was answered, whatever with."""
    return call("page_settle", health.page, math.ceil(health.timeout))


def poll(app: App, health: Health, wanted: str | None, warm: bool = False) -> str:
    """Shell that ends well as soon as the node answers with version `wanted` (any, if None), within the deadline.

    warm: it then asks for some pages at once, before users do.
    """
    wait = call("page_wait", *_page(app, health), f"{health.deadline:.0f}", wanted or "")
    return f"{wait} && {call('page_warm', health.page, math.ceil(health.timeout))}" if warm else wait


def _page(app: App, health: Health) -> tuple[object, ...]:
    """What the functions that ask for the page take."""
    seconds = math.ceil(health.timeout)  # the curl of EL7 knows whole seconds only
    return health.page, seconds, health.status, app.package, app.service, _version(health.version)


def _version(shown: str | None) -> str:
    """sed's script that takes the version out of a page that shows it like this, e.g. `Blockerbugs {version}`."""
    if not shown:
        return ""
    before, after = (_sed(part) for part in shown.split("{version}"))
    # Greedy as sed is: where nothing stands before the version, it must begin where a word begins.
    start = f".*{before}" if before else "\\(.*[^0-9A-Za-z._~^+]\\)\\{0,1\\}"
    group = 1 if before else 2
    return f"s/{start}\\([0-9A-Za-z][0-9A-Za-z._~^+]*\\){after}.*/\\{group}/p"


def _sed(text: str) -> str:
    """`text` to be taken literally in a basic regular expression between slashes."""
    return re.sub(r"([\\/.*\[\]^$])", r"\\\1", text)
