# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""Alembic's environment: the database of the settings, one transaction per migration."""

import logging
import sys

from alembic import context
from blockerbugs import config
from sqlalchemy import create_engine

logging.basicConfig(format="%(levelname)-5.5s [%(name)s] %(message)s", stream=sys.stderr, level="WARNING")
logging.getLogger("alembic").setLevel("INFO")

with create_engine(config.load()["SQLALCHEMY_DATABASE_URI"]).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
