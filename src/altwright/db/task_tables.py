"""The tables of the task engine. All SQL on them stands in ``tasks``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Computed, Float, ForeignKey, Index, String, Text, false, literal
from sqlalchemy.orm import Mapped, mapped_column

from altwright.db.tables import Base, Id, LongText
from altwright.db.types import Instant, Json, now
from altwright.domain.task import Delivery, ItemStatus, Priority, Status


class TaskRow(Base):
    """One run for one user: the truth about it, whatever Redis says.

    ``active_key`` makes a second active task with the same ``exclusive_key`` impossible on every
    database: a generated column, since MariaDB has no partial index (facts: RQ §5).
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index("uq_tasks_active_key", "active_key", unique=True),
        Index("uq_tasks_user_id_request_key", "user_id", "request_key", unique=True),
        # The claim's order. Finished and delayed tasks are out of its way, so that a claim costs
        # the same whatever lies there; so do a submit's questions (turn) and the dispatcher's.
        Index("ix_tasks_claim", "status", "delayed", "priority", "turn", "created_at", "id"),
        Index(
            "ix_tasks_dispatch",
            *("status", "delivery", "delayed", "priority", "turn", "created_at", "id"),
        ),
        Index("ix_tasks_delayed", "status", "delayed", "available_at"),
        Index("ix_tasks_turn", "user_id", "status", "priority", "turn"),
        Index("ix_tasks_lease", "status", "lease_until"),
        # Lists: a user's, everybody's, and what ended lately.
        Index("ix_tasks_user_id_created_at", "user_id", "created_at", "id"),
        Index("ix_tasks_created_at", "created_at", "id"),
        Index("ix_tasks_user_id_finished_at", "user_id", "finished_at"),
        # What ended before a time: retention, dead letters, figures of the last hour.
        Index("ix_tasks_status_finished_at", "status", "finished_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL"), index=True
    )
    status: Mapped[str] = mapped_column(String(16), default=Status.QUEUED)
    priority: Mapped[int] = mapped_column(default=Priority.NORMAL)
    #: Round in which the task takes its turn: a user has one task in each, from the round that
    #: was being served at the submit on. It makes a priority fair between users.
    turn: Mapped[int] = mapped_column(default=0)
    #: ``available_at`` hasn't come; the dispatcher clears this when it has.
    delayed: Mapped[bool] = mapped_column(default=False)
    attempt: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    #: Attempts in a row that ended with their worker's silence; too many set the task aside.
    crashes: Mapped[int] = mapped_column(default=0)
    max_retries: Mapped[int] = mapped_column(default=3)
    #: Waits in a row, without progress between them, for a server that is down or asked for it; and
    #: for which server ("": it said for how long).
    waits: Mapped[int] = mapped_column(default=0, server_default="0")
    waits_for: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: Seconds of these waits: for servers that were down, and those that servers asked for.
    outage_s: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    paused_s: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    #: The first of these waits, for processes of the version before; this one only clears it.
    stalled_at: Mapped[datetime | None] = mapped_column(Instant)
    #: The last attempt that ended an item or added to the plan.
    progress_attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    exclusive_key: Mapped[str | None] = mapped_column(String(64))
    active_key: Mapped[str | None] = mapped_column(
        String(64),
        Computed(
            "CASE WHEN status IN ('queued','running') THEN exclusive_key ELSE NULL END",
            persisted=True,
        ),
    )
    request_key: Mapped[str | None] = mapped_column(String(128))
    #: Encrypted JSON.
    settings: Mapped[str] = mapped_column(LongText)
    delivery: Mapped[str] = mapped_column(String(16), default=Delivery.DATABASE)
    dispatched_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, default=now())
    available_at: Mapped[datetime] = mapped_column(Instant, default=now())
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    worker_id: Mapped[str | None] = mapped_column(String(128))
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Instant)
    #: Raised by every write that a page shows; a page ignores older messages.
    sequence: Mapped[int] = mapped_column(default=0)
    step: Mapped[str] = mapped_column(String(255), default="")
    #: None until all items are written: by an attempt that plans, or with the task.
    items_total: Mapped[int | None] = mapped_column()
    #: Where a plan goes on that isn't finished; what it means is its kind's affair.
    plan_cursor: Mapped[str | None] = mapped_column(Text)
    items_done: Mapped[int] = mapped_column(default=0)
    items_failed: Mapped[int] = mapped_column(default=0)
    items_skipped: Mapped[int] = mapped_column(default=0)
    error_category: Mapped[str | None] = mapped_column(String(16))
    error: Mapped[str | None] = mapped_column(Text)


#: Written out, since only so a database sees that its index of dead letters serves.
IS_DEAD_LETTER = TaskRow.status == literal(Status.FAILED.value, literal_execute=True)
# Only failures pay for it. MariaDB, which knows no partial index, reads the rows that failed.
Index(
    "ix_tasks_dead_letters",
    *(TaskRow.error_category, TaskRow.kind, TaskRow.finished_at, TaskRow.id),
    sqlite_where=TaskRow.status == Status.FAILED,
    postgresql_where=TaskRow.status == Status.FAILED,
).ddl_if(callable_=lambda *_, dialect, **__: dialect.name in {"sqlite", "postgresql"})


class ItemRow(Base):
    """One picture in a task: planned, then done, skipped or failed, once."""

    __tablename__ = "task_items"
    __table_args__ = (
        Index("uq_task_items_task_id_key", "task_id", "key", unique=True),
        Index("ix_task_items_pending", "task_id", "status", "tries", "position"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(128))
    position: Mapped[int] = mapped_column()
    label: Mapped[str] = mapped_column(String(255), default="")
    status: Mapped[str] = mapped_column(String(16), default=ItemStatus.PENDING)
    #: How often it was tried: those tried least come first. Of these ``excused`` don't count as
    #: tries of the item: it met a server in trouble.
    tries: Mapped[int] = mapped_column(default=0)
    excused: Mapped[int] = mapped_column(default=0, server_default="0")
    attempt: Mapped[int | None] = mapped_column()
    category: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    took_s: Mapped[float | None] = mapped_column(Float)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class TaskEventRow(Base):
    """One entry of a task's history: every move, attempt and error, with who did it."""

    __tablename__ = "task_events"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Instant, default=now())
    event: Mapped[str] = mapped_column(String(32))
    attempt: Mapped[int] = mapped_column()
    actor: Mapped[str] = mapped_column(String(128), default="")
    detail: Mapped[str] = mapped_column(Text, default="")


class LeaseRow(Base):
    """A role that one process in the cluster holds at a time (the dispatcher's)."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime] = mapped_column(Instant)


class WorkerRow(Base):
    """A worker that is, or was lately, at work."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(64))
    pid: Mapped[int] = mapped_column()
    #: What starts its process again when that ends; see domain/worker.py.
    started_by: Mapped[str] = mapped_column(String(16), default="", server_default="")
    #: Resident memory of its process.
    memory_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    #: Attempts at tasks that it has ended since its start, and those of them that failed.
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    failed: Mapped[int] = mapped_column(default=0, server_default="0")
    #: It takes no further task.
    stopping: Mapped[bool] = mapped_column(default=False, server_default=false())
    started_at: Mapped[datetime] = mapped_column(Instant, default=now())
    seen_at: Mapped[datetime] = mapped_column(Instant, default=now())


class StateRow(Base):
    """A fact about the whole service: delivery mode, epoch of Redis, paused queues."""

    __tablename__ = "service_state"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    changed_at: Mapped[datetime] = mapped_column(Instant, default=now(), onupdate=now())


class AuditRow(Base):
    """An administrator's action on the service; what concerns one task stands in its history."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, default=now(), index=True)
    actor: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(128), default="")
    detail: Mapped[str] = mapped_column(Text, default="")
    before: Mapped[str] = mapped_column(Text, default="")
    after: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(64), default="")


class AlertRow(Base):
    """Something that an administrator should know of, until it is over.

    ``open_name`` is the rule's name while the alert is open, and unique: raised once a cluster.
    """

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    open_name: Mapped[str | None] = mapped_column(String(64), unique=True)
    severity: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime] = mapped_column(Instant, default=now(), index=True)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    #: When administrators were told last that it is open; None: when it was raised.
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by: Mapped[str] = mapped_column(String(128), default="", server_default="")
    acknowledged_why: Mapped[str] = mapped_column(Text, default="", server_default="")


class NoticeRow(Base):
    """A message about an alert that has to go out over one channel, once it can."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_sent_at_due_at", "sent_at", "due_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    event: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Instant, default=now())
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    problem: Mapped[str] = mapped_column(String(255), default="")


class StatisticsRow(Base):
    """What happened in a stretch of time, for charts and counters; see domain/bucket.py."""

    __tablename__ = "statistics"

    span: Mapped[str] = mapped_column(String(8), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
