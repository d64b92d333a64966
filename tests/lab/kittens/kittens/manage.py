# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""`kittens-manage migrate`, `check` and `schema`."""

import sys
from pathlib import Path

import psycopg2

MIGRATIONS = Path("/usr/share/kittens/migrations")


def connection():
    """The database that /etc/kittens/dsn names."""
    return psycopg2.connect(Path("/etc/kittens/dsn").read_text(encoding="utf-8").strip())


def main() -> None:
    """Do what the command line says."""
    with connection() as database, database.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS done (migration text PRIMARY KEY, at timestamptz DEFAULT now())")
        {"migrate": migrate, "check": check, "schema": schema}[sys.argv[1]](cursor)


def migrate(cursor) -> None:
    """Carry out what is not in the table `done` yet, in one transaction."""
    for file in sorted(MIGRATIONS.glob("*.sql")):
        cursor.execute("INSERT INTO done (migration) VALUES (%s) ON CONFLICT DO NOTHING", [file.stem])
        if cursor.rowcount:
            cursor.execute(file.read_text(encoding="utf-8"))
            print(f"migrated to {file.stem}")


def check(cursor) -> None:
    """Can this code read the kittens? Keeps count of how often it was asked."""
    cursor.execute("SELECT count(full_name) FROM kitten")
    print(f"{cursor.fetchone()[0]} kittens")
    cursor.execute("CREATE TABLE IF NOT EXISTS checked (at timestamptz DEFAULT now())")
    cursor.execute("INSERT INTO checked DEFAULT VALUES")


def schema(cursor) -> None:
    """The last migration that was done, and whether it is the newest there is."""
    cursor.execute("SELECT max(migration) FROM done")
    (at,) = cursor.fetchone()
    newest = max(file.stem for file in MIGRATIONS.glob("*.sql"))
    print(f"{at} (head)" if at == newest else at or "")
