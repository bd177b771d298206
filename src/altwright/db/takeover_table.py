"""The table of what came from the replaced system. All SQL on it stands in ``takeover``."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from altwright.db.tables import Base, Id
from altwright.db.types import Json


class TakenRow(Base):
    """A row of the replaced system and its counterpart here.

    One of the four columns names the counterpart; none does once it was deleted here, and then it
    isn't taken over again. ``theirs`` and ``ours`` are digests of the fields of either side as they
    were when last compared: what has changed since, and where, follows from them.
    """

    __tablename__ = "taken_rows"
    __table_args__ = (Index("uq_taken_rows_kind_old_id", "kind", "old_id", unique=True),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    old_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL"), index=True
    )
    picture_id: Mapped[int | None] = mapped_column(
        ForeignKey("pictures.id", ondelete="SET NULL"), index=True
    )
    task_id: Mapped[str | None] = mapped_column(
        ForeignKey("tasks.id", ondelete="SET NULL"), index=True
    )
    theirs: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    ours: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
