"""Alembic's entry: runs the migrations on the connection that db.migrate hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

import altwright.db.takeover_table
import altwright.db.task_tables  # noqa: F401 - their tables belong to the metadata
from altwright.db.tables import Base
from altwright.db.types import Instant, Json


def render_type(kind: str, item: Any, autogenerate: Any) -> str | Literal[False]:
    """Write our own column types short."""
    if kind != "type" or not isinstance(item, (Instant, Json)):
        return False
    autogenerate.imports.add("from altwright.db.types import Instant, Json")
    return f"{type(item).__name__}()"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    render_item=render_type,
)
with context.begin_transaction():
    context.run_migrations()
