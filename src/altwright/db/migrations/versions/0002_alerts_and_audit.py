"""Alerts, the notices about them, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Instant, now

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_entries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index(op.f("ix_audit_entries_at"), "audit_entries", ["at"])
    op.create_table(
        "alerts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("open_name", sa.String(length=64), nullable=True),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raised_at", Instant(), nullable=False),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("open_name", name=op.f("uq_alerts_open_name")),
    )
    op.create_index(op.f("ix_alerts_raised_at"), "alerts", ["raised_at"])
    op.create_table(
        "notices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("alert_id", _ID, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("problem", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_notices_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_alert_id"), "notices", ["alert_id"])
    op.create_index("ix_notices_sent_at_due_at", "notices", ["sent_at", "due_at"])
    op.create_index("ix_tasks_status_finished_at", "tasks", ["status", "finished_at"])
    op.create_index(op.f("ix_drafts_task_id"), "drafts", ["task_id"])
    # An ended task without a time of its end would be kept for ever.
    tasks = sa.table("tasks", sa.column("status"), sa.column("finished_at", Instant()))
    op.execute(
        tasks.update()
        .where(
            tasks.c.status.in_(("completed", "failed", "cancelled")),
            tasks.c.finished_at.is_(None),
        )
        .values(finished_at=now())
    )


def downgrade() -> None:
    """Take back; indexes go with their tables."""
    op.drop_index(op.f("ix_drafts_task_id"), table_name="drafts")
    op.drop_index("ix_tasks_status_finished_at", table_name="tasks")
    for table in ("notices", "alerts", "audit_entries"):
        op.drop_table(table)
