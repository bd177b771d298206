"""Drafts are looked at anew: there are more things to find in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Apply; the next look at a user's drafts finds it."""
    drafts = sa.table("drafts", sa.column("checked_version"))
    op.execute(drafts.update().values(checked_version=0))


def downgrade() -> None:
    """Take back; the version before finds what it knows."""
    upgrade()
