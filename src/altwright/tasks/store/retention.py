"""Retention: what is over goes after a configured age, in small batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import AlertRow, AuditRow, TaskRow
from altwright.db.types import now
from altwright.domain.task import Status

#: Rows deleted in one transaction; a task takes its items and its history with it.
BATCH = 100
DAY_S = 86_400.0

#: Called between two batches; raises what ends the work early.
Checkpoint = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Ages:
    """Days after which something goes; 0: never."""

    tasks: int = 30
    failed_tasks: int = 90
    drafts: int = 0
    pictures: int = 30
    audit: int = 365


class TaskRetention:
    """Deletes tasks that ended long ago, and old entries of the service's own books."""

    def __init__(
        self,
        database: Database,
        ages: Ages,
        before: Callable[[Session, Sequence[str]], None] = lambda _session, _ids: None,
    ) -> None:
        """Take ``before``, which removes what refers to tasks, in the transaction that deletes."""
        self._database = database
        self.ages = ages
        self._before = before

    def prune_tasks(self, checkpoint: Checkpoint) -> int:
        """Delete ended tasks with their items and history; return how many."""
        over = self._prune((Status.COMPLETED, Status.CANCELLED), self.ages.tasks, checkpoint)
        return over + self._prune((Status.FAILED,), self.ages.failed_tasks, checkpoint)

    def _prune(self, statuses: Collection[Status], days: int, checkpoint: Checkpoint) -> int:
        removed = 0
        while days and (count := self._prune_batch(statuses, days)):
            removed += count
            checkpoint()
        return removed

    @again_after_deadlock
    def _prune_batch(self, statuses: Collection[Status], days: int) -> int:
        over = (TaskRow.status.in_(statuses), TaskRow.finished_at < now(-days * DAY_S))
        with self._database.read() as session:
            ids = session.scalars(select(TaskRow.id).where(*over).limit(BATCH)).all()
        if not ids:
            return 0
        with self._database.write() as session:
            self._before(session, ids)
            # One that was requeued meanwhile stays.
            return changed(session, delete(TaskRow).where(TaskRow.id.in_(ids), *over))

    def prune_books(self, checkpoint: Checkpoint) -> int:
        """Delete old audit entries, and alerts that are over with their notices."""
        if not self.ages.audit:
            return 0
        before = now(-self.ages.audit * DAY_S)
        removed = self._prune_rows(AuditRow, AuditRow.at < before, checkpoint)
        return removed + self._prune_rows(AlertRow, AlertRow.resolved_at < before, checkpoint)

    def _prune_rows(self, table: Any, where: Any, checkpoint: Checkpoint) -> int:
        removed = 0
        while count := self._prune_rows_batch(table, where):
            removed += count
            checkpoint()
        return removed

    @again_after_deadlock
    def _prune_rows_batch(self, table: Any, where: Any) -> int:
        with self._database.write() as session:
            ids = session.scalars(select(table.id).where(where).limit(BATCH)).all()
            return changed(session, delete(table).where(table.id.in_(ids))) if ids else 0
