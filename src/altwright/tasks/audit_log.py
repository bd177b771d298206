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

#: Characters that the columns hold.
_ACTOR, _ACTION, _SUBJECT = 128, 64, 128


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action. ``action`` is a verb's past ("queue paused"), ``subject`` what it was done to."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return as_json(self)


class Audit:
    """All SQL on the audit log; entries are only ever added, until retention takes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, actor: str, action: str, subject: str = "", detail: str = "") -> None:
        """Write an entry in a transaction of its own."""
        with self._database.write() as session:
            write(session, actor, action, subject, detail)

    def recent(self, limit: int = 100) -> list[AuditEntry]:
        """Return the last entries, newest first."""
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        with self._database.read() as session:
            return [copied(AuditEntry, row) for row in session.scalars(query)]


def write(session: Session, actor: str, action: str, subject: str = "", detail: str = "") -> None:
    """Write an entry in the transaction that makes it true."""
    session.add(
        AuditRow(
            actor=actor[:_ACTOR],
            action=action[:_ACTION],
            subject=subject[:_SUBJECT],
            detail=detail,
        )
    )
