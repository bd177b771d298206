"""All SQL on what belongs to what: old rows and their counterparts here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from altwright.db.session import Database
from altwright.db.takeover_table import TakenRow
from altwright.takeover.old_database import BATCH

USER, ACCOUNT, TASK, PICTURE = "user", "account", "task", "picture"
#: Which column of a link names the counterpart.
COLUMNS = {
    USER: TakenRow.user_id,
    ACCOUNT: TakenRow.account_id,
    TASK: TakenRow.task_id,
    PICTURE: TakenRow.picture_id,
}


@dataclass(frozen=True, slots=True)
class Link:
    """An old row, its counterpart (None: deleted here), and the digests of both sides."""

    id: int
    old_id: str
    new_id: Any
    theirs: dict[str, str]
    ours: dict[str, str]


def of(session: Session, kind: str, old_ids: Collection[Any]) -> dict[str, Link]:
    """Return the links of a batch of old rows, by their ids as text."""
    wanted = [str(one) for one in old_ids]
    query = select(TakenRow).where(TakenRow.kind == kind, TakenRow.old_id.in_(wanted))
    return {row.old_id: _link(kind, row) for row in session.scalars(query)}


def pages(database: Database, kind: str) -> Iterator[list[Link]]:
    """Yield all links of a kind whose counterpart is still here, in batches."""
    last = 0
    while True:
        query = select(TakenRow).where(TakenRow.kind == kind, TakenRow.id > last)
        query = query.where(COLUMNS[kind].is_not(None)).order_by(TakenRow.id).limit(BATCH)
        with database.read() as session:
            links = [_link(kind, row) for row in session.scalars(query)]
        if not links:
            return
        last = links[-1].id
        yield links


def everybody(database: Database, kind: str) -> dict[str, Any]:
    """Return the counterparts of all old rows of a kind; None: deleted here."""
    with database.read() as session:
        query = select(TakenRow.old_id, COLUMNS[kind]).where(TakenRow.kind == kind)
        return {row[0]: row[1] for row in session.execute(query)}


def add(
    session: Session,
    kind: str,
    old_id: Any,
    new_id: Any,
    theirs: Mapping[str, str],
    ours: Mapping[str, str],
) -> None:
    """Note that two rows are the same."""
    column = {COLUMNS[kind].key: new_id}
    session.add(
        TakenRow(kind=kind, old_id=str(old_id), theirs=dict(theirs), ours=dict(ours), **column)
    )
    session.flush()


def stamp(session: Session, link: Link, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Note how fields of both sides are now."""
    values = {"theirs": {**link.theirs, **theirs}, "ours": {**link.ours, **ours}}
    session.execute(update(TakenRow).where(TakenRow.id == link.id).values(values))


def _link(kind: str, row: TakenRow) -> Link:
    return Link(row.id, row.old_id, getattr(row, COLUMNS[kind].key), row.theirs, row.ours)
