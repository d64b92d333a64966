"""Host certificates: `@cert-authority` and `@revoked` lines, and what a certificate must be."""

from __future__ import annotations

from typing import Any

from ..row import BASE, HOP, HOST, Cert, Hashed, Revoked, Row, Server, UserCert

CA = f"@cert-authority {HOST} <ca>\n"
JUMP = f"Host {HOST}\n    ProxyJump hop.example\n{BASE}"
NO_PLAIN_KEY = "(?i)plain key|ssh-keyscan"  # what is no advice where a CA's line is for the host
GARBAGE = """
# a comment

garbage
@cert-authority
@cert-authority host.example ssh-ed25519 this-is-no-base64
@nonsense host.example <other>
|1|c2FsdA==|ZGlnZXN0 ssh-ed25519 AAAA
host.example ssh-unheard-of AAAAB3NzaC1yc2E=
|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= <other>
"""
_PORT = f"Host {HOST}\n    Port 2222\n{BASE}"


def shows(cert: Cert | None, **server: Any) -> tuple[Server, ...]:
    """A host with this certificate."""
    return (Server(cert=cert, **server),)


def believed(words: str, known: str | Hashed = CA, cert: Cert | None = None, **more: Any) -> Row:
    """A row in which the certificate counts."""
    return Row(words, "in", known=known, servers=more.pop("servers", shows(cert or Cert())), **more)


def refused(words: str, says: str, known: str = CA, cert: Cert | None = None, **more: Any) -> Row:
    """A row in which a CA's line is for the host, but its certificate does not count."""
    more.setdefault("never", NO_PLAIN_KEY)
    return Row(words, "out", known=known, servers=more.pop("servers", shows(cert or Cert())), says=says, **more)


ROWS = (
    # Which CA's lines are for the host
    believed("a host certificate of the CA in known_hosts"),
    refused("a host without a certificate, where known_hosts has only a CA", "(?i)certificate", servers=shows(None)),
    believed("a CA for *.example", "@cert-authority *.example <ca>\n"),
    Row(
        "a CA for *.other.example only",
        "out",
        known="@cert-authority *.other.example <ca>\n",
        servers=shows(Cert()),
        says="not in known_hosts|not known|unknown",
    ),
    believed("a CA for *", "@cert-authority * <ca>\n"),
    believed("a CA for hos?.example", "@cert-authority hos?.example <ca>\n"),
    believed("a CA for several names, with commas", f"@cert-authority web.example,{HOST} <ca>\n"),
    believed("a CA for all of *.example but another host", "@cert-authority *.example,!web.example <ca>\n"),
    Row(
        "a CA for all of *.example but this host",
        "out",
        known=f"@cert-authority *.example,!{HOST} <ca>\n",
        servers=shows(Cert()),
        says="(?i)not in known_hosts|not known|unknown",
    ),
    believed("a CA for a hashed name", Hashed(CA)),
    believed("a CA behind hashed and garbage lines", GARBAGE + CA),
    believed("a CA behind another CA's line", f"@cert-authority * <ca2>\n{CA}"),
    believed("a CA behind the plain keys of other hosts", f"web.example <other>\n{CA}"),
    believed("Fedora's two CA lines", "@cert-authority * <ca2>\n@cert-authority *.example,*.example.org <ca>\n"),
    refused("a certificate of another CA", "(?i)CA\\b|authority", f"@cert-authority {HOST} <ca2>\n"),
    refused(
        "a certificate of another CA than either line's",
        "(?i)CA\\b|authority",
        f"@cert-authority {HOST} <ca2>\n@cert-authority {HOST} <ca-rsa>\n",
    ),
    refused(
        "a certificate that the host has signed with its own key",
        "(?i)CA\\b|authority",
        CA,
        Cert(ca="host"),
    ),
    believed(
        "a CA in the system's ssh_known_hosts only",
        "",
        files={"/etc/ssh/ssh_known_hosts": CA},
    ),
    believed(
        "a CA in the second UserKnownHostsFile",
        "",
        files={"second": CA},
        config=f"UserKnownHostsFile ~/.ssh/known_hosts <home>/second\n{BASE}",
    ),
    believed(
        "a CA out of KnownHostsCommand",
        "",
        files={"command": f"#!/bin/sh\necho '{CA.strip()}'\n"},
        config=f"KnownHostsCommand <home>/command\n{BASE}",
    ),
    # Who it is for
    refused("a certificate for another name", "(?i)principal|web\\.example", cert=Cert(principals="web.example")),
    believed("a certificate for several names", cert=Cert(principals=f"web.example,{HOST}")),
    refused(
        "a certificate for *.example: names in a certificate are no patterns",
        "(?i)principal|\\*\\.example",
        cert=Cert(principals="*.example"),
    ),
    refused(
        "a certificate for *.other.example", "(?i)principal|\\.other\\.example", cert=Cert(principals="*.other.example")
    ),
    believed("a certificate that names nobody", cert=Cert(principals="")),
    refused(
        "a certificate for the host's address only", "(?i)principal|192\\.0\\.2\\.1", cert=Cert(principals="192.0.2.1")
    ),
    # When
    believed("a certificate that is valid this hour", cert=Cert(validity="-30m:+30m")),
    refused("an expired certificate", "(?i)expired", cert=Cert(validity="-2d:-1d")),
    refused(
        "a certificate that is not valid yet",
        "(?i)not yet valid|not valid (yet|before|until)|valid from",
        cert=Cert(validity="+1d:+2d"),
    ),
    # What it is
    refused(
        "a user's certificate, shown as the host's", "(?i)user('s)? certificate|host certificate", cert=Cert(host=False)
    ),
    refused(
        "a certificate with a critical option that nobody knows",
        "(?i)critical option",
        cert=Cert(more=("-O", "critical:nonsense@example.org=1")),
    ),
    believed(
        "a certificate with an extension that nobody knows", cert=Cert(more=("-O", "extension:nonsense@example.org=1"))
    ),
    believed(
        "the certificate of an RSA host key",
        cert=Cert(key="host-rsa"),
        servers=shows(Cert(key="host-rsa"), key="host-rsa"),
    ),
    believed("the certificate of an ECDSA host key", servers=shows(Cert(key="host-ecdsa"), key="host-ecdsa")),
    # How it is signed
    believed("an RSA CA", f"@cert-authority {HOST} <ca-rsa>\n", Cert(ca="ca-rsa")),
    believed(
        "an RSA CA that signs with SHA-256",
        f"@cert-authority {HOST} <ca-rsa>\n",
        Cert(ca="ca-rsa", more=("-t", "rsa-sha2-256")),
    ),
    refused(
        "an RSA CA that signs with SHA-1",
        "(?i)SHA-?1|ssh-rsa",
        f"@cert-authority {HOST} <ca-rsa>\n",
        Cert(ca="ca-rsa", more=("-t", "ssh-rsa")),
    ),
    Row(
        "an RSA CA that signs with SHA-1, and CASignatureAlgorithms allows it (stricter: SHA-1 never counts)",
        "in",
        f"CASignatureAlgorithms +ssh-rsa\n{BASE}",
        f"@cert-authority {HOST} <ca-rsa>\n",
        shows(Cert(ca="ca-rsa", more=("-t", "ssh-rsa"))),
        ours="out",
        says="(?i)SHA-?1|ssh-rsa",
        never=NO_PLAIN_KEY,
    ),
    believed("an ECDSA CA", f"@cert-authority {HOST} <ca-ecdsa>\n", Cert(ca="ca-ecdsa")),
    refused(
        "an RSA CA, where CASignatureAlgorithms is ssh-ed25519",
        "(?i)CASignatureAlgorithms|sign",
        f"@cert-authority {HOST} <ca-rsa>\n",
        Cert(ca="ca-rsa"),
        config=f"CASignatureAlgorithms ssh-ed25519\n{BASE}",
    ),
    refused(
        "HostKeyAlgorithms without certificates",
        "(?i)HostKeyAlgorithms|certificate",
        config=f"HostKeyAlgorithms ssh-ed25519\n{BASE}",
    ),
    believed(
        "HostKeyAlgorithms with certificates only", config=f"HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com\n{BASE}"
    ),
    # Revoked
    refused("a CA that is @revoked behind its line", "(?i)revoked", f"{CA}@revoked * <ca>\n"),
    refused("a CA that is @revoked before its line", "(?i)revoked", f"@revoked {HOST} <ca>\n{CA}"),
    believed("a CA that is @revoked for other hosts", f"@revoked web.example <ca>\n{CA}"),
    believed("another CA that is @revoked", f"@revoked * <ca2>\n{CA}"),
    refused("a certificate whose key is @revoked", "(?i)revoked", f"{CA}@revoked * <host>\n"),
    refused(
        "RevokedHostKeys, a list of keys with the host's",
        "(?i)revoked",
        files={"revoked": "<host>\n"},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
    ),
    refused(
        "RevokedHostKeys, a list of keys with the CA's",
        "(?i)revoked",
        files={"revoked": "<ca>\n"},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
    ),
    refused(
        "RevokedHostKeys, a list with a certificate that has the host's key",
        "(?i)revoked",
        files={"revoked": Cert(ca="ca2")},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
    ),
    refused(
        "a plain key that is known, beside a certificate whose CA is @revoked",
        "(?i)revoked",
        f"{HOST} <host>\n@revoked * <ca>\n",
        never="",
    ),
    refused(
        "a plain key that is known, beside a certificate whose CA is in RevokedHostKeys",
        "(?i)revoked",
        f"{HOST} <host>\n",
        files={"revoked": "<ca>\n"},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
        never="",
    ),
    believed(
        "another plain key for the port, and a CA for the bare host",
        f"[{HOST}]:2222 <other>\n{CA}",
        config=_PORT,
        servers=shows(Cert(), port=2222),
    ),
    refused(
        "RevokedHostKeys, a KRL with the host's key",
        "(?i)revoked",
        files={"revoked": Revoked(("host",))},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
    ),
    refused(
        "RevokedHostKeys, a KRL with the CA's key",
        "(?i)revoked",
        files={"revoked": Revoked(("ca",))},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
    ),
    believed(
        "RevokedHostKeys, a KRL with other keys",
        files={"revoked": Revoked(("other", "ca2"))},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
    ),
    believed(
        "RevokedHostKeys, a list of other keys",
        files={"revoked": "<other>\n"},
        config=f"RevokedHostKeys <home>/revoked\n{BASE}",
    ),
    refused(
        "RevokedHostKeys that is not there", "RevokedHostKeys|revoked", config=f"RevokedHostKeys <home>/no\n{BASE}"
    ),
    # Beside plain keys
    believed("a certificate, where only the plain key is known", f"{HOST} <host>\n"),
    believed("a certificate, where the plain key is known too", f"{HOST} <host>\n{CA}"),
    believed(
        "an expired certificate, where the plain key is known too", f"{CA}{HOST} <host>\n", Cert(validity="-2d:-1d")
    ),
    believed(
        "a certificate of another CA, where the plain key is known too", f"@cert-authority * <ca2>\n{HOST} <host>\n"
    ),
    believed("a certificate, where another plain key is known too", f"{CA}{HOST} <other>\n"),
    Row(
        "a certificate of no known CA, where another plain key is known",
        "out",
        known=f"{HOST} <other>\n",
        servers=shows(Cert()),
        says="(?i)changed",
    ),
    Row(
        "an expired certificate, where another plain key is known too",
        "out",
        known=f"{CA}{HOST} <other>\n",
        servers=shows(Cert(validity="-2d:-1d")),
        says="(?i)expired|changed",
    ),
    Row(
        "an expired certificate and StrictHostKeyChecking no (stricter: an unknown key is never accepted)",
        "in",
        f"StrictHostKeyChecking no\n{BASE}",
        CA,
        shows(Cert(validity="-2d:-1d")),
        ours="out",
        says="(?i)expired",
        never=NO_PLAIN_KEY,
    ),
    # Names, ports and ways
    believed(
        "a CA for [host]:port", f"@cert-authority [{HOST}]:2222 <ca>\n", config=_PORT, servers=shows(Cert(), port=2222)
    ),
    believed("a CA for *, off port 22", "@cert-authority * <ca>\n", config=_PORT, servers=shows(Cert(), port=2222)),
    believed("a CA for the bare host, off port 22", CA, config=_PORT, servers=shows(Cert(), port=2222)),
    refused(
        "a CA for another port of the host",
        "(?i)known_hosts|CA\\b|authority",
        f"@cert-authority [{HOST}]:2223 <ca>\n",
        config=_PORT,
        servers=shows(Cert(), port=2222),
        never="",
    ),
    believed(
        "HostKeyAlias, and a certificate for the alias",
        "@cert-authority alias.example <ca>\n",
        Cert(principals="alias.example"),
        config=f"HostKeyAlias alias.example\n{BASE}",
    ),
    refused(
        "HostKeyAlias, and a certificate for the host's own name",
        "(?i)principal|host\\.example",
        "@cert-authority alias.example <ca>\n",
        config=f"HostKeyAlias alias.example\n{BASE}",
    ),
    believed(
        "HostName, and a certificate for that name",
        "@cert-authority *.example <ca>\n",
        typed="web.example",
        config=f"Host web.example\n    HostName {HOST}\n{BASE}",
    ),
    refused(
        "HostName, and a certificate for the name that was typed",
        "(?i)principal|web\\.example",
        "@cert-authority *.example <ca>\n",
        Cert(principals="web.example"),
        typed="web.example",
        config=f"Host web.example\n    HostName {HOST}\n{BASE}",
    ),
    believed(
        "a jump host with a certificate, and a host with one",
        "@cert-authority *.example <ca>\n",
        config=JUMP,
        servers=(Server(cert=Cert()), Server("hop.example", key="hop", cert=Cert(key="hop", principals="hop.example"))),
    ),
    believed(
        "a jump host with a plain key before a host with a certificate",
        f"hop.example <hop>\n{CA}",
        config=JUMP,
        servers=(Server(cert=Cert()), HOP),
    ),
    refused(
        "a jump host with an expired certificate",
        "(?s)hop\\.example.*(?i:expired)",
        "@cert-authority *.example <ca>\n",
        config=JUMP,
        servers=(
            Server(cert=Cert()),
            Server("hop.example", key="hop", cert=Cert(key="hop", principals="hop.example", validity="-2d:-1d")),
        ),
    ),
    refused(
        "a jump host with a certificate for another name",
        "(?s)hop\\.example.*(?i:principal|web\\.example)",
        "@cert-authority *.example <ca>\n",
        config=JUMP,
        servers=(Server(cert=Cert()), Server("hop.example", key="hop", cert=Cert(key="hop", principals="web.example"))),
    ),
    refused(
        "a host with an expired certificate behind a jump host",
        "(?i)expired",
        "@cert-authority *.example <ca>\n",
        cert=None,
        config=JUMP,
        servers=(
            Server(cert=Cert(validity="-2d:-1d")),
            Server("hop.example", key="hop", cert=Cert(key="hop", principals="hop.example")),
        ),
    ),
    Row(
        "a user's certificate of the host's CA is no host certificate of another",
        "out",
        known=CA,
        servers=shows(UserCert(ca="ca", principals=HOST, key="host")),
        says="(?i)user('s)? certificate|host certificate",
        never=NO_PLAIN_KEY,
    ),
)
