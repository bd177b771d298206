"""How long tasks have waited for servers, and tries that don't count as an item's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    for name in ("outage_s", "paused_s"):
        op.add_column("tasks", sa.Column(name, sa.Float(), nullable=False, server_default="0"))
    excused = sa.Column("excused", sa.Integer(), nullable=False, server_default="0")
    op.add_column("task_items", excused)


def downgrade() -> None:
    """Take back."""
    op.drop_column("task_items", "excused")
    for name in ("paused_s", "outage_s"):
        op.drop_column("tasks", name)
