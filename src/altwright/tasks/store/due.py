"""A task is due: queued, and no retry whose time hasn't come."""

from __future__ import annotations

from sqlalchemy import false, true

from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.domain.task import Status

DUE = (TaskRow.status == Status.QUEUED, TaskRow.delayed == false())
#: It waits for the time of its retry.
DELAYED = (TaskRow.status == Status.QUEUED, TaskRow.delayed == true())
#: That time has come; it is due once the dispatcher has cleared ``delayed``.
DELAY_OVER = (*DELAYED, TaskRow.available_at <= now())
