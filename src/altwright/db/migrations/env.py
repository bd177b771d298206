"""Alembic's entry: runs the migrations on the connection that db.migrate hands over."""

from __future__ import annotations

from alembic import context

import altwright.db.task_tables  # noqa: F401 - its tables belong to the metadata
from altwright.db.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
