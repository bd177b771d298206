"""Worker registry: who is at work in the cluster, as the database sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from altwright.db.copies import as_json, copied
from altwright.db.session import Database
from altwright.db.task_tables import WorkerRow
from altwright.db.types import now

#: Seconds after which a worker that gave no sign is shown as vanished, and then forgotten.
VANISHED_S, FORGOTTEN_S = 15.0, 3600.0


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One worker; ``vanished``: it gave no sign for VANISHED_S, and didn't say goodbye."""

    id: str
    kind: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    vanished: bool

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return as_json(self)


class Roster:
    """All SQL on the table of workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(self, worker_ids: Sequence[str], *, kind: str, host: str, pid: int) -> None:
        """Note that these workers of one process live; forget those long gone."""
        with self._database.write() as session:
            for worker_id in worker_ids:
                row = session.get(WorkerRow, worker_id)
                if row is None:
                    session.add(WorkerRow(id=worker_id, kind=kind, host=host, pid=pid))
                else:
                    row.seen_at = now()
            session.execute(delete(WorkerRow).where(WorkerRow.seen_at < now(-FORGOTTEN_S)))

    def gone(self, worker_ids: Sequence[str]) -> None:
        """Take workers out that said goodbye."""
        with self._database.write() as session:
            session.execute(delete(WorkerRow).where(WorkerRow.id.in_(worker_ids)))

    def all(self) -> list[WorkerRecord]:
        """Return every worker, by host and process."""
        vanished = WorkerRow.seen_at < now(-VANISHED_S)
        query = select(WorkerRow, vanished).order_by(WorkerRow.host, WorkerRow.pid, WorkerRow.id)
        with self._database.read() as session:
            rows = session.execute(query)
            return [copied(WorkerRecord, row, vanished=bool(late)) for row, late in rows]
