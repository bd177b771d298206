"""Worker registry: who is at work in the cluster, as the database sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from altwright.db.copies import as_json, copied
from altwright.db.session import Database
from altwright.db.task_tables import WorkerRow
from altwright.db.types import now
from altwright.domain.worker import StartedBy

#: Seconds after which a worker that gave no sign is shown as vanished, and then forgotten.
VANISHED_S, FORGOTTEN_S = 15.0, 3600.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What a worker has done since its start: attempts that ended, and those that failed."""

    done: int = 0
    failed: int = 0
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One worker; ``vanished``: it gave no sign for VANISHED_S, and didn't say goodbye.

    ``stopping``: it takes no further task. ``memory_bytes`` are of its whole process.
    """

    id: str
    kind: str
    host: str
    pid: int
    started_by: str
    memory_bytes: int
    done: int
    failed: int
    stopping: bool
    started_at: datetime
    seen_at: datetime
    vanished: bool

    def state(self, *, works: bool, is_stuck: bool = False) -> str:
        """Return what it is at, in one word; ``works``: it has a task in hand."""
        if self.vanished:
            return "vanished"
        if is_stuck:
            return "stuck"
        if self.stopping:
            return "stopping"
        return "working" if works else "idle"

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return as_json(self)


class Roster:
    """All SQL on the table of workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(
        self,
        worker_ids: Sequence[str],
        *,
        kind: str,
        host: str,
        pid: int,
        started_by: StartedBy = StartedBy.NOBODY,
        memory_bytes: int = 0,
        tallies: Mapping[str, Tally] | None = None,
    ) -> None:
        """Note in one write that these workers of one process live; forget those long gone."""
        tallies = tallies or {}
        with self._database.write() as session:
            query = select(WorkerRow.id).where(WorkerRow.id.in_(worker_ids))
            known = set(session.scalars(query))
            for worker_id in worker_ids:
                values = asdict(tallies.get(worker_id, Tally())) | {"memory_bytes": memory_bytes}
                if worker_id in known:
                    statement = update(WorkerRow).where(WorkerRow.id == worker_id)
                    session.execute(statement.values(**values, seen_at=now()))
                else:
                    process = {"kind": kind, "host": host, "pid": pid, "started_by": started_by}
                    session.execute(insert(WorkerRow).values(id=worker_id, **process, **values))
            # By their ids: MariaDB would lock every row that it looks at, those of processes that
            # note the same at this moment, too, and end one of the two as a deadlock.
            gone = select(WorkerRow.id).where(WorkerRow.seen_at < now(-FORGOTTEN_S))
            if forgotten := session.scalars(gone).all():
                session.execute(delete(WorkerRow).where(WorkerRow.id.in_(forgotten)))

    def gone(self, worker_ids: Sequence[str]) -> None:
        """Take workers out that said goodbye."""
        with self._database.write() as session:
            session.execute(delete(WorkerRow).where(WorkerRow.id.in_(worker_ids)))

    def alive(self) -> list[WorkerRecord]:
        """Return those that haven't vanished."""
        return [worker for worker in self.all() if not worker.vanished]

    def all(self) -> list[WorkerRecord]:
        """Return every worker, by host and process."""
        vanished = WorkerRow.seen_at < now(-VANISHED_S)
        query = select(WorkerRow, vanished).order_by(WorkerRow.host, WorkerRow.pid, WorkerRow.id)
        with self._database.read() as session:
            rows = session.execute(query)
            return [copied(WorkerRecord, row, vanished=bool(late)) for row, late in rows]
