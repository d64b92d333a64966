"""The ansible repo of an operator: a bare upstream, clones of it, and the template that push-config is about."""

from __future__ import annotations

import subprocess
from pathlib import Path

TEMPLATE = "roles/blockerbugs/templates/blockerbugs-settings.py.j2"
SETTINGS = """\
SECRET_KEY = '{{ blockerbugs_secret_key }}'
SQLALCHEMY_DATABASE_URI = 'postgresql://blockerbugs:{{ blockerbugs_db_password }}@db01/blockerbugs'
{% if env == "staging" %}
FEDMENU_URL = "https://stg.example.org/{{ path | ternary('a', 'b') }}"
{% endif %}
PORT = {{ port }}
BUGZILLA_URL = 'https://bugzilla.example.org'
"""


class Repo:
    """A work tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.template = root / TEMPLATE

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, path: str, text: str, message: str = "a change") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        self.git("add", path)
        self.git("commit", "-qm", message)

    def state(self) -> tuple[str, ...]:
        """Everything that must be as before when a push does not succeed."""
        return (
            self.git("rev-parse", "HEAD"),
            self.git("symbolic-ref", "-q", "HEAD"),
            self.git("status", "--porcelain"),
            self.git("diff", "HEAD"),
            self.git("stash", "list"),
            self.git("worktree", "list", "--porcelain"),
        )
