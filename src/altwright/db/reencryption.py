"""Encrypts anew, with the first key, what older keys have encrypted in the database.

Everything goes on meanwhile: a value is replaced only if it is still the one that was read. A run
that was ended goes on where it stopped, since what the first key has closed is left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from altwright.crypto import Box
from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.tables import AccountRow
from altwright.db.task_tables import StateRow, TaskRow

#: The encrypted columns, and what each is called. Facts of the service are looked through besides.
SEALED: tuple[tuple[str, Any, InstrumentedAttribute[Any]], ...] = (
    ("token of account", AccountRow.id, AccountRow.token),
    ("context of account", AccountRow.id, AccountRow.context),
    ("settings of task", TaskRow.id, TaskRow.settings),
)
#: Rows that are read at a time.
BATCH = 200
#: How everything begins that Fernet has closed: its version and four bytes of the time.
_BEGINNING = "gAAAA"


class Found(StrEnum):
    """How a value was found."""

    CURRENT = "current"  # the first key has closed it
    RENEWED = "renewed"  # another one had
    UNREADABLE = "unreadable"  # none of the keys has


@dataclass
class Outcome:
    """How many values were found how, and which ones no key opens."""

    counts: Counter[Found] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)

    def note(self, what: str, key: object, found: Found) -> None:
        """Count a value."""
        self.counts[found] += 1
        if found is Found.UNREADABLE:
            self.unreadable.append(f"{what} {key}")


def reencrypt(database: Database, box: Box) -> Outcome:
    """Encrypt anew whatever another than the first key has closed.

    The word that the keys are compared with comes last: until then the old keys stay needed.

    Raises:
        DatabaseUnavailable: the database doesn't answer; what was done stays done.
    """
    outcome = Outcome()
    for what, key, column in SEALED:
        for rows in _batches(database, key, column):
            for row in rows:
                outcome.note(what, row[0], _renew(database, box, key, column, row))
    for name in _facts(database):
        outcome.note("fact", name, _renew_fact(database, box, name))
    return outcome


def _batches(
    database: Database, key: Any, column: InstrumentedAttribute[Any]
) -> Iterator[list[tuple[Any, str]]]:
    last = None
    while True:
        query = select(key, column).where(column != "").order_by(key).limit(BATCH)
        if last is not None:
            query = query.where(key > last)
        with database.connect() as connection:
            rows = [(row[0], row[1]) for row in connection.execute(query)]
        if not rows:
            return
        yield rows
        last = rows[-1][0]


@again_after_deadlock
def _renew(
    database: Database, box: Box, key: Any, column: InstrumentedAttribute[Any], row: tuple[Any, str]
) -> Found:
    row_id, sealed = row
    try:
        renewed = box.renew(sealed)
    except ValueError:
        return Found.UNREADABLE
    if renewed == sealed:
        return Found.CURRENT
    statement = update(column.class_).where(key == row_id, column == sealed)
    with database.begin() as connection:
        # Whoever has written it meanwhile has closed it with a key of its own: see the next run.
        changed(connection, statement.values({column: renewed}))
    return Found.RENEWED


def _facts(database: Database) -> list[str]:
    with database.connect() as connection:
        rows = connection.execute(select(StateRow.name, StateRow.value))
        return sorted(row.name for row in rows if _holds_sealed(row.value))


@again_after_deadlock
def _renew_fact(database: Database, box: Box, name: str) -> Found:
    with database.begin() as connection:
        query = select(StateRow.value).where(StateRow.name == name).with_for_update()
        value: Any = connection.execute(query).scalar()
        try:
            renewed = _renewed(value, box)
        except ValueError:
            return Found.UNREADABLE
        if renewed == value:
            return Found.CURRENT
        statement = update(StateRow).where(StateRow.name == name)
        # When it was set is when somebody set it.
        changed(connection, statement.values(value=renewed, changed_at=StateRow.changed_at))
        return Found.RENEWED


def _holds_sealed(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_sealed, value.values()))
    return isinstance(value, str) and value.startswith(_BEGINNING)


def _renewed(value: Any, box: Box) -> Any:
    if isinstance(value, dict):
        return {name: _renewed(part, box) for name, part in value.items()}
    return box.renew(value) if _holds_sealed(value) else value
