# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""bugs with a summary"""

import sqlalchemy as sa
from alembic import op

revision = "1a0c9"
down_revision = None


def upgrade() -> None:
    """From nothing."""
    bug = op.create_table(
        "bug",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("synced", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp()),
        sa.Column("outcome", sa.Text),
    )
    op.bulk_insert(
        bug,
        [
            {"id": 1001, "summary": "anaconda crashes on an empty disk"},
            {"id": 1002, "summary": "no sound after suspend"},
        ],
    )
