"""What publishing has learned about servers, for all accounts on them and all processes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select

from altwright.db.session import Database, again_after_deadlock, again_if_another_was_first
from altwright.db.tables import ServerRow
from altwright.db.types import now
from altwright.platforms.publishing.outcomes import Learned
from altwright.platforms.publishing.ways import Way
from altwright.text import clean_line

#: Seconds after which a server that could not do it is asked again: it may have been mended.
REFUSAL_COUNTS_S = 7 * 86_400.0


class ServerStore:
    """All SQL on servers; a WayMemory for platforms."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, host: str) -> Learned | None:
        """Return what was learned about a server, if it still counts."""
        return self.recall_all([host]).get(_key(host))

    def recall_all(self, hosts: Collection[str]) -> dict[str, Learned]:
        """Return what was learned about these servers and still counts, by host in lower case."""
        query = select(ServerRow, ServerRow.learned_at < now(-REFUSAL_COUNTS_S)).where(
            ServerRow.host.in_({_key(host) for host in hosts})
        )
        with self._database.read() as session:
            found = ((row, _learned(row, is_old=old)) for row, old in session.execute(query))
            return {row.host: learned for row, learned in found if learned is not None}

    @again_if_another_was_first
    @again_after_deadlock
    def remember(self, host: str, learned: Learned) -> None:
        """Keep what was learned in the place of what was known before."""
        with self._database.write() as session:
            session.execute(delete(ServerRow).where(ServerRow.host == _key(host)))
            session.add(
                ServerRow(
                    host=_key(host),
                    way=learned.way,
                    software=clean_line(learned.software, ServerRow.software.type.length),
                    is_proved=learned.is_proved,
                    reason=learned.reason,
                )
            )


def _learned(row: ServerRow, *, is_old: bool) -> Learned | None:
    try:
        way = Way(row.way)
    except ValueError:
        return None  # of a later version of Altwright
    if way is Way.NONE and is_old:
        return None
    return Learned(way, row.software, is_proved=row.is_proved, reason=row.reason)


def _key(host: str) -> str:
    return host.lower()[: ServerRow.host.type.length]
