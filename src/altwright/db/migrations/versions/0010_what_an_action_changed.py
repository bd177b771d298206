"""What an administrator's action changed, and where it was done from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply; entries of before say it all in their detail."""
    for name, kind in (("before", sa.Text()), ("after", sa.Text()), ("address", sa.String(64))):
        column = sa.Column(name, kind, nullable=False, server_default="")
        op.add_column("audit_entries", column)


def downgrade() -> None:
    """Take back."""
    for name in ("address", "after", "before"):
        op.drop_column("audit_entries", name)
