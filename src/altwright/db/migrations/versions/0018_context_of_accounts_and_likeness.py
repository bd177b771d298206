"""What an account's owner wants to be known of its pictures, and which pictures are alike."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BANDS = ("band_1", "band_2", "band_3", "band_4")


def upgrade() -> None:
    """Apply; pictures from before are known by the names of their copies."""
    op.add_column("accounts", sa.Column("context", sa.Text()))
    op.create_table(
        "picture_hashes",
        sa.Column("picture_id", _ID, autoincrement=False, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("shape", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in _BANDS),
        sa.PrimaryKeyConstraint("picture_id", name="pk_picture_hashes"),
        sa.ForeignKeyConstraint(
            ["picture_id"],
            ["pictures.id"],
            name="fk_picture_hashes_picture_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_picture_hashes_user_id", ondelete="CASCADE"
        ),
    )
    for name in ("digest", *_BANDS):
        columns = ["user_id", name, "picture_id"]
        op.create_index(f"ix_picture_hashes_{'_'.join(columns)}", "picture_hashes", columns)


def downgrade() -> None:
    """Take back."""
    op.drop_table("picture_hashes")
    op.drop_column("accounts", "context")
