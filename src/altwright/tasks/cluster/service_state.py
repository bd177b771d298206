"""Facts about the whole service, by name: one row of JSON each, the same for every process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from altwright.db.session import Database, changed
from altwright.db.task_tables import StateRow
from altwright.db.types import now

#: Built once: constructing a statement costs as much as executing it.
_STATES = select(StateRow.name, StateRow.value).where(
    StateRow.name.in_(bindparam("names", expanding=True))
)


def keep(session: Session, name: str, value: object) -> None:
    """Keep a fact in the transaction of what it goes with; IntegrityError: another was first."""
    session.merge(StateRow(name=name, value=value, changed_at=now()))


class ServiceState:
    """Facts that stand by themselves; others are kept with what they go with by ``keep``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Any:
        """Return a fact, or None."""
        return self.get_many(name)[0]

    def get_many(self, *names: str) -> list[Any]:
        """Return several facts as of one moment, None for those that aren't there."""
        with self._database.connect() as connection:
            values = {row.name: row.value for row in connection.execute(_STATES, {"names": names})}
        return [values.get(name) for name in names]

    def fresh(self, names: Sequence[str], *, within_s: float) -> dict[str, Any]:
        """Return those facts that were set within the last seconds."""
        query = select(StateRow.name, StateRow.value).where(
            StateRow.name.in_(names), StateRow.changed_at > now(-within_s)
        )
        with self._database.connect() as connection:
            return {row.name: row.value for row in connection.execute(query)}

    def age_s(self, name: str) -> float:
        """Return how long ago a fact was set, in seconds; infinitely long if it never was."""
        with self._database.connect() as connection:
            changed_at = connection.scalar(select(StateRow.changed_at).where(StateRow.name == name))
            at = connection.scalar(select(now()))
        return (at - changed_at).total_seconds() if changed_at and at else float("inf")

    def set(self, name: str, value: Any) -> None:
        """Keep a fact."""
        statement = update(StateRow).where(StateRow.name == name)
        with self._database.begin() as connection:
            if changed(connection, statement.values(value=value, changed_at=now())):
                return
        if not self.add(name, value):
            with self._database.begin() as connection:  # another process was first
                changed(connection, statement.values(value=value, changed_at=now()))

    def locked(self, session: Session, name: str) -> Any:
        """Return a fact that is there, which nobody else changes before the transaction ends."""
        query = select(StateRow.value).where(StateRow.name == name).with_for_update()
        return session.execute(query).scalar_one()

    def replace(self, session: Session, name: str, value: Any) -> None:
        """Change a fact that is locked."""
        statement = update(StateRow).where(StateRow.name == name)
        changed(session, statement.values(value=value, changed_at=now()))

    def add(self, name: str, value: Any) -> bool:
        """Keep a fact unless there is one of this name; return whether there was none."""
        try:
            with self._database.begin() as connection:
                connection.execute(insert(StateRow).values(name=name, value=value))
        except IntegrityError:
            if self.get(name) is None:
                raise  # the row was refused for another reason
            return False
        return True
