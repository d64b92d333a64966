"""cpio: `cpio -i --quiet --to-stdout NAME`, of what rpm2cpio hands it: the text of a migration."""

from __future__ import annotations

import sys

from . import _light
from ._host import Host, not_known, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(host: Host, args: list[str]) -> None:
    """The file's text; nothing, and no word of it, where the archive has none of that name."""
    del host
    if len(args) != 4 or args[:3] != ["-i", "--quiet", "--to-stdout"]:
        raise not_known("cpio", args)
    package = _light.loads(sys.stdin.read())
    chain = package["migrations"]
    for file, step in zip(package["files"][-len(chain) :], chain, strict=True):  # each has one, and they come last
        if args[3] == f".{file}":
            say(_text(step, file.endswith(".sql")), end="")


def _text(step: dict[str, Any], sql: bool) -> str:
    """The migration as SQL, or as alembic has it."""
    if sql:
        return "".join(f"{statement};\n" for statement in step["sql"])
    lines = [
        f'"""{step["message"]}"""',
        "",
        "from alembic import op",
        "",
        f"revision = {step['revision']!r}",
        f"down_revision = {step['down']!r}",
        "",
        "",
        "def upgrade():",
        *(f"    op.execute({statement!r})" for statement in step["sql"]),
    ]
    return "".join(f"{line}\n" for line in lines)
