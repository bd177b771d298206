"""What an account's server runs, and where an unfinished plan goes on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "accounts",
        sa.Column("software", sa.String(length=32), nullable=False, server_default=""),
    )
    op.add_column(
        "accounts",
        sa.Column("software_version", sa.String(length=64), nullable=False, server_default=""),
    )
    op.add_column("tasks", sa.Column("plan_cursor", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("tasks", "plan_cursor")
    op.drop_column("accounts", "software_version")
    op.drop_column("accounts", "software")
