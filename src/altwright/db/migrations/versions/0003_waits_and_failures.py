"""What a task waits for and since when, and which pictures failed before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply. Processes of the version before go on writing rows: the database has defaults."""
    op.add_column("tasks", _counter("waits"))
    op.add_column("tasks", sa.Column("stalled_at", Instant(), nullable=True))
    waits_for = sa.Column("waits_for", sa.String(length=16), nullable=False, server_default="")
    op.add_column("tasks", waits_for)
    op.add_column("tasks", _counter("progress_attempt"))
    op.add_column("pictures", sa.Column("failed_at", Instant(), nullable=True))


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def downgrade() -> None:
    """Take back."""
    op.drop_column("pictures", "failed_at")
    for name in ("progress_attempt", "waits_for", "stalled_at", "waits"):
        op.drop_column("tasks", name)
