"""In which language texts are, and which of its texts a draft has now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LANGUAGES = (("drafts", "language"), ("drafts", "asked_language"), ("draft_texts", "language"))


def upgrade() -> None:
    """Apply."""
    for table, name in _LANGUAGES:
        column = sa.Column(name, sa.String(length=16), nullable=False, server_default="")
        op.add_column(table, column)
    op.add_column("drafts", sa.Column("text_id", _ID, nullable=True))
    drafts = sa.table("drafts", *map(sa.column, ["id", "text", "text_id"]))
    texts = sa.table("draft_texts", *map(sa.column, ["id", "draft_id", "text"]))
    # The newest with its words, as pages have said until now.
    newest = (
        sa.select(sa.func.max(texts.c.id))
        .where(texts.c.draft_id == drafts.c.id, texts.c.text == drafts.c.text)
        .scalar_subquery()
    )
    op.execute(drafts.update().values(text_id=newest))


def downgrade() -> None:
    """Take back."""
    op.drop_column("drafts", "text_id")
    for table, name in _LANGUAGES:
        op.drop_column(table, name)
