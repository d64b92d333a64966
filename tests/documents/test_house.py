"""What docs/house.md names is there: files, rooms and what is defined in them."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.warmed import PROJECT

HOUSE = (PROJECT / "docs/house.md").read_text(encoding="utf-8")
TASKS = PROJECT / "tasks"
QUOTED = sorted(set(re.findall("`([^`\n]+)`", HOUSE)))
FILES = [
    quoted
    for quoted in QUOTED
    if re.fullmatch(r"[\w/.*-]+(?:\.(?:py|sh|md)|/)", quoted) and not re.match("[A-Z/]", quoted)
]
NAMES = [quoted for quoted in QUOTED if re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)?", quoted) and quoted not in FILES]
# What is not ours: programs, words that are typed, other people's code, and what hosts.yml and steps are called.
OTHERS = {"Channel.sendall", "blockerbugs01", "migration", "prod", "ps", "schema_status", "upgrade_db"}


def defined() -> dict[str, set[str]]:
    """What each module and class of tasks/ defines, under its own name; "" has all of it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in TASKS.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        room = {path.stem, path.parent.name}
        for owner in (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef)):
            own = {name for node in owner.body for name in names(node)}
            found[owner.name if isinstance(owner, ast.ClassDef) else path.stem] |= own
            found[""] |= own | room
        found[path.stem] |= {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        }
        found[""] |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return found


def names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


DEFINED = defined()


def places(quoted: str) -> list[Path]:
    """Where the file may be: a room is left out where the sentence before has named it."""
    roots = (PROJECT, TASKS, *(path for path in TASKS.iterdir() if path.is_dir()))
    return [found for root in roots for found in root.glob(quoted.rstrip("/"))]


@pytest.mark.parametrize("quoted", FILES)
def test_every_file_that_the_house_names_is_there(quoted: str) -> None:
    assert places(quoted)


@pytest.mark.parametrize("quoted", [name for name in NAMES if name not in OTHERS])
def test_everything_that_the_house_names_is_defined_where_it_says(quoted: str) -> None:
    owner, dot, name = quoted.rpartition(".")
    assert name in DEFINED[owner if dot else ""]


@pytest.mark.parametrize("path", sorted(TASKS.glob("*/")), ids=lambda path: path.name)
def test_every_room_is_in_the_table(path: Path) -> None:
    if (path / "__init__.py").exists():
        assert re.search(rf"^\|[^|]*`{path.name}`", HOUSE, re.M)
