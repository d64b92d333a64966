# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""rename summary to title"""

from alembic import op

revision = "2b7f3"
down_revision = "1a0c9"


def upgrade() -> None:
    """Old code on the new schema fails, and new code on the old one."""
    op.alter_column("bug", "summary", new_column_name="title")
