"""The texts that a draft has had; filled from what drafts say now."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from altwright.db.types import Instant

revision = "0006"
down_revision = "0005"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mariadb").with_variant(mysql.LONGTEXT(), "mysql")
_COLUMNS = [
    "draft_id",
    "kind",
    "text",
    "describer",
    "model",
    "level",
    "user_id",
    "task_id",
    "at",
    "is_open",
]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "draft_texts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("draft_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", _LONG, nullable=False),
        sa.Column("describer", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=True),
        sa.Column("user_id", _ID, nullable=True),
        sa.Column("task_id", sa.String(length=36), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["drafts.id"], name=op.f("fk_draft_texts_draft_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_draft_texts_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_texts")),
    )
    op.create_index("ix_draft_texts_draft_id_id", "draft_texts", ["draft_id", "id"])
    op.create_index(op.f("ix_draft_texts_user_id"), "draft_texts", ["user_id"])
    op.create_index(op.f("ix_draft_texts_task_id"), "draft_texts", ["task_id"])
    _fill()


def downgrade() -> None:
    """Take back."""
    op.drop_table("draft_texts")


def _fill() -> None:
    """Write each draft's texts in the order in which it had them."""
    drafts = sa.table(
        "drafts",
        *map(
            sa.column,
            [
                "id",
                "picture_id",
                "user_id",
                "status",
                "text",
                "described_text",
                "describer",
                "model",
                "level",
                "task_id",
                "created_at",
                "updated_at",
                "published_at",
            ],
        ),
    )
    pictures = sa.table("pictures", sa.column("id"), sa.column("published_text"))
    texts = sa.table("draft_texts", *map(sa.column, _COLUMNS))
    has_written = drafts.c.text != drafts.c.described_text
    is_published = drafts.c.status == "published"
    of_pictures = drafts.join(pictures, pictures.c.id == drafts.c.picture_id)

    def write(kind: str, source: sa.FromClause, where: Any, **values: Any) -> None:
        given = {
            "draft_id": drafts.c.id,
            "kind": sa.literal(kind),
            "text": drafts.c.text,
            "describer": sa.literal(""),
            "model": sa.literal(""),
            "level": sa.null(),
            "user_id": sa.null(),
            "task_id": sa.null(),
            "is_open": sa.false(),
        } | values
        query = sa.select(*(given[name] for name in _COLUMNS)).select_from(source).where(where)
        op.execute(texts.insert().from_select(_COLUMNS, query.order_by(drafts.c.id)))

    # Described again after it was published: the published text stands on its picture only.
    write(
        "published",
        of_pictures,
        ~is_published & drafts.c.published_at.is_not(None) & (pictures.c.published_text != ""),
        text=pictures.c.published_text,
        at=drafts.c.published_at,
    )
    write(
        "described",
        drafts,
        sa.true(),
        text=drafts.c.described_text,
        describer=drafts.c.describer,
        model=drafts.c.model,
        level=drafts.c.level,
        task_id=drafts.c.task_id,
        at=drafts.c.created_at,
    )
    write("written", drafts, has_written, user_id=drafts.c.user_id, at=drafts.c.updated_at)
    write(
        "published",
        drafts,
        is_published & drafts.c.published_at.is_not(None),
        at=drafts.c.published_at,
    )
