"""How many runs a user may start within a day, and what ends their sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    op.add_column("users", sa.Column("runs_per_day", sa.Integer()))
    salt = sa.Column("session_salt", sa.String(16), nullable=False, server_default="")
    op.add_column("users", salt)


def downgrade() -> None:
    """Take back."""
    op.drop_column("users", "session_salt")
    op.drop_column("users", "runs_per_day")
