"""What a row of the table is made of: plain data, from which `field` makes files, keys and servers.

In every text `<NAME>` stands for the public key of that name (`vault.KEYS`), `<NAME.private>` for its private half,
`<keys>` for the folder with the private keys, `<home>` for the home of whoever types, `<python>` for the interpreter,
`<base>` for what most rows say of every host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["in", "out"]
HOST = "host.example"
INNER = "inner.example"  # only servers know its address
BASE = "Host *\n    User root\n    IdentityFile <keys>/ed25519\n"


@dataclass(frozen=True)
class Cert:
    """What `ssh-keygen -s` makes of a public key.

    validity: as `ssh-keygen -V` takes it. more: further arguments. host: a host's certificate, not a user's.
    """

    ca: str = "ca"
    principals: str = HOST
    validity: str = "always:forever"
    more: tuple[str, ...] = ()
    host: bool = True
    key: str = "host"


@dataclass(frozen=True)
class UserCert(Cert):
    """A user's certificate, by the CA that servers with `TrustedUserCAKeys` believe."""

    ca: str = "userca"
    principals: str = "root"
    host: bool = False
    key: str = "stranger"


@dataclass(frozen=True)
class Revoked:
    """A key revocation list (KRL) with these keys."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Hashed:
    """A known_hosts file, its names hashed by `ssh-keygen -H`."""

    text: str


@dataclass(frozen=True)
class Folder:
    """A folder where a file is expected."""


@dataclass(frozen=True)
class Server:
    """An sshd, of OpenSSH.

    authorized: the user keys that it lets in as anybody. options: further lines of its sshd_config.
    pam: what its PAM does (`field.PAM`), for rows with a password or a second factor.
    """

    name: str = HOST
    port: int = 22
    key: str = "host"
    cert: Cert | None = None
    authorized: tuple[str, ...] = ("ed25519",)
    options: str = ""
    pam: str = ""


HOP = Server("hop.example", key="hop")
HOP2 = Server("hop2.example", key="hop2")


@dataclass(frozen=True)
class Row:
    """One case: what it is in words, what there is, and how `ssh -F FILE HOST true` ends.

    ours: how our line ends, where that is meant to be otherwise; then `words` say so.
    says, never: what our line says, and never says, as regular expressions.
    answers: (question, answer), for who sits at a terminal; None where there is no terminal and ssh has BatchMode.
    typed: the host's name, in hosts.yml and behind `ssh`.
    agents: sockets below the home, and the keys that each agent holds; `?NAME` is one whose use is declined each time.
    """

    words: str
    ssh: Verdict
    config: str = BASE
    known: str | Hashed = f"{HOST} <host>\n"
    servers: tuple[Server, ...] = (Server(),)
    files: Mapping[str, str | Cert | Revoked | Hashed | Folder] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answers: tuple[tuple[str, str], ...] | None = None
    typed: str = HOST
    ours: Verdict | None = None
    says: str = ""
    never: str = ""

    @property
    def wanted(self) -> Verdict:
        """How our line has to end."""
        return self.ours or self.ssh
