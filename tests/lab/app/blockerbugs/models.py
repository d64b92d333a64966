# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""The tables, as this version of the code wants them. 1.1.0 renames `summary` to `title` (blockerbugs.spec)."""

from sqlalchemy import Column, DateTime, Integer, Text, func
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Bug(Base):
    """A bug that may block a release."""

    __tablename__ = "bug"
    id = Column(Integer, primary_key=True)
    summary = Column(Text, nullable=False)
    synced = Column(DateTime(timezone=True))


class Job(Base):
    """What worked on the database, from which host, and how it ended (None: it did not)."""

    __tablename__ = "job"
    id = Column(Integer, primary_key=True)
    host = Column(Text, nullable=False)
    name = Column(Text, nullable=False)
    began = Column(DateTime(timezone=True), server_default=func.clock_timestamp())
    outcome = Column(Text)
