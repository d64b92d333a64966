"""Where ssh_config's files are: ~ is the home that HOME names, whatever the passwd entry says."""

from __future__ import annotations

import os
import pwd
import re
import shlex
from pathlib import Path


def paths(value: str) -> list[Path]:
    """The files that one option names. `ssh -G` prints them without quotes: blanks belong to a name that exists so."""
    if '"' in value:
        words = shlex.shlex(value, posix=True)
        words.whitespace_split, words.quotes, words.escape, words.commenters = True, '"', "", ""
        try:
            return [path(word) for word in words]
        except ValueError:
            return []
    parts, found = value.split(" "), list[Path]()
    while parts:
        longest = next((n for n in range(len(parts), 1, -1) if path(" ".join(parts[:n])).is_file()), 1)
        found.append(path(" ".join(parts[:longest])))
        parts = parts[longest:]
    return [path for path in found if str(path) not in ("", ".")]


def path(name: str) -> Path:
    """The file, with ~ resolved as HOME has it."""
    return Path(os.path.expanduser(name))  # noqa: PTH111  # leaves ~nobody


def home() -> str:
    """The home that HOME names."""
    return os.path.expanduser("~")  # noqa: PTH111  # never fails


def local_user() -> str:
    """Who runs this program: a name, or the number where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def login_home() -> str:
    """The home that the passwd entry names: ssh takes that one for ~, whatever HOME says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return home()


def file_of_another_home() -> str | None:
    """The configuration to name to ssh where HOME is not the home that ssh would look in."""
    if home() == login_home():
        return None
    places = (path("~/.ssh/config"), Path("/etc/ssh/ssh_config"))
    return str(next((path for path in places if path.is_file()), "/dev/null"))


def at_home(value: str) -> str:
    """Paths that ssh has made of ~ already, in the home that HOME names."""
    theirs, ours = login_home(), home()
    return value if theirs == ours else re.sub(f"(^| ){re.escape(theirs)}/[.]ssh/", rf"\g<1>{ours}/.ssh/", value)
