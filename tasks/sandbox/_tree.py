"""The files of one host's root folder, as Fedora's ansible repo lays them down."""

from __future__ import annotations

import secrets
import shlex
import uuid
from typing import TYPE_CHECKING

from . import start
from .programs.main import PROGRAMS
from .versions import place_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

YUM_CONF = """[main]
cachedir=/var/cache/yum/$basearch/$releasever
keepcache=0
gpgcheck=1
"""
REPO = """[{name}]
name=Fedora Infrastructure tag {tag}
baseurl=https://kojipkgs.fedoraproject.org/repos-dist/{tag}/latest/$basearch/
enabled={enabled}
gpgcheck=1
gpgkey=https://infrastructure.fedoraproject.org/repo/infra/RPM-GPG-KEY-INFRA-TAGS
"""
CRON = "*/30 * * * * {package} chronic {check} > /dev/null\n"


def settings(set_name: str, package: str) -> str:
    """A set's settings.py: the same on each of its hosts, with secrets made up for it."""
    password, key, fas = (secrets.token_urlsafe(12) for _ in range(3))
    address = f"postgresql+psycopg2://{package}:{password}@db01.{set_name}:5432/{package}"
    values = {"SECRET_KEY": key, "SQLALCHEMY_DATABASE_URI": address, "FAS_USER": package, "FAS_PASSWORD": fas}
    return "".join(f'{name} = "{value}"\n' for name, value in values.items())


def lay(root: Path, app: dict[str, Any], settings_text: str | None, syncs: bool = False) -> None:
    """Make the root folder of a host; only the one that syncs has the cron file, and a proxy has no settings."""
    for folder in ("etc/cron.d", "etc/yum.repos.d", "usr/bin", "var/log", "var/cache/yum",
                   "var/lib/yum", "var/run", "var/tmp", "tmp"):  # fmt: skip
        (root / folder).mkdir(parents=True, exist_ok=True)
    if settings_text is not None and app["settings"]:
        secret = _below(root, app["settings"])
        secret.write_text(settings_text, encoding="utf-8")
        secret.chmod(0o640)
    (root / "etc/yum.conf").write_text(YUM_CONF, encoding="utf-8")
    for name, tag, enabled in (
        ("infrastructure-tags", "epel7-infra", 1),
        ("infrastructure-tags-stg", "epel7-infra-stg", 0),
    ):
        text = REPO.format(name=name, tag=tag, enabled=enabled)
        (root / f"etc/yum.repos.d/{name}.repo").write_text(text, encoding="utf-8")
    new_boot(root)
    if syncs and app["cron"]:
        text = CRON.format(package=app["package"], check=shlex.join(app["check"] or ["true"]))
        _below(root, app["cron"]).write_text(text, encoding="utf-8")


def _below(root: Path, file: str) -> Path:
    """A file of the host's, in its folder."""
    path = root / file.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def new_boot(root: Path) -> None:
    """The host has just booted: the kernel's id of this boot is another one."""
    file = root / "proc/sys/kernel/random/boot_id"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{uuid.uuid4()}\n", encoding="utf-8")


def install_programs(root: Path, app: dict[str, Any]) -> None:
    """Put one small sh file for each program into its place, mostly usr/bin. It names the interpreter and the
    project of today, so it is written at each start of the fleet.
    """
    begin = shlex.join([start.PYTHON, *start.ALONE, "-c", start.code("programs.main", "main", repr(str(root)))])
    commands = [app[key] for key in ("migrate", "check", "schema_status")]
    for name in dict.fromkeys((*PROGRAMS, "alembic", *(words[0] for words in commands if words))):
        file = _below(root, place_of(name))
        file.write_text(f'#!/bin/sh\nexec {begin} {shlex.quote(name)} "$@"\n', encoding="utf-8")
        file.chmod(0o755)
