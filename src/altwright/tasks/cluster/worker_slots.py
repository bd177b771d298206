"""Slots: so many workers in the whole service, over however many processes and hosts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from altwright.db.session import Database, again_after_deadlock
from altwright.db.task_tables import LeaseRow
from altwright.db.types import now
from altwright.domain.worker import gone_from_this_host
from altwright.tasks.store.transitions import changed

#: Seconds that a slot stays with a process that gives no sign, and between two signs. A process
#: that was killed on this host loses its slots at once.
SLOT_S, SIGN_S = 10.0, 3.0
_PREFIX = "worker:"


@dataclass(frozen=True, slots=True)
class _Held:
    name: str
    owner: str
    expired: bool
    due: bool


class Slots:
    """Numbered places for workers; each is one process's at a time (requirement 3.5)."""

    def __init__(self, database: Database, owner: str) -> None:
        """Take the name of this process in the fleet."""
        self._database = database
        self._owner = owner

    def keep(self, held: Collection[int]) -> set[int]:
        """Lengthen the hold on these slots; return those that are still this process's."""
        rows = [row for row in self._rows() if _number(row.name) in held]
        mine = [row for row in rows if row.owner == self._owner]
        if any(row.due for row in mine):
            self._lengthen([row.name for row in mine])
        return {_number(row.name) for row in mine}

    def take(self, count: int, most: int) -> set[int]:
        """Take at most ``most`` free slots of those numbered below ``count``; return them."""
        if most <= 0:
            return set()
        known = {_number(row.name): row for row in self._rows()}
        taken: set[int] = set()
        for number in range(count):
            if len(taken) == most:
                break
            row = known.get(number)
            if row is None:
                won = self._first(number)
            elif row.owner != self._owner and (row.expired or gone_from_this_host(row.owner)):
                won = self._take_over(row)
            else:
                continue
            if won:
                taken.add(number)
        return taken

    @again_after_deadlock
    def let_go(self, numbers: Collection[int]) -> None:
        """Give slots up."""
        with self._database.write() as session:
            statement = update(LeaseRow).where(
                LeaseRow.name.in_([_name(number) for number in numbers]),
                LeaseRow.owner == self._owner,
            )
            changed(session, statement.values(owner="", expires_at=now(-1)))

    def _rows(self) -> list[_Held]:
        query = select(
            LeaseRow.name,
            LeaseRow.owner,
            LeaseRow.expires_at < now(),
            LeaseRow.expires_at < now(SLOT_S - SIGN_S),
        ).where(LeaseRow.name.startswith(_PREFIX))
        with self._database.read() as session:
            return [_Held(n, o, bool(e), bool(d)) for n, o, e, d in session.execute(query)]

    @again_after_deadlock
    def _lengthen(self, names: list[str]) -> None:
        mine = update(LeaseRow).where(LeaseRow.name.in_(names), LeaseRow.owner == self._owner)
        with self._database.write() as session:
            changed(session, mine.values(expires_at=now(SLOT_S)))

    @again_after_deadlock
    def _take_over(self, row: _Held) -> bool:
        statement = update(LeaseRow).where(LeaseRow.name == row.name, LeaseRow.owner == row.owner)
        if row.expired:  # its owner may have given a sign since
            statement = statement.where(LeaseRow.expires_at < now())
        with self._database.write() as session:
            values = statement.values(owner=self._owner, expires_at=now(SLOT_S))
            return bool(changed(session, values))

    def _first(self, number: int) -> bool:
        try:
            with self._database.write() as session:
                session.add(LeaseRow(name=_name(number), owner=self._owner, expires_at=now(SLOT_S)))
        except IntegrityError:
            return False  # another process was first
        return True


def _name(number: int) -> str:
    return f"{_PREFIX}{number}"


def _number(name: str) -> int:
    return int(name.removeprefix(_PREFIX))
