"""What workers have done, how large their processes are, and what starts these again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_COLUMNS: tuple[tuple[str, Any, Any], ...] = (
    ("started_by", sa.String(16), ""),
    ("memory_bytes", sa.BigInteger(), "0"),
    ("done", sa.Integer(), "0"),
    ("failed", sa.Integer(), "0"),
    ("stopping", sa.Boolean(), sa.false()),
)


def upgrade() -> None:
    """Apply."""
    for name, kind, default in _COLUMNS:
        op.add_column("workers", sa.Column(name, kind, nullable=False, server_default=default))


def downgrade() -> None:
    """Take back."""
    for name, _, _ in reversed(_COLUMNS):
        op.drop_column("workers", name)
