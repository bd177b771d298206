"""What a worker's thread is doing, line by line: asked for in the database, answered there."""

from __future__ import annotations

import hashlib
import secrets
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, or_, select

from altwright.db.copies import as_json
from altwright.db.session import Database, again_after_deadlock
from altwright.db.task_tables import StateRow
from altwright.db.types import now
from altwright.domain.user import UserRef
from altwright.tasks.audit_log import write
from altwright.tasks.cluster.service_state import ServiceState, put

#: Frames, the innermost ones, and characters of a line that are kept; and for how many seconds.
FRAMES_MOST, LINE_MOST, KEPT_S = 40, 300, 600.0
_REQUEST, _ANSWER = "stack:", "frames:"


@dataclass(frozen=True, slots=True)
class StackDump:
    """A thread's stack, outermost line first; ``lines`` None: its process hasn't answered."""

    asked_at: datetime
    by: str
    at: datetime | None
    lines: tuple[str, ...] | None

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API and the command line show."""
        return as_json(self)


def request_row(worker_id: str) -> str:
    """Return the name of the row that asks for a worker's stack."""
    return _REQUEST + _short(worker_id)


def stack_of(thread_id: int) -> list[str]:
    """Return where a thread of this process is; no values of variables are in it."""
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001 - documented, CPython's only way
    if frame is None:
        return ["The thread has ended."]
    return [
        f"{_place(one.filename)}:{one.lineno} {one.name}: {one.line or ''}".strip()[:LINE_MOST]
        for one in traceback.extract_stack(frame)[-FRAMES_MOST:]
    ]


class StackDumps:
    """All SQL on stacks that were asked for; they are kept for KEPT_S."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state = ServiceState(database)

    @again_after_deadlock
    def ask(self, worker_id: str, by: UserRef) -> None:
        """Ask a worker's process for its thread's stack; it answers within 2 s."""
        old = delete(StateRow).where(
            or_(*(StateRow.name.like(f"{kind}%") for kind in (_REQUEST, _ANSWER))),
            StateRow.changed_at < now(-KEPT_S),
        )
        value = {"id": secrets.token_hex(8), "by": by.username}
        with self._database.write() as session:
            session.execute(old)
            put(session, request_row(worker_id), value)
            write(session, by, "stack asked for", worker_id)

    def answer(self, worker_id: str, request_id: str, lines: Sequence[str]) -> None:
        """Answer one request."""
        self._state.set(_answer_row(worker_id), {"id": request_id, "lines": list(lines)})

    def of(self, worker_id: str) -> StackDump | None:
        """Return the stack that was asked for last; None: nobody has lately."""
        names = (request_row(worker_id), _answer_row(worker_id))
        query = select(StateRow.name, StateRow.value, StateRow.changed_at).where(
            StateRow.name.in_(names), StateRow.changed_at >= now(-KEPT_S)
        )
        with self._database.connect() as connection:
            rows = {row.name: row for row in connection.execute(query)}
        asked, answered = (rows.get(name) for name in names)
        if asked is None:
            return None
        if answered is None or answered.value["id"] != asked.value["id"]:
            return StackDump(asked.changed_at, asked.value["by"], None, None)
        lines = tuple(answered.value["lines"])
        return StackDump(asked.changed_at, asked.value["by"], answered.changed_at, lines)


def _answer_row(worker_id: str) -> str:
    return _ANSWER + _short(worker_id)


def _short(worker_id: str) -> str:
    """Return what stands for an id, which may be longer than a row's name."""
    return hashlib.sha256(worker_id.encode()).hexdigest()[:32]


def _place(path: str) -> str:
    """Return the end of a file's path, from the package's folder on."""
    parts = Path(path).parts
    for start in ("site-packages", "src"):
        if start in parts:
            return "/".join(parts[parts.index(start) + 1 :])
    return "/".join(parts[-2:])
