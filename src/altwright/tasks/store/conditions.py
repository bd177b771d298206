"""Conditions on tasks that several statements share."""

from __future__ import annotations

from sqlalchemy import false

from altwright.db.task_tables import TaskRow
from altwright.domain.task import Status

#: A task that is due: queued, and no retry whose time hasn't come.
DUE = (TaskRow.status == Status.QUEUED, TaskRow.delayed == false())
