"""The Koji hub: logged in by a profile, asked with time limits and retries of our own."""

from __future__ import annotations

import configparser
import logging
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from ..errors import Refused, TryLater
from . import hub_errors
from .hub_errors import LostAnswer
from .progress import Progress
from .settings import Koji

T = TypeVar("T")

# One quiet retry at once stays with the client: a kept-alive connection that went stale is nobody's news. It must
# not be 0: gssapi_login would then not even try once.
_CLIENT_RETRIES = 1


class Hub:
    """A logged-in session. Every call may raise HubFault (the hub's no), Refused (login), TryLater (no answer).

    settings.timeout limits one call; settings.retries more calls follow an error that passes, each said.
    """

    def __init__(self, settings: Koji, progress: Progress) -> None:
        koji = _client()
        self._settings = settings
        self._progress = progress
        self._hosts: dict[int, dict[str, Any]] = {}
        self._profile = _profile(koji, settings.profile)
        self._server: str = self._profile["server"]
        options = koji.grab_session_options(self._profile) | {
            "timeout": settings.timeout,
            "auth_timeout": min(settings.timeout, 60),
            "max_retries": _CLIENT_RETRIES,
            "retry_interval": 0,
            "anon_retry": True,
            "offline_retry": False,
        }
        logging.getLogger("koji").addHandler(logging.NullHandler())  # it logs what it also raises
        self._session = koji.ClientSession(self._server, options)
        self._patiently(self._log_in)

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """One call that may be repeated without harm."""
        return self._patiently(lambda: getattr(self._session, method)(*arguments, **named))

    def together(self, *calls: tuple[str, tuple[Any, ...], dict[str, Any]]) -> list[Any]:
        """Several calls in one request (multiCall); the first fault is raised."""

        def ask() -> list[Any]:
            with self._session.multicall(strict=True) as batch:
                answers = [getattr(batch, method)(*arguments, **named) for method, arguments, named in calls]
            return [answer.result for answer in answers]

        return self._patiently(ask)

    def once(self, method: str, *arguments: Any, **named: Any) -> Any:
        """One call that must not be carried out twice. Raises LostAnswer when nobody knows whether it was."""
        try:
            return getattr(self._session, method)(*arguments, **named)
        except Exception as error:
            if not hub_errors.of_the_hub(error):
                raise
            why = hub_errors.passing(error)
            if why:
                raise LostAnswer(why) from error
            raise hub_errors.explain(error, self._server) from error

    def host(self, number: int) -> dict[str, Any]:
        """A build host; asked once, since its name and architectures do not change under a build."""
        if number not in self._hosts:
            self._hosts[number] = self.call("getHost", number)
        return self._hosts[number]

    def page(self, task: int) -> str:
        """The web address of a task."""
        return f"{self._profile['weburl'].rstrip('/')}/taskinfo?taskID={task}"

    def close(self) -> None:
        """Log out, if the hub still listens."""
        if self._session.logged_in:
            try:
                self._session.logout()
            except Exception as error:  # noqa: BLE001  # the work is done; a session that stays open expires
                logging.getLogger("koji").debug("logout: %s", error)
        self._session.rsession.close()

    def _log_in(self) -> None:
        """By the profile's authtype; without one, a certificate if there is one, else Kerberos (as `koji` does)."""
        profile, kind = self._profile, self._profile["authtype"]
        if kind == "ssl" or (kind is None and Path(profile["cert"] or "/").is_file()):
            self._session.ssl_login(profile["cert"], None, profile["serverca"] or None)
        elif kind in ("kerberos", "gssapi", None):
            self._session.gssapi_login(principal=profile["principal"], keytab=profile["keytab"])
        else:
            raise Refused(
                f"authtype = {kind} in profile {self._settings.profile}: only kerberos and ssl can build",
                next_line="authtype in koji's profile",
            )

    def _patiently(self, ask: Callable[[], T]) -> T:
        for number in count(1):
            try:
                return ask()
            except Exception as error:
                if not hub_errors.of_the_hub(error):
                    raise
                why = hub_errors.passing(error)
                if why is None:
                    raise hub_errors.explain(error, self._server) from error
                if number > self._settings.retries:
                    raise TryLater(f"{why} ({self._server}, asked {number} times)") from error
                self._progress.again(why, self._settings.retry_interval, number, self._settings.retries)
            time.sleep(self._settings.retry_interval)
        raise AssertionError("count() ends nowhere")


def _profile(koji: Any, name: str) -> dict[str, Any]:
    """The section `name` of koji's configuration files. Raises Refused for none, and for files with mistakes."""
    try:
        profile: dict[str, Any] = koji.read_config(name)
    except (koji.GenericError, configparser.Error, ValueError) as error:
        raise Refused(
            f"koji's configuration: {error}", next_line="--profile NAME, or koji.profile in invoke.yml"
        ) from None
    return profile


def _client() -> Any:
    """The koji client's module; imported late, because it takes longer than all the rest of `fab --list`."""
    try:
        import koji
    except ImportError:
        raise Refused(
            "the koji client is not installed (it needs a C compiler and the Kerberos headers)",
            next_line="apt-get install gcc python3-dev libkrb5-dev, or dnf install gcc python3-devel krb5-devel; "
            f"then: {sys.executable} -m pip install 'koji>=1.35'",
        ) from None
    return koji
