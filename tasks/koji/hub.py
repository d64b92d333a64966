"""The Koji hub: logged in by a profile, asked with time limits and retries of our own."""

from __future__ import annotations

import configparser
import logging
import sys
import time
from collections.abc import Callable
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from ..errors import Refused, TryLater
from . import hub_errors
from .hub_errors import LostAnswer
from .progress import Progress
from .settings import Koji

T = TypeVar("T")

_SOON = 3.0  # seconds of patience for a look after Ctrl-C
_PARTING = 1.0  # and for the logout; a session that stays open expires


class Hub:
    """A logged-in session. Every call may raise HubFault (the hub's no), Refused (login), TryLater (no answer).

    settings.timeout limits one call; settings.retries more calls follow an error that passes, each said. A session that
    the hub does not know any more is replaced; where no new one can be had, reading goes on without.
    """

    def __init__(self, settings: Koji, progress: Progress) -> None:
        self._koji = _client()
        self._settings = settings
        self._progress = progress
        self._hosts: dict[int, dict[str, Any]] = {}
        self._profile = _profile(self._koji, settings.profile)
        self._server: str = self._profile["server"]
        logging.getLogger("koji").addHandler(logging.NullHandler())  # it logs what it also raises
        self._session = self._open(settings.timeout)
        self._patiently(self._log_in, renew=False)

    @cached_property
    def user(self) -> int:
        """Our number, 0 where the hub does not know us."""
        return int((self.call("getLoggedInUser") or {"id": 0})["id"])

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """One call that only reads."""
        return self._patiently(lambda: getattr(self._session, method)(*arguments, **named))

    def together(self, *calls: tuple[str, tuple[Any, ...], dict[str, Any]]) -> list[Any]:
        """Several calls that read, in one request (multiCall); the first fault is raised."""

        def ask() -> list[Any]:
            with self._session.multicall(strict=True) as batch:
                answers = [getattr(batch, method)(*arguments, **named) for method, arguments, named in calls]
            return [answer.result for answer in answers]

        return self._patiently(ask)

    def soon(self, method: str, *arguments: Any) -> Any:
        """One call that reads, without login and with a few seconds' patience; None where there is no answer."""
        session = self._open(_SOON)
        try:
            return getattr(session, method)(*arguments)
        except Exception as error:
            if not hub_errors.of_the_hub(error):
                raise
            return None
        finally:
            session.rsession.close()

    def change(self, method: str, *arguments: Any) -> Any:
        """One call that changes something, and may be repeated without harm."""
        self._be_logged_in()
        return self.call(method, *arguments)

    def upload(self, file: Path, folder: str, told: Callable[[int, int], None]) -> None:
        """Send a file into a folder of the hub, by koji's own upload, which compares sums. told: bytes, of how many."""
        self._be_logged_in()
        self._patiently(
            lambda: self._session.fastUpload(
                str(file), folder, overwrite=True, callback=lambda done, size, *_: told(done, size)
            )
        )

    def once(self, method: str, *arguments: Any) -> Any:
        """One call that must not be carried out twice.

        Raises LostAnswer when it was, or may have been, and the answer did not come.
        A repetition keeps the call's number: the hub carries out each number of a session once.
        """
        self._be_logged_in()
        doubt = False
        for number in count(1):
            callnum = self._session.callnum
            try:
                return getattr(self._session, method)(*arguments)
            except Exception as error:
                why, lost = self._repeatable(error)
                if hub_errors.carried_out(error):
                    raise LostAnswer(why, carried_out=True) from error
                doubt = doubt or not (lost or hub_errors.unsent(error))
                if number > self._settings.retries or (lost and doubt):
                    raise (LostAnswer(why) if doubt else self._gone(why, number)) from error
            if lost:
                self._log_in_anew()
                self._be_logged_in()
            else:
                self._again(why, number)
                self._session.callnum = callnum
        raise AssertionError("count() ends nowhere")

    def host(self, number: int) -> dict[str, Any]:
        """A build host; asked once, since its name and architectures do not change under a build."""
        if number not in self._hosts:
            self._hosts[number] = self.call("getHost", number)
        return self._hosts[number]

    def page(self, task: int) -> str:
        """The web address of a task."""
        return f"{self._profile['weburl'].rstrip('/')}/taskinfo?taskID={task}"

    def cli(self, words: str) -> str:
        """A line of koji's own client, with our profile: what the operator types."""
        profile = self._settings.profile
        return f"koji {words}" if profile == Koji.profile else f"koji -p {profile} {words}"

    def close(self) -> None:
        """Log out, if the hub still listens."""
        self._session.opts["timeout"] = _PARTING
        try:
            self._session.logout()
        except Exception as error:  # noqa: BLE001  # the work is done
            logging.getLogger("koji").debug("logout: %s", error)
        finally:
            self._forget()

    def _open(self, timeout: float) -> Any:
        options = self._koji.grab_session_options(self._profile) | {
            "timeout": timeout,
            "auth_timeout": min(timeout, 60),
            "max_retries": 0,  # ours are said
            "retry_interval": 0,
            "anon_retry": True,
            "offline_retry": False,
        }
        return self._koji.ClientSession(self._server, options)

    def _forget(self) -> None:
        self._session.setSession(None)  # or its destructor would log out once more
        self._session.rsession.close()

    def _log_in(self) -> None:
        """By the profile's authtype; without one, a certificate if there is one, else Kerberos (as `koji` does)."""
        profile, kind = self._profile, self._profile["authtype"]
        if kind == "ssl" or (kind is None and Path(profile["cert"] or "/").is_file()):
            self._session.ssl_login(profile["cert"], None, profile["serverca"] or None)
        elif kind in ("kerberos", "gssapi", None):
            self._session.opts["max_retries"] = 1  # of a login by Kerberos this is the number of tries
            try:
                self._session.gssapi_login(principal=profile["principal"], keytab=profile["keytab"])
            finally:
                self._session.opts["max_retries"] = 0
        else:
            raise Refused(
                f"authtype = {kind} in profile {self._settings.profile}: only kerberos and ssl can build",
                next_line="grep -rn authtype /etc/koji.conf /etc/koji.conf.d ~/.koji  # mend it there",
            )

    def _be_logged_in(self) -> None:
        if not self._session.logged_in:
            self._patiently(self._log_in, renew=False)

    def _log_in_anew(self) -> None:
        """A new session in place of one that the hub does not know any more; without a login, if there is none."""
        self._forget()
        self._session = self._open(self._settings.timeout)
        try:
            self._log_in()
        except Exception as error:
            if not hub_errors.of_the_hub(error):
                raise
            why = hub_errors.passing(error) or hub_errors.explain(error, self._server, self.cli("hello")).problems[0]
            self._progress.note(f"the hub has ended the session, and a new login failed: {why}")
            self._progress.note("watching goes on, for which no login is needed")

    def _patiently(self, ask: Callable[[], T], renew: bool = True) -> T:
        """Ask until there is an answer, with our patience. renew: in a new session, if the hub has ended this one."""
        for number in count(1):
            try:
                return ask()
            except Exception as error:
                why, lost = self._repeatable(error, renew)
                if number > self._settings.retries:
                    raise self._gone(why, number) from error
            if lost:
                self._log_in_anew()
            else:
                self._again(why, number)
        raise AssertionError("count() ends nowhere")

    def _repeatable(self, error: Exception, renew: bool = True) -> tuple[str, bool]:
        """Why a call failed that can be repeated, and whether in a new session. Raises what any other `error` means."""
        if not hub_errors.of_the_hub(error):
            raise error
        if renew and hub_errors.session_lost(error):
            return "the hub has ended the session", True
        why = hub_errors.passing(error)
        if why is None:
            raise hub_errors.explain(error, self._server, self.cli("hello")) from error
        return why, False

    def _again(self, why: str, number: int) -> None:
        self._progress.again(why, self._settings.retry_interval, number, self._settings.retries)
        time.sleep(self._settings.retry_interval)

    def _gone(self, why: str, number: int) -> TryLater:
        return TryLater(f"{why} ({self._server}, asked {number} times)")


def _profile(koji: Any, name: str) -> dict[str, Any]:
    """The section `name` of koji's configuration files. Raises Refused for none, and for files with mistakes."""
    try:
        profile: dict[str, Any] = koji.read_config(name)
    except (koji.GenericError, configparser.Error, ValueError) as error:
        raise Refused(
            f"koji's configuration: {error}",
            next_line="ls /etc/koji.conf.d ~/.koji/config.d  # profiles",
        ) from None
    return profile


def _client() -> Any:
    """The koji client's module; imported late, because it takes longer than all the rest of `fab --list`."""
    try:
        import koji
    except ImportError:
        raise Refused(
            "the koji client is not installed (it needs a C compiler and the Kerberos headers)",
            next_line="sudo dnf install gcc python3-devel krb5-devel  # Fedora\n"
            "  or: sudo apt-get install gcc python3-dev libkrb5-dev  # Debian\n"
            f"then: {sys.executable} -m pip install 'koji>=1.35'",
        ) from None
    return koji
