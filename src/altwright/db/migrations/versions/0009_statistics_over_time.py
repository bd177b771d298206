"""Statistics over time: stretches of a minute, an hour, a day, and of all time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Instant, Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "statistics",
        sa.Column("span", sa.String(length=8), nullable=False),
        sa.Column("begins_at", Instant(), nullable=False),
        sa.Column("value", Json(), nullable=False),
        sa.PrimaryKeyConstraint("span", "begins_at", name=op.f("pk_statistics")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("statistics")
