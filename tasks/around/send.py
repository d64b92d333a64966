"""`python -m tasks.around.send`: tell every address on standard input, and say of each whether it was told.

A program of its own, so that what a library does with a dead server (retry, hang, keep threads) ends with it, and
so that addresses with tokens stand in no list of processes.
"""

from __future__ import annotations

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..journal.coding import entry
from .texts import message

BUS = "fedora-messaging"
TOPIC = "blockerbugs.upgrade"


def main() -> None:
    """Read lines of `{event, entries, addresses, seconds}`; print `EVENT NAME<TAB>told` for each, or why it was not."""
    logging.disable()  # the libraries' own lines hold addresses
    with ThreadPoolExecutor(max_workers=16) as pool:
        for line in sys.stdin:
            task = json.loads(line)
            for name, address in task["addresses"].items():
                pool.submit(tell, task, name, address)


def tell(task: dict[str, Any], name: str, address: str) -> None:
    """Tell one address one thing, and print what became of it."""
    event, seconds = task["event"], task["seconds"]
    subject, text, data = message(event, [entry(raw) for raw in task["entries"]])
    if address.partition(":")[0] == BUS:
        answer = publish(f"{TOPIC}.{event}", data, seconds)
    else:
        answer = notify(address, subject, text, seconds)
    print(f"{event} {name}\t{answer}", flush=True)


def notify(address: str, subject: str, text: str, seconds: float) -> str:
    """`told`, or why not, by way of apprise."""
    try:
        import apprise
    except ImportError:
        return "apprise is not installed; .venv/bin/pip install 'apprise>=1.9'"
    target = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if target is None:
        return "apprise does not understand the address"
    target.socket_connect_timeout = target.socket_read_timeout = seconds
    # Mail would be sent as HTML that is none: one line of it all, and what a host said could be an element of it.
    target.notify_format = apprise.NotifyFormat.TEXT
    told = target.notify(title=subject, body=text, notify_type=apprise.NotifyType.INFO)
    return "told" if told else "it could not be reached, or refused"


def publish(topic: str, data: dict[str, Any], seconds: float) -> str:
    """`told`, or why not, on the bus that fedora-messaging's own configuration names."""
    try:
        from fedora_messaging import api, exceptions
        from fedora_messaging import message as bus
    except ImportError:
        return "fedora-messaging is not installed; .venv/bin/pip install 'fedora-messaging>=3.5'"
    try:
        api.publish(bus.Message(topic=topic, body=data), timeout=int(seconds))
    except Exception as error:  # noqa: BLE001  # twisted's, pika's, its own; of a dead broker also AttributeError
        if isinstance(error, exceptions.BaseException) and not isinstance(error, exceptions.PublishTimeout):
            return f"it could not be published: {type(error).__name__}"  # which holds no secret
        return "the bus could not be reached"
    return "told"


if __name__ == "__main__":
    main()
