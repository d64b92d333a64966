"""The versions of the application that exist in the sandbox, and the RPM of each: a small JSON file."""

from __future__ import annotations

from typing import Any

FIRST = {"revision": "1a0c9", "down": None, "message": "bugs with a summary", "sql": [
    "CREATE TABLE bug (id INTEGER PRIMARY KEY, summary TEXT NOT NULL)",
    "INSERT INTO bug VALUES (1001, 'anaconda crashes on an empty disk'), (1002, 'no sound after suspend')",
]}  # fmt: skip
RENAMES = {"revision": "2b7f3", "down": "1a0c9", "message": "rename summary to title", "sql": [
    "ALTER TABLE bug RENAME COLUMN summary TO title",
]}  # fmt: skip
# The second statement cannot work: there is no such table. It is reached after the first has worked.
BREAKS = {"revision": "3c5d1", "down": "2b7f3", "message": "count votes", "sql": [
    "ALTER TABLE bug ADD COLUMN votes INTEGER",
    "UPDATE vote SET bug_id = 0",
]}  # fmt: skip

CHAINS: dict[str, list[dict[str, Any]]] = {
    "1.0.0": [FIRST],
    "1.0.1": [FIRST],
    "1.1.0": [FIRST, RENAMES],
    "1.1.1": [FIRST, RENAMES],
    "1.2.0": [FIRST, RENAMES, BREAKS],
}


def package(app: dict[str, Any], version: str, release: str) -> dict[str, Any]:
    """What the RPM of this version holds. KeyError for a version that does not exist.

    app: as in fleet.json. One that nothing migrates has the first schema in all its versions.
    """
    chain = CHAINS[version] if app["migrate"] else CHAINS[version][:1]
    column = "summary" if len(chain) == 1 else "title"
    name, commands = app["package"], [app[key] for key in ("migrate", "check") if app[key]]
    programs = dict.fromkeys(f"/{place_of(words[0])}" for words in commands)
    files = [migration_file(app["file"], name, number, step) for number, step in enumerate(chain, 1)]
    return {
        "name": name,
        "version": version,
        "release": release,
        "files": [*programs, f"/usr/share/{name}/{name}.wsgi", *files],
        "migrations": chain,
        "query": f"SELECT bug.id, bug.{column} FROM bug",
    }


def place_of(program: str) -> str:
    """Where a program of the application's is, below the host's root: how it is typed, ./opt/x or x."""
    return program.removeprefix("./") if "/" in program else f"usr/bin/{program}"


def migration_file(shape: str, package: str, number: int, step: dict[str, Any]) -> str:
    """What a migration's file is called; shape: one of played.FILES."""
    words = step["message"].replace(" ", "_")
    return shape.format(package=package, number=number, revision=step["revision"], words=words)
