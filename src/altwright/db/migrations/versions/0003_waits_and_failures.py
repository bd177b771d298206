"""What a task waits for and since when, and which pictures failed before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Each has a default in the database: processes of the version before go on writing rows.
_ADDED = {
    "tasks": (
        sa.Column("waits", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("stalled_at", Instant(), nullable=True),
        sa.Column("waits_for", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("progress_attempt", sa.Integer(), nullable=False, server_default="0"),
    ),
    "pictures": (
        sa.Column("failed_at", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
    ),
}


def upgrade() -> None:
    """Apply."""
    for table, columns in _ADDED.items():
        for column in columns:
            op.add_column(table, column.copy())


def downgrade() -> None:
    """Take back."""
    for table, columns in _ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)
