# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""`blockerbugs upgrade_db` and `blockerbugs sync`."""

import argparse
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine, func, inspect, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from . import config
from .models import Bug, Job


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="blockerbugs")
    parser.add_argument("command", choices=["upgrade_db", "sync"])
    command = {"upgrade_db": upgrade_db, "sync": sync}[parser.parse_args().command]
    settings = config.load()
    engine = create_engine(settings["SQLALCHEMY_DATABASE_URI"])
    # Careless, as such tools are: whoever shows this output has to take the password out.
    print(f"blockerbugs: {command.__name__} on {settings['SQLALCHEMY_DATABASE_URI']}", flush=True)
    with noted(engine, command.__name__):
        command(engine, settings)


@contextmanager
def noted(engine: Engine, name: str) -> Iterator[None]:
    """Keep in the database that this ran, and how it ended."""
    if not inspect(engine).has_table("job"):
        yield  # the very first migration is what makes the table
        return
    with Session(engine) as session:
        job = Job(host=socket.gethostname(), name=name)
        session.add(job)
        session.commit()
        try:
            yield
        except BaseException:
            job.outcome = "failed"
            session.commit()
            raise
        job.outcome = "ok"
        session.commit()


def upgrade_db(engine: Engine, settings: dict[str, Any]) -> None:
    """Bring the schema to this version's head."""
    from alembic.command import upgrade
    from alembic.config import Config

    upgrade(Config("/etc/blockerbugs/alembic.ini"), "head")


def sync(engine: Engine, settings: dict[str, Any]) -> None:
    """Look at every bug; bugzilla takes SYNC_SECONDS to answer."""
    with Session(engine) as session:
        bugs = session.scalars(select(Bug)).all()
        time.sleep(settings["SYNC_SECONDS"])
        session.execute(update(Bug).values(synced=func.now()))
        session.commit()
        print(f"updated {len(bugs)} bugs")
