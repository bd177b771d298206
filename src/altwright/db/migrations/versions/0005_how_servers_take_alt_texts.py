"""How alt texts get into the posts of a server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "servers",
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.Column("software", sa.String(length=128), nullable=False),
        sa.Column("is_proved", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("learned_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_servers")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("servers")
