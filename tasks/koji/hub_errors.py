"""Why a call to the hub failed, in words: the one place that knows what koji hides in its exceptions' texts.

An AuthError of the client is not always about who we are: connection errors, HTTP errors and an offline hub come
wrapped in one, with nothing but their text left (KOJI.md, sections 8 and 9).
"""

from __future__ import annotations

import re
import shutil
from traceback import format_exception_only
from urllib.parse import urlsplit

from ..errors import Refused, SopError, TryLater
from ..fleet.output import clean
from . import local

_WIRE = {"koji", "requests", "urllib3", "xmlrpc", "http", "ssl", "xml"}
_KOJIS_ADVICE = re.compile(r"\)?\s*Use following documentation to debug.*", re.S)  # at the end of every GSSAPI error
_OFFLINE = re.compile(r"ServerOffline: (.*)", re.S)
_ANSWERED = re.compile(r"HTTPError: (\d{3}) (?:Client|Server) Error: (.*?) for url")
_MAY_PASS = re.compile("408|425|429|5..")
_SESSION = re.compile(r"Invalid session or bad credentials|\d+ > \d+ \(session \d+\)")
_UNSENT = re.compile(r"Connection refused|ConnectTimeout|NameResolutionError|Failed to resolve|NewConnectionError")
_DAMAGED = re.compile("upload checksum failed|wrong chunk size|wrong length|wrong checksum|File upload failed")
_PASSING = {
    re.compile(r"ReadTimeout|ConnectTimeout|timed out"): "the hub gives no answer",
    re.compile(r"Connection refused"): "the hub refuses connections",
    re.compile(r"NameResolutionError|Failed to resolve"): "the hub's name cannot be resolved",
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
    """A call that must not be repeated got no answer. carried_out: the hub has said that it was; else nobody knows."""

    def __init__(self, why: str, carried_out: bool = False) -> None:
        super().__init__(why)
        self.carried_out = carried_out


def words(error: BaseException) -> str:
    """The exception as one line, with its class in front as Python prints it, without koji's advice on GSSAPI."""
    return _KOJIS_ADVICE.sub("", " ".join("".join(format_exception_only(error)).split()))


def said(text: str) -> str:
    """The hub's or a builder's own words as one clean line: of a traceback, only how it ends."""
    lines = [line for line in text.splitlines() if line.strip()]
    return clean(" ".join(lines[-1:] if "Traceback" in text else lines).strip())


def of_the_hub(error: BaseException) -> bool:
    """Does `error` come from the hub, its client or the wire? Anything else is a mistake of ours and shall be seen."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _WIRE


def passing(error: BaseException) -> str | None:
    """Why the hub does not answer, if that is something that passes; None for everything else (K2)."""
    kinds, text = _kinds(error), words(error)
    if "RetryError" in kinds:
        # An AuthError by class: the client repeated a call that the hub had carried out and will not carry out twice.
        return "the hub's answer was lost"
    if "AuthLockError" in kinds:
        return "the hub is still busy with the call before"
    if "GenericError" in kinds and not kinds & {"AuthError", "ServerOffline"}:  # the hub answered, or koji's upload
        return "the upload came damaged" if _DAMAGED.search(text) else None
    offline = _OFFLINE.search(text)
    if offline:
        return f"the hub is offline: {clean(offline[1]).rstrip(') ')}"
    answered = _ANSWERED.search(text)
    if answered:
        return f"the hub answers {answered[1]} {answered[2]}" if _MAY_PASS.fullmatch(answered[1]) else None
    if "SSLError" in text or "certificate" in text:
        return None
    return next((told for pattern, told in _PASSING.items() if pattern.search(text)), None)


def unsent(error: BaseException) -> bool:
    """Is it known of this `passing` error that the hub has not carried out the call?"""
    return "ServerOffline" in words(error) or bool(_UNSENT.search(words(error)))


def carried_out(error: BaseException) -> bool:
    """Does the hub say that it has carried out this call, and only its answer was lost?"""
    return "RetryError" in _kinds(error)


def session_lost(error: BaseException) -> bool:
    """Has the hub only forgotten who we are? Then nothing was carried out, and a new session helps.

    It says so in many ways: expired (which koji answers with a renewal that fails for a session that has written
    something), swept, or begun from another address.
    """
    if passing(error):
        return False
    return "AuthError" in _kinds(error) or bool(_SESSION.search(words(error)))


def explain(error: Exception, server: str, hello: str) -> SopError:
    """The end that `error` means for the operator; `passing` ones are not asked about here.

    hello: the line by which koji's own client tries to log in.
    """
    kinds, text = _kinds(error), words(error)
    if "SSLError" in text or "CERTIFICATE_VERIFY_FAILED" in text:
        return _tls(text, server, hello)
    answered = _ANSWERED.search(text)
    if answered and answered[1] != "401":
        return Refused(
            f"{server} answers {answered[1]} {answered[2]}: is it a koji hub?", next_line=_with("server", hello)
        )
    if "GSSAPIAuthError" in kinds and (answered or re.search("GSSError|SPNEGO", text)):
        return _kerberos(text, server)
    if "AuthError" in kinds:
        return _certificate(text, hello)
    return HubFault(type(error).__name__, said(getattr(error, "faultString", None) or str(error)) or "no reason given")


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _kerberos(text: str, server: str) -> SopError:
    # The hub's 401 reads the same for no ticket, an expired one and a wrong host name: klist tells which.
    if shutil.which("klist") is None or local.run("klist", "-s").exited:
        return Refused("there is no valid Kerberos ticket", next_line="kinit")
    reason = text.partition("failed: ")[2].rstrip(") ") or text
    return Refused(
        f"the Kerberos ticket is valid, but the hub does not take it: {reason}",
        next_line=f"kvno HTTP/{urlsplit(server).hostname}  # is there a ticket for the hub?",
    )


def _with(option: str, hello: str) -> str:
    """What is typed again when an option of koji's profile was mended."""
    return f"{hello}  # after you have mended {option} in koji's profile"


def _tls(text: str, server: str, hello: str) -> SopError:
    """TLS failed: the other end's certificate, ours, or no TLS at all."""
    why = re.search(r"certificate verify failed: (.*?)(?: \(_ssl|$)", text)
    if why and not re.search("self.signed|local issuer", why[1]):
        return Refused(f"the certificate of {server} is not accepted: {why[1]}", next_line=_with("server", hello))
    if why:
        return Refused(
            f"the certificate of {server} is not signed by the CA of the profile",
            next_line=_with("serverca", hello),
        )
    if re.search("WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|record layer failure|HTTP_REQUEST|packet length", text):
        return Refused(f"{server} speaks no TLS, and koji logs in by TLS alone", next_line=_with("server", hello))
    return _certificate(text, hello)


def _certificate(text: str, hello: str) -> SopError:
    if "expired" in text:
        return Refused("the client certificate has expired", next_line=_with("cert", hello))
    if "Server CA" in text:
        return Refused(text.partition(": ")[2], next_line=_with("serverca", hello))
    if re.search(r"exist or is not accessible|No client cert|PEM lib", text):
        return Refused(
            f"there is no usable client certificate: {text.partition(': ')[2]}", next_line=_with("cert", hello)
        )
    reason = (text.rpartition("AuthError: ")[2] or text).rstrip(") ")
    return Refused(f"the hub does not let us in: {clean(reason)}", next_line=hello)
