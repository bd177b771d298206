"""Users' names in any case are one: held by a unique index, as two processes may meet in between.

A generated column, since MariaDB has no index on an expression; processes of the version before
neither read nor write it, and are held by it too. Of users whose names differ in case only, which
could only come about in the same moment, the one who signed in last keeps the name (else the first
one); the others get "-2" and so on behind theirs, and keep all they have. The audit log says so.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from alembic import op

from altwright.db.types import Instant, now

revision = "0016"
down_revision = "0015"

_log = logging.getLogger("altwright.db.migrations")  # a migration's own name isn't ours

_NAME_MOST = 64
_INDEX = "uq_users_name_key"
_users = sa.table(
    "users", sa.column("id"), sa.column("username"), sa.column("last_login_at", Instant())
)
_audit = sa.table(
    "audit_entries",
    sa.column("at", Instant()),
    *map(sa.column, ("actor", "action", "subject", "detail", "before", "after", "address")),
)


def upgrade() -> None:
    """Apply."""
    connection = op.get_bind()
    dialect = connection.dialect.name
    if dialect == "postgresql":  # else somebody might add a double in between
        connection.execute(sa.text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
    _rename_doubles(connection)
    if dialect in {"mysql", "mariadb"}:
        # In one step: each is committed by itself there, and half of this couldn't be begun again.
        connection.execute(
            sa.text(
                "ALTER TABLE users ADD COLUMN name_key VARCHAR(64) AS (lower(username)), "
                f"ADD UNIQUE INDEX {_INDEX} (name_key)"
            )
        )
        return
    # Stored, or PostgreSQL couldn't index it; SQLite can only add one that isn't.
    key = sa.Computed("lower(username)", persisted=dialect == "postgresql")
    op.add_column("users", sa.Column("name_key", sa.String(_NAME_MOST), key))
    op.create_index(_INDEX, "users", ["name_key"], unique=True)


def downgrade() -> None:
    """Take back; who was renamed stays so."""
    op.drop_index(_INDEX, "users")
    op.drop_column("users", "name_key")


def _rename_doubles(connection: sa.Connection) -> None:
    key = sa.func.lower(_users.c.username).label("key")
    rows = connection.execute(sa.select(_users, key).order_by(_users.c.id)).all()
    # Who never signed in comes last; among equals, who was there first comes first.
    rows = sorted(
        rows, key=lambda row: -(row.last_login_at.timestamp() if row.last_login_at else 0)
    )
    taken = {row.key for row in rows}
    keeping: set[str] = set()
    for row in rows:
        if row.key not in keeping:
            keeping.add(row.key)
            continue
        name, name_key = _free(connection, row.username, taken)
        taken.add(name_key)
        _rename(connection, row, name)


def _free(connection: sa.Connection, username: str, taken: set[str]) -> tuple[str, str]:
    """Return a name like this one that nobody has, and what it is in small letters."""
    number = 2
    while True:
        ending = f"-{number}"
        name = username[: _NAME_MOST - len(ending)] + ending
        name_key: str = connection.execute(sa.select(sa.func.lower(name))).scalar_one()
        if name_key not in taken:
            return name, name_key
        number += 1


def _rename(connection: sa.Connection, row: Any, name: str) -> None:
    _log.warning("user %s (%s) is called %s now: another one's name", row.username, row.id, name)
    connection.execute(sa.update(_users).where(_users.c.id == row.id).values(username=name))
    entry = {"at": now(), "actor": f"migration {revision}", "action": "user renamed"}
    entry |= {"subject": name, "detail": "another user's name differed in case only"}
    entry |= {"before": row.username, "after": name, "address": ""}
    connection.execute(sa.insert(_audit).values(entry))
