"""The keys of all rows: made once, never changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

PASSPHRASE = "open sesame"
# Name → how ssh-keygen makes it.
KEYS = {
    # of users
    "ed25519": "-t ed25519",
    "rsa": "-t rsa -b 2048",
    "ecdsa": "-t ecdsa",
    "pkcs1": "-t rsa -b 2048 -m PEM",
    "pkcs8": "-t ecdsa -m PKCS8",
    "locked": "-t ed25519",
    "stranger": "-t ed25519",  # which no server lets in as it stands
    "stranger2": "-t ed25519",
    # of hosts
    "host": "-t ed25519",
    "host-rsa": "-t rsa -b 2048",
    "host-ecdsa": "-t ecdsa",
    "other": "-t ed25519",  # which no server shows
    "hop": "-t ed25519",
    "hop2": "-t ed25519",
    # of authorities
    "ca": "-t ed25519",
    "ca2": "-t ed25519",
    "ca-rsa": "-t rsa -b 2048",
    "ca-ecdsa": "-t ecdsa",
    "userca": "-t ed25519",
}


def make(folder: Path) -> None:
    """All keys, below `folder`."""
    folder.mkdir(parents=True)
    for name, how in KEYS.items():
        secret = PASSPHRASE if name == "locked" else ""
        run("ssh-keygen", "-q", *how.split(), "-N", secret, "-C", name, "-f", str(folder / name))


def public(folder: Path, name: str) -> str:
    """Type and base64, without the comment."""
    return " ".join((folder / f"{name}.pub").read_text().split()[:2])


def run(*command: str) -> None:
    """A command that must succeed. Raises RuntimeError with what it said."""
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)}: {ended.stdout}{ended.stderr}")
