# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""count votes"""

import sqlalchemy as sa
from alembic import op

revision = "3c5d1"
down_revision = "2b7f3"


def upgrade() -> None:
    """Fails half-way: the column is there and stays, the table that is read next is not."""
    with op.get_context().autocommit_block():  # as CREATE INDEX CONCURRENTLY would need it
        op.add_column("bug", sa.Column("votes", sa.Integer))
    op.execute("UPDATE bug SET votes = (SELECT count(*) FROM vote WHERE vote.bug_id = bug.id)")
