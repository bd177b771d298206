"""Which rows came from the replaced system, and how both sides were when last compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Json

revision = "0015"
down_revision = "0014"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OF = {"user_id": "users", "account_id": "accounts", "picture_id": "pictures", "task_id": "tasks"}


def upgrade() -> None:
    """Apply."""
    kinds = {"task_id": sa.String(36)}
    op.create_table(
        "taken_rows",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("old_id", sa.String(64), nullable=False),
        *(
            sa.Column(
                name,
                kinds.get(name, _ID),
                sa.ForeignKey(
                    f"{table}.id", name=op.f(f"fk_taken_rows_{name}"), ondelete="SET NULL"
                ),
            )
            for name, table in _OF.items()
        ),
        sa.Column("theirs", Json(), nullable=False),
        sa.Column("ours", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taken_rows")),
    )
    op.create_index("uq_taken_rows_kind_old_id", "taken_rows", ["kind", "old_id"], unique=True)
    for name in _OF:
        op.create_index(op.f(f"ix_taken_rows_{name}"), "taken_rows", [name])


def downgrade() -> None:
    """Take back."""
    op.drop_table("taken_rows")
