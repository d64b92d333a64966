"""How much is shown: the flags that the tasks on hosts share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from typing import Any

from .report import Shown

SHOWING = {
    "verbose": "Show every line of every host.",
    "quiet": "Show only the recap, and what is asked.",
    "json": "JSON lines on stdout (docs/json.md), what is for people on stderr.",
    "junit": "Write JUnit XML to this file, a test case for each host and step.",
}
JSON = {"json": SHOWING["json"]}
Body = Callable[..., None]


def showing(flags: dict[str, str]) -> Callable[[Body], Body]:
    """Give a task these flags of SHOWING; it gets what was typed as one value, `shown`."""

    def decorate(body: Body) -> Body:
        @wraps(body)
        def typed(context: Any, *args: Any, **given: Any) -> None:
            shown = Shown(**{name: given.pop(name) for name in flags if name in given})
            body(context, *args, shown=shown, **given)

        # Invoke makes a task's flags out of its signature.
        own = [p for name, p in inspect.signature(body).parameters.items() if name != "shown"]
        more = [Parameter(name, Parameter.KEYWORD_ONLY, default="" if name == "junit" else False) for name in flags]
        typed.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
        return typed

    return decorate
