"""A script on a host, followed to its end although the line may drop in its middle."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event
from time import monotonic, time
from typing import Any, Literal

from ..errors import Refused
from ..inventory.model import Host
from .attempts import Attempts, Fresh
from .connection import Node
from .outcome import Listener, Means, Outcome, failure
from .shell import Output, ShellEnded, StepTimeout
from .side_by_side import Left
from .unreachable import Unanswered
from .wire import ConnectionLost

GONE_SECONDS = 5.0  # that a host is given which has been tried in vain for all the time that there is
QUESTION_SECONDS = 60.0  # at least, for who is asked on the way back into a host

_Lost = Literal["", "before", "in the middle", "unanswered"]  # of a script


def follow(
    node: Node,
    host: Host,
    script: str,
    listener: Listener,
    seconds: float,
    reconnect: float,
    means: Means,
    left: Event,
) -> Outcome:
    """Run `script` as root in the host's one root shell, and say what became of it; see `Machines.carry_out`.

    host: what the listener calls this one; reconnect: for how many seconds it is tried again when the line drops.
    The script is sent again then: it has to be one that only looks, or one that is never started twice
    (detached.carry_out). A host that did not come back in its time is tried once, and shortly, from then on.
    left: set where nobody waits for it any more, and something else may be sent there instead: raises Left, then,
    rather than send it after that.
    """
    began, at = monotonic(), time()

    def news(tell: Callable[..., None], *what: Any) -> None:
        if not node.closing.is_set():  # what is heard of a connection that is being closed is no news
            tell(host, *what)

    def there() -> None:
        if left.is_set():
            raise Left
        node.hurry(None)
        attempts.back()

    fresh = Fresh(partial(news, listener.line))
    lost, back = partial(news, listener.lost), partial(news, listener.back)
    attempts = Attempts(0 if node.gone else reconnect, node.closing, left, lost, back)
    node.hurry(began + (GONE_SECONDS if node.gone else max(reconnect, QUESTION_SECONDS)))
    while True:
        output, why, gone = _once(node, script, fresh, seconds, there)
        if gone in ("", "unanswered") or not attempts.another(was_there=gone == "in the middle"):
            break
        node.hurry(attempts.ends)
    node.hurry(None)
    node.give_up(gone == "unanswered" or (bool(gone) and (node.gone or reconnect > 0)))
    took = monotonic() - began
    if output is None:
        outcome = Outcome("", took, why, known=False, began=at)
    else:
        said = "\n".join(output.lines)
        outcome = Outcome(said, took, failure(output.exited, said, means), began=at, exited=output.exited)
    news(listener.ended, outcome)
    return outcome


def _once(
    node: Node, script: str, fresh: Fresh, seconds: float, is_there: Callable[[], None]
) -> tuple[Output | None, str, _Lost]:
    """What the script said, or why that is not known, and whether that is because the host was lost."""
    try:
        fresh.begin()
        return node.run(script, fresh.tell, seconds, is_there), "", ""
    except Refused as error:  # it was open when the run began: news about the host, not a refusal
        lost: _Lost = "unanswered" if isinstance(error, Unanswered) else "before"
        return None, error.problems[0].removeprefix(f"{node.label}: "), lost
    except (ConnectionLost, StepTimeout) as error:
        why = str(error) if isinstance(error, StepTimeout | ShellEnded) else "the connection was lost"
        lost = "in the middle" if isinstance(error, ConnectionLost) else ""
        return None, f"{why}: what became of it is not known", lost
