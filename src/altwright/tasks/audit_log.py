"""The audit log: who did what to the service. What concerns one task is in its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from altwright.db.copies import as_json, copied
from altwright.db.session import Database
from altwright.db.task_tables import AuditRow
from altwright.domain.user import UserRef

#: Characters of a reason that somebody gives.
WHY_MOST = 500
#: Characters that the columns hold.
_ACTOR, _ACTION, _SUBJECT, _ADDRESS = 128, 64, 128, 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action. ``action`` is a verb's past ("queue paused"), ``subject`` what it was done to.

    ``before`` and ``after`` are what it changed, in words; ``address`` where it was done from.
    """

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    before: str
    after: str
    address: str

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return as_json(self)


class Audit:
    """All SQL on the audit log; entries are only ever added, until retention takes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        by: UserRef,
        action: str,
        subject: str = "",
        detail: str = "",
        *,
        before: str = "",
        after: str = "",
    ) -> None:
        """Write an entry in a transaction of its own."""
        with self._database.write() as session:
            write(session, by, action, subject, detail, before=before, after=after)

    def recent(
        self,
        limit: int = 100,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        before_id: int | None = None,
    ) -> list[AuditEntry]:
        """Return the last entries, newest first; None: whatever it is.

        ``before_id`` is the id of an entry: those that are older than it.
        """
        wanted = {AuditRow.actor: actor, AuditRow.action: action, AuditRow.subject: subject}
        query = select(AuditRow).where(*(one == it for one, it in wanted.items() if it is not None))
        if before_id is not None:
            query = query.where(AuditRow.id < before_id)
        query = query.order_by(AuditRow.id.desc()).limit(limit)
        with self._database.read() as session:
            return [copied(AuditEntry, row) for row in session.scalars(query)]

    def names(self) -> tuple[list[str], list[str]]:
        """Return everybody who has done something, and everything that was done, sorted."""
        with self._database.read() as session:
            actors = session.scalars(select(AuditRow.actor).distinct().order_by(AuditRow.actor))
            actions = select(AuditRow.action).distinct().order_by(AuditRow.action)
            return list(actors), list(session.scalars(actions))


def write(
    session: Session,
    by: UserRef,
    action: str,
    subject: str = "",
    detail: str = "",
    *,
    before: str = "",
    after: str = "",
) -> None:
    """Write an entry in the transaction that makes it true."""
    session.add(
        AuditRow(
            actor=by.username[:_ACTOR],
            action=action[:_ACTION],
            subject=subject[:_SUBJECT],
            detail=detail,
            before=before,
            after=after,
            address=by.address[:_ADDRESS],
        )
    )
