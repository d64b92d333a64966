"""A silence in an Alertmanager, by its API v2. It is found by its comment, so that nobody has to remember its id."""

from __future__ import annotations

import email.utils
import http.client
import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from ..fleet.output import clean
from ..http_in_time import opener, within
from ..inventory.around import Silence
from . import variables
from .occasion import Occasion

NOT_CONNECTED = (ConnectionRefusedError, socket.gaierror)  # nothing was sent then
MOST_BYTES = 32 << 20  # of all silences of the last days


class Failed(Exception):
    """Why not, in a sentence; known: is it known that nothing came of it?"""

    def __init__(self, why: str, known: bool = True) -> None:
        super().__init__(why)
        self.known = known


def look(silence: Silence) -> None:
    """Does it answer? Raises Failed."""
    with within(silence.seconds):
        found, _ = _ask(silence, "status")
    if not isinstance(found, dict) or "versionInfo" not in found:
        raise Failed(f"{silence.silence} answers, but not as an Alertmanager (API v2) does")


def begin(silence: Silence, occasion: Occasion) -> None:
    """Put the silence up, or have the one of this run end later. Raises Failed.

    Its times are the Alertmanager's own: this machine's clock may be another.
    """
    with within(silence.seconds):
        up, now = _up(silence, [occasion.mark(occasion.run)])
        wanted = {
            "matchers": [_matcher(name, value) for name, value in silence.matchers.items()],
            "startsAt": _iso(now),
            "endsAt": _iso(now + occasion.expires),
            "createdBy": occasion.operator,
            "comment": occasion.comment,
        }
        earlier = {"id": up[0]["id"], "startsAt": up[0]["startsAt"]} if up else {}
        _ask(silence, "silences", "POST", {**wanted, **earlier})


def end(silence: Silence, occasion: Occasion, runs: Collection[str]) -> None:
    """Take down every silence of these runs; none there is as good. Raises Failed."""
    with within(silence.seconds):
        for one in _up(silence, [occasion.mark(run) for run in runs])[0]:
            _ask(silence, f"silence/{one['id']}", "DELETE")


def _up(silence: Silence, marks: Collection[str]) -> tuple[list[dict[str, Any]], float]:
    """The silences that are not over and whose comment ends with one of the marks; what time it is there."""
    found, now = _ask(silence, "silences")
    if not isinstance(found, list):
        raise Failed(f"{silence.silence} answers, but not as an Alertmanager (API v2) does")
    return [one for one in found if _is_up(one) and one["comment"].endswith(tuple(marks))], now


def _is_up(one: Any) -> bool:
    if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in ("id", "comment", "startsAt")):
        return False
    status = one.get("status")
    state = status.get("state") if isinstance(status, dict) else None
    return state != "expired" and one["id"].replace("-", "").isalnum()


def _matcher(name: str, value: str) -> dict[str, Any]:
    regex = value.startswith("~")
    return {"name": name, "value": value.removeprefix("~") if regex else value, "isRegex": regex, "isEqual": True}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ask(silence: Silence, path: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> tuple[Any, float]:
    """What is answered, and the time on the other side's clock. Raises Failed, which never holds the address as it is
    filled in: that may have a token.
    """
    texts = [silence.silence, *silence.headers.values()]
    if unset := [name for text in texts for name in variables.missing(text, os.environ)]:
        raise Failed(f"{', '.join(dict.fromkeys(unset))} is not set in the environment")
    url = f"{variables.filled(silence.silence, os.environ).rstrip('/')}/api/v2/{path}"
    headers = {name: variables.filled(value, os.environ) for name, value in silence.headers.items()}
    if wrong := [name for name, value in headers.items() if not _fits_a_header(value)]:
        why = "has a line break, or a character that no header may have, as the environment fills it in"
        raise Failed(f"headers: {', '.join(wrong)} {why}")
    where = silence.silence
    try:
        request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
        request.add_header("Content-Type", "application/json")
        with opener(redirects=False).open(request, timeout=silence.seconds) as response:
            text = response.read(MOST_BYTES)
            return json.loads(text) if text.strip() else None, _clock(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            raise Failed(f"{where} answers {error.code}: {_said(error)}") from None
    except TimeoutError:
        raise Failed(f"{where} does not answer in {silence.seconds:g} s", known=False) from None
    except http.client.InvalidURL:
        raise Failed(f"{where} is no address, as the environment fills it in") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise Failed(f"{where} does not answer in {silence.seconds:g} s", known=False) from None
        known = isinstance(reason, NOT_CONNECTED)
        raise Failed(f"{where} cannot be asked: {clean(str(reason))[:200]}", known) from None
    except (ValueError, RecursionError):
        raise Failed(f"{where} answers, but not as an Alertmanager (API v2) does") from None


def _fits_a_header(value: str) -> bool:
    return not any(char in "\r\n\0" or ord(char) > 255 for char in value)


def _clock(headers: Any) -> float:
    try:
        return email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    except (TypeError, ValueError):
        return time.time()


def _said(error: urllib.error.HTTPError) -> str:
    try:
        text = error.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        text = ""
    return clean(" ".join(text.split()).strip('"'))[:200] or "nothing beside"
