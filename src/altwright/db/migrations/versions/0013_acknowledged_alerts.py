"""Who has acknowledged an alert, and when it was told last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply; alerts of before count as told when they were raised."""
    op.add_column("alerts", sa.Column("told_at", Instant()))
    op.add_column("alerts", sa.Column("acknowledged_at", Instant()))
    for name, kind in (("acknowledged_by", sa.String(128)), ("acknowledged_why", sa.Text())):
        op.add_column("alerts", sa.Column(name, kind, nullable=False, server_default=""))


def downgrade() -> None:
    """Take back."""
    for name in ("acknowledged_why", "acknowledged_by", "acknowledged_at", "told_at"):
        op.drop_column("alerts", name)
