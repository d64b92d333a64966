"""Keys, known_hosts and ssh_config of the sandbox: nothing of ~/.ssh is read or written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

if TYPE_CHECKING:
    from pathlib import Path

USER = "operator"


def write(home: Path, ports: dict[str, int]) -> None:
    """Make the client's key and one for each host, and the files by which a client finds and believes them."""
    _new_key(home / "id_ed25519")
    known, config = [], []
    for host, port in ports.items():
        public = _new_key(home / "hostkeys" / host)
        known.append(f"{host} {public}\n")
        options = {
            "HostName": "127.0.0.1",
            "Port": str(port),
            "User": USER,
            "IdentityFile": _quoted(home / "id_ed25519"),
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": _quoted(home / "known_hosts"),
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlias": host,
        }
        config.append(f"Host {host}\n" + "".join(f"    {name} {value}\n" for name, value in options.items()))
    (home / "known_hosts").write_text("".join(known), encoding="utf-8")
    (home / "ssh_config").write_text("\n".join(config), encoding="utf-8")


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)


def _new_key(file: Path) -> str:
    """Write a new ed25519 key in OpenSSH's format, 0600, and FILE.pub; gives the public line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    public = key.public_key().public_bytes(encoding, form).decode()
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123 - a mode
        out.write(private)
    file.with_name(f"{file.name}.pub").write_text(f"{public}\n", encoding="utf-8")
    return public
