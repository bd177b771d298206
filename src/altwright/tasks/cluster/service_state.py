"""Facts about the whole service, by name: one row of JSON each, the same for every process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from altwright.db.session import Database, Executor, again_after_deadlock, changed
from altwright.db.task_tables import StateRow
from altwright.db.types import now

#: Built once: constructing a statement costs as much as executing it.
_STATES = select(StateRow.name, StateRow.value).where(
    StateRow.name.in_(bindparam("names", expanding=True))
)


class ServiceState:
    """Facts that stand by themselves; others are kept with what they go with by ``put``."""

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

    @again_after_deadlock
    def set(self, name: str, value: Any) -> None:
        """Keep a fact."""
        with self._database.begin() as connection:
            put(connection, name, value)

    def locked(self, session: Session, name: str) -> Any:
        """Return a fact that is there, which nobody else changes before the transaction ends."""
        query = select(StateRow.value).where(StateRow.name == name).with_for_update()
        return session.execute(query).scalar_one()

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


def put(session: Executor, name: str, value: Any) -> None:
    """Keep a fact in a transaction, be there one of this name or not, or come one meanwhile.

    On MariaDB several who do so at once may stand in each other's way: see again_after_deadlock.
    """
    statement = update(StateRow).where(StateRow.name == name)
    statement = statement.values(value=value, changed_at=now())
    if changed(session, statement):
        return
    try:
        with session.begin_nested():
            session.execute(insert(StateRow).values(name=name, value=value))
    except IntegrityError:  # another process was first; or the row is refused for another reason
        if not changed(session, statement):
            raise
