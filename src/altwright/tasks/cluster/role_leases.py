"""Leases: names that one process of the cluster holds at a time, for roles and worker slots."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Float, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import LeaseRow
from altwright.db.types import now
from altwright.domain.worker import gone_from_this_host

#: Share of a lease that has to be left so that it isn't renewed yet.
FRESH = 0.7

#: Built once: constructing a statement costs as much as executing it.
_LOOK = select(
    LeaseRow.name,
    LeaseRow.owner,
    (LeaseRow.expires_at < now()).label("expired"),
    (LeaseRow.expires_at > now(bindparam("fresh_s", type_=Float))).label("fresh"),
).where(LeaseRow.name.in_(bindparam("names", expanding=True)))


class _Lease(NamedTuple):
    name: str
    owner: str
    expired: bool
    fresh: bool


class Leases:
    """All SQL on leases.

    A lease ends when it has run out, when its owner releases it, and at once when its owner was
    a process of this host that is gone.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew one lease; return whether ``owner`` holds it now."""
        seen = self._look([name], ttl_s)
        return bool(self._renewed(seen, owner, ttl_s) or self._taken([name], seen, owner, ttl_s, 1))

    def renew(self, names: Collection[str], owner: str, ttl_s: float) -> set[str]:
        """Renew what ``owner`` holds of these; return which they are."""
        return self._renewed(self._look(names, ttl_s), owner, ttl_s)

    def take(self, names: Collection[str], owner: str, ttl_s: float, most: int) -> set[str]:
        """Take at most ``most`` of these that nobody holds, in their order; return which."""
        if most <= 0:
            return set()
        return self._taken(names, self._look(names, ttl_s), owner, ttl_s, most)

    @again_after_deadlock
    def release(self, names: Collection[str], owner: str) -> None:
        """Give up leases, so that another process need not wait for them to run out."""
        mine = update(LeaseRow).where(LeaseRow.name.in_(names), LeaseRow.owner == owner)
        with self._database.begin() as connection:
            changed(connection, mine.values(owner="", expires_at=now(-1)))

    def owners(self) -> list[str]:
        """Return the processes that hold a lease and aren't known to be gone, sorted."""
        query = select(LeaseRow.owner).distinct()
        query = query.where(LeaseRow.expires_at > now(), LeaseRow.owner != "")
        with self._database.connect() as connection:
            owners = connection.scalars(query).all()
        return sorted(owner for owner in owners if not gone_from_this_host(owner))

    def _look(self, names: Collection[str], ttl_s: float) -> dict[str, _Lease]:
        asked = {"names": list(names), "fresh_s": ttl_s * FRESH}
        with self._database.connect() as connection:
            return {row.name: _Lease(*row) for row in connection.execute(_LOOK, asked)}

    def _renewed(self, seen: dict[str, _Lease], owner: str, ttl_s: float) -> set[str]:
        # Most processes read only, most of the time.
        mine = [lease for lease in seen.values() if lease.owner == owner]
        return {lease.name for lease in mine if lease.fresh or self._write(lease, owner, ttl_s)}

    def _taken(
        self, names: Iterable[str], seen: dict[str, _Lease], owner: str, ttl_s: float, most: int
    ) -> set[str]:
        taken: set[str] = set()
        for name in names:
            if len(taken) == most:
                break
            lease = seen.get(name)
            if lease is None:
                won = self._first(name, owner, ttl_s)
            elif lease.owner == owner or not (lease.expired or gone_from_this_host(lease.owner)):
                continue
            else:
                won = self._write(lease, owner, ttl_s)
            if won:
                taken.add(name)
        return taken

    @again_after_deadlock
    def _write(self, seen: _Lease, owner: str, ttl_s: float) -> bool:
        """Renew or take over a lease that is as it was seen; return whether it was."""
        statement = update(LeaseRow).where(LeaseRow.name == seen.name, LeaseRow.owner == seen.owner)
        if seen.expired and seen.owner != owner:  # its owner may have renewed it since
            statement = statement.where(LeaseRow.expires_at < now())
        with self._database.begin() as connection:
            return bool(changed(connection, statement.values(owner=owner, expires_at=now(ttl_s))))

    def _first(self, name: str, owner: str, ttl_s: float) -> bool:
        try:
            with self._database.begin() as connection:
                lease = {"name": name, "owner": owner, "expires_at": now(ttl_s)}
                connection.execute(insert(LeaseRow).values(lease))
        except IntegrityError:
            return False  # another process was first
        return True
