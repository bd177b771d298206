"""An index of dead letters, where a database knows partial ones: else each task would pay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_NAME = "ix_tasks_dead_letters"
_COLUMNS = ["error_category", "kind", "finished_at", "id"]
_DIALECTS = {"sqlite", "postgresql"}


def upgrade() -> None:
    """Apply; on PostgreSQL without keeping anybody waiting would need more than a transaction."""
    if op.get_bind().dialect.name in _DIALECTS:
        failed = sa.text("status = 'failed'")
        op.create_index(_NAME, "tasks", _COLUMNS, sqlite_where=failed, postgresql_where=failed)


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name in _DIALECTS:
        op.drop_index(_NAME, "tasks")
