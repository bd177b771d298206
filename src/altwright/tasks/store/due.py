"""A task is due: queued, and no retry whose time hasn't come."""

from __future__ import annotations

from sqlalchemy import false, literal_column, true

from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.domain.task import Status

#: Not as a parameter: since it might be that of a partial index, SQLite would plan each execution
#: anew (sqlite.org/c3ref/prepare.html), which takes ten times as long as a submit's looks.
QUEUED = TaskRow.status == literal_column(f"'{Status.QUEUED}'")
DUE = (QUEUED, TaskRow.delayed == false())
#: It waits for the time of its retry.
DELAYED = (QUEUED, TaskRow.delayed == true())
#: That time has come; it is due once the dispatcher has cleared ``delayed``.
DELAY_OVER = (*DELAYED, TaskRow.available_at <= now())
