"""What administrators want of workers: how many, to end, to be replaced; kept in the database.

Each wish is a row of service_state, which the processes concerned read every second.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from altwright.db.session import Database, again_after_deadlock
from altwright.db.task_tables import StateRow
from altwright.db.types import now
from altwright.domain.counting import counted
from altwright.domain.user import UserRef
from altwright.domain.worker import WorkerKind
from altwright.tasks.audit_log import write
from altwright.tasks.cluster.service_state import put

#: Supervised processes of a host, besides the kinds of workers that may be alone.
POOL = "pool"
#: What can be asked for; the names of rows are at most 64 characters with a host's 48.
SCALE, AGAIN, END = "scale", "again", "end"
#: What a pool says of itself, and after how many seconds without a word it counts as gone.
SIZE, SIZE_KEPT_S = "size", 30.0
#: What the audit log calls it.
STOPPED = "workers stopped"
_COLUMNS = select(StateRow.name, StateRow.value, StateRow.changed_at)
#: Made once: every process asks every second.
_WISHES = _COLUMNS.where(StateRow.name.in_(bindparam("names", expanding=True)))


class Group(NamedTuple):
    """Workers that one wish is for: a kind in the whole service, or on one host."""

    kind: str
    host: str = ""

    def row(self, what: str) -> str:
        """Return the name of a row in service_state."""
        return f"{what}:{self.kind}:{self.host}"

    @property
    def words(self) -> str:
        """Return what an administrator reads."""
        kinds: dict[str, str] = {
            WorkerKind.INTEGRATED: "integrated workers",
            POOL: "worker processes",
            WorkerKind.EXTERNAL: "external workers",
            WorkerKind.RQ: "workers of RQ's command",
        }
        words = kinds.get(self.kind, f"workers of kind {self.kind}")
        return f"{words} on {self.host}" if self.host else words


#: The threads of all web processes.
INTEGRATED = Group(WorkerKind.INTEGRATED)


@dataclass(frozen=True, slots=True)
class Wish:
    """Who asked for something, and when; ``least`` and ``most`` are numbers that are wanted.

    ``there``: how many workers there were when these were asked to stop (0: nobody noted it).
    """

    id: str
    by: str
    at: datetime
    least: int = 0
    most: int = 0
    there: int = 0

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Read a row."""
        value = row.value if isinstance(row.value, dict) else {}
        numbers = {name: int(value.get(name) or 0) for name in ("least", "most", "there")}
        return cls(str(value.get("id")), str(value.get("by")), row.changed_at, **numbers)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of a group; None: nothing, and the settings count."""

    scale: Wish | None = None
    again: Wish | None = None
    end: Wish | None = None

    @property
    def stop(self) -> Wish | None:
        """Return who asked these workers to stop; None: nobody, or they may be there again."""
        if self.scale and not self.scale.most:
            return self.scale
        return self.end


@dataclass(frozen=True, slots=True)
class PoolSize:
    """A pool on a host, as it says itself: processes there are, and between what numbers."""

    host: str
    there: int
    least: int
    most: int


class WorkerControl:
    """All SQL on these wishes; each change is in the audit log, in the same transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def scale(self, group: Group, least: int, most: int, by: UserRef, there: int = 0) -> None:
        """Let there be so many: threads in the whole service, or processes of a host's pool.

        ``there``: how many workers that stops, if it stops them.
        """
        action = "workers scaled" if most else STOPPED
        self._set(group, SCALE, by, action, 0 if most else there, least=least, most=most)

    def reset(self, group: Group, by: UserRef) -> bool:
        """Let the settings count again; return whether they didn't."""
        with self.database.write() as session:
            before = self._kept(session, group.row(SCALE))
            if before is None:
                return False
            session.execute(delete(StateRow).where(StateRow.name == group.row(SCALE)))
            write(
                session,
                by,
                "workers as configured",
                group.words,
                before=_number(before.value),
                after="as configured",
            )
        return True

    def again(self, group: Group, by: UserRef) -> None:
        """Let the processes of a group be replaced, one after the other."""
        self._set(group, AGAIN, by, "workers restarted")

    def end(self, group: Group, by: UserRef, there: int = 0) -> None:
        """Let the processes of a group end that are there now, with ``there`` workers."""
        self._set(group, END, by, STOPPED, there)

    def wishes(self, group: Group) -> Wishes:
        """Return what is wanted of a group now."""
        names = {group.row(what): what for what in (SCALE, AGAIN, END)}
        return Wishes(**{names[name]: wish for name, wish in self.read(names).items()})

    def read(self, names: Iterable[str]) -> dict[str, Wish]:
        """Return the wishes in these rows, those that there are."""
        with self.database.connect() as connection:
            rows = connection.execute(_WISHES, {"names": list(names)})
            return {row.name: Wish.of(row) for row in rows}

    def all(self) -> dict[Group, Wishes]:
        """Return what is wanted of every group."""
        found: dict[Group, dict[str, Wish]] = {}
        likes = [StateRow.name.like(f"{what}:%") for what in (SCALE, AGAIN, END)]
        with self.database.connect() as connection:
            for row in connection.execute(_COLUMNS.where(or_(*likes))):
                what, kind, host = row.name.split(":", 2)
                found.setdefault(Group(kind, host), {})[what] = Wish.of(row)
        return {group: Wishes(**wishes) for group, wishes in found.items()}

    def stops(self) -> dict[Group, Wish]:
        """Return which groups were asked to stop, and by whom."""
        found = {group: wishes.stop for group, wishes in self.all().items()}
        return {group: wish for group, wish in found.items() if wish}

    @again_after_deadlock
    def note_pool(self, size: PoolSize) -> None:
        """Say how large a pool is; forget those of hosts that are long gone."""
        value = {"there": size.there, "least": size.least, "most": size.most}
        name = Group(POOL, size.host).row(SIZE)
        old = delete(StateRow).where(
            StateRow.name.like(f"{SIZE}:%"), StateRow.changed_at < now(-SIZE_KEPT_S)
        )
        with self.database.begin() as connection:
            connection.execute(old)
            put(connection, name, value)

    def pool_gone(self, host: str) -> None:
        """Note that a host's pool has ended."""
        name = Group(POOL, host).row(SIZE)
        with self.database.write() as session:
            session.execute(delete(StateRow).where(StateRow.name == name))

    def pools(self) -> list[PoolSize]:
        """Return the pools that have given a sign lately, by host."""
        query = select(StateRow.name, StateRow.value).where(
            StateRow.name.like(f"{SIZE}:%"), StateRow.changed_at >= now(-SIZE_KEPT_S)
        )
        with self.database.connect() as connection:
            rows = connection.execute(query.order_by(StateRow.name))
            return [PoolSize(row.name.split(":", 2)[2], **row.value) for row in rows]

    @again_after_deadlock
    def _set(
        self, group: Group, what: str, by: UserRef, action: str, there: int = 0, **numbers: int
    ) -> None:
        value = {"id": secrets.token_hex(8), "by": by.username, **numbers}
        name = group.row(what)
        with self.database.write() as session:
            kept = self._kept(session, name)
            before = _number(kept.value) if kept else "as configured"
            if action == STOPPED:  # who asks once more meets fewer
                value["there"] = there or (kept.value.get("there", 0) if kept else 0)
            put(session, name, value)
            changes = {"before": before, "after": _number(value)} if numbers else {}
            write(session, by, action, group.words, **changes)

    def _kept(self, session: Session, name: str) -> StateRow | None:
        return session.get(StateRow, name)


def _number(value: Any) -> str:
    least, most = value.get("least", 0), value.get("most", 0)
    return counted(most, "worker") if least == most else f"{least} to {counted(most, 'worker')}"
