"""What there is to look at in each draft, for filters: captions/drafts/checks.py fills it in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply; version 0 is no draft's, so that all are looked at once they are asked for."""
    for name, kind, default in (
        ("warnings", sa.String(255), ""),
        ("kind", sa.String(32), ""),
        ("checked_version", sa.Integer(), "0"),
    ):
        op.add_column("drafts", sa.Column(name, kind, nullable=False, server_default=default))


def downgrade() -> None:
    """Take back."""
    for name in ("checked_version", "kind", "warnings"):
        op.drop_column("drafts", name)
