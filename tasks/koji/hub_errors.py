"""Why a call to the hub failed, in words: the one place that knows what koji hides in its exceptions' texts.

An AuthError of the client is not always about who we are: connection errors, HTTP errors and an offline hub come
wrapped in one, with nothing but their text left (KOJI.md, sections 8 and 9).
"""

from __future__ import annotations

import re
import shutil
from traceback import format_exception_only

from ..errors import Refused, SopError, TryLater
from . import local

_OFFLINE = re.compile(r"ServerOffline: (.*)", re.S)
_SERVER_ERROR = re.compile(r"HTTPError: (5\d\d) Server Error: (.*?) for url")
_NO_HUB = re.compile(r"HTTPError: (4\d\d) Client Error: (.*?) for url")
_WIRE = {"koji", "requests", "urllib3", "xmlrpc", "http", "ssl", "xml"}
_PASSING = {
    re.compile(r"ReadTimeout|ConnectTimeout|timed out"): "the hub gives no answer",
    re.compile(r"Connection refused"): "the hub refuses connections",
    re.compile(r"ConnectionError|ChunkedEncodingError|RemoteDisconnected"): "the hub cannot be reached",
    re.compile(r"ResponseError|ExpatError"): "the hub answers with something that is no XML-RPC",
}


class HubFault(SopError):
    """The hub said no. kind: koji's class (`TagError`); text: the hub's own words."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        super().__init__(f"the hub says: {text}")


class NotYet(TryLater):
    """Not now; what was submitted goes on in Koji without us, so "nothing was changed" would not be true."""

    heading = "not yet"


class LostAnswer(Exception):
    """A call that must not be repeated got no answer; whether it was carried out is not known."""


def words(error: BaseException) -> str:
    """The exception as one line, with its class in front as Python prints it."""
    return " ".join("".join(format_exception_only(error)).split())


def of_the_hub(error: BaseException) -> bool:
    """Does `error` come from the hub, its client or the wire? Anything else is a mistake of ours and shall be seen."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _WIRE


def passing(error: BaseException) -> str | None:
    """Why the hub does not answer, if that is something that passes; None for everything else (K2)."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "GenericError" in kinds and not kinds & {"AuthError", "ServerOffline"}:
        return None  # the hub answered, whatever its text says
    text = words(error)
    if "RetryError" in kinds:
        # An AuthError by class: the client repeated a call that the hub had carried out and will not carry out twice.
        return "the hub's answer was lost"
    offline = _OFFLINE.search(text)
    if offline:
        return f"the hub is offline: {offline[1].rstrip(') ')}"
    answered = _SERVER_ERROR.search(text)
    if answered:
        return f"the hub answers {answered[1]} {answered[2]}"
    if "SSLError" in text or "certificate" in text:
        return None
    return next((told for pattern, told in _PASSING.items() if pattern.search(text)), None)


def explain(error: Exception, server: str) -> SopError:
    """The end that `error` means for the operator; `passing` ones are not asked about here."""
    kind, text = type(error).__name__, words(error)
    if kind == "GSSAPIAuthError":
        return _kerberos(text)
    no_hub = _NO_HUB.search(text)
    if no_hub:
        return Refused(
            f"{server} answers {no_hub[1]} {no_hub[2]}: is it a koji hub?", next_line="server in koji's profile"
        )
    if kind == "AuthError" or "SSLError" in text:
        return _certificate(text, server)
    return HubFault(kind, getattr(error, "faultString", None) or str(error) or kind)


def _kerberos(text: str) -> SopError:
    # The hub's 401 reads the same for no ticket, an expired one and a wrong host name: klist tells which.
    valid = shutil.which("klist") is not None and local.run("klist", "-s").exited == 0
    if valid:
        said = text.partition("failed: ")[2].partition(") Use following")[0] or text
        return Refused(f"the Kerberos ticket is valid, but the hub does not take it: {said}", next_line="klist")
    return Refused("there is no valid Kerberos ticket", next_line="kinit")


def _certificate(text: str, server: str) -> SopError:
    if "CERTIFICATE_VERIFY_FAILED" in text or "Server CA" in text:
        return Refused(
            f"the certificate of {server} is not signed by the CA of the profile",
            next_line="serverca in koji's profile",
        )
    if "expired" in text:
        return Refused("the client certificate has expired", next_line="get a new one, cert in koji's profile names it")
    if re.search(r"exist or is not accessible|No client cert|PEM lib", text):
        return Refused(
            f"there is no usable client certificate: {text.partition(': ')[2]}", next_line="cert in koji's profile"
        )
    said = text.rpartition("AuthError: ")[2].rstrip(") ")
    return Refused(f"the hub does not let us in: {said}", next_line="koji hello")
