"""Import and export: the same nouns in the same order, one direction or the other.

Each batch is one transaction here, with the links that say what was done, so that a run that was
ended goes on where it stopped, and one that has nothing to do changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import UserRow
from altwright.domain.worker import process_name
from altwright.errors import ConfigError, Conflict, DatabaseUnavailable
from altwright.takeover import links
from altwright.takeover.comparing import changed, digests, to_take
from altwright.takeover.fields import Row, Unusable, instant
from altwright.takeover.files import OldFiles
from altwright.takeover.links import Link
from altwright.takeover.noun import NOBODY, Known, Noun
from altwright.takeover.old_database import BATCH, OldDatabase
from altwright.takeover.people import Accounts, Users
from altwright.takeover.pictures import Pictures
from altwright.takeover.report import ADDED, CHANGED, SAME, Report
from altwright.takeover.tasks import Tasks
from altwright.tasks.cluster.role_leases import Leases

#: One import or export at a time: two would each add what the other hasn't noted yet.
ROLE, ROLE_S = "takeover", 60.0
_AT_WORK = (
    "Another import or export is at work. Wait until it has ended; one that was killed on another "
    "host is forgotten within a minute."
)
_BOTH = "it was changed on both sides since; it stays as it is on either"
_DELETED = "it was deleted here since; it isn't taken again"


class Takeover:
    """Moves rows between the replaced system and this one; ``dry_run`` writes nothing."""

    def __init__(
        self,
        database: Database,
        old: OldDatabase,
        *,
        box: Box,
        old_box: Box,
        stopped: bool = False,
        claims: bool = False,
        same: Collection[str] = (),
        files: OldFiles | None = None,
        dry_run: bool = False,
    ) -> None:
        self._database = database
        self._old = old
        self._dry_run = dry_run
        self._leases = Leases(database)
        self._owner = f"{process_name()}.{secrets.token_hex(4)}"
        self._known = Known()
        self._users = Users(database, old, self._known, same)
        self._accounts = Accounts(database, old, self._known, old_box, box)
        self._tasks = Tasks(database, old, self._known, box, stopped=stopped, claims=claims)
        self._stopped = stopped
        self._nouns: tuple[Noun, ...] = (
            self._users,
            self._accounts,
            self._tasks,
            Pictures(database, old, self._known, files, dry_run=dry_run),
        )
        #: Ids of what a dry run would make.
        self._nobody = count(NOBODY, -1)
        self.report = Report()

    def take_in(self) -> Report:
        """Import. Raises ConfigError, Conflict, DatabaseUnavailable; a run after it goes on."""
        with self._alone():
            self._begin()
            for name in self._old.hidden:
                self.report.remark(name, "all", "no such table, or this login may not read it")
            for noun in self._nouns:
                for rows in noun.pages():
                    self._hold()
                    read = noun.there(rows)
                    opened = self._database.read if self._dry_run else self._database.write
                    with opened() as session:
                        self._take_batch(session, noun, rows, read)
        return self.report

    def give_back(self) -> Report:
        """Export. Raises as ``take_in``."""
        with self._alone():
            self._begin()
            for noun in self._nouns:
                for some in links.pages(self._database, noun.kind):
                    self._hold()
                    self._give_changes(noun, some)
                for rows in noun.new_here():
                    self._hold()
                    self._give_new(noun, rows)
            if self._stopped:
                with self._old.begin() as connection:
                    self._tasks.release(connection, self.report, dry_run=self._dry_run)
        return self.report

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other imports and exports out. Raises Conflict: one is at work."""
        self._hold()
        try:
            yield
        finally:
            # Without it, the lease runs out.
            with suppress(DatabaseUnavailable):
                self._leases.release([ROLE], self._owner)

    def _hold(self) -> None:
        """Take or keep the role, which what writes nothing needs not. Raises Conflict."""
        if not self._dry_run and not self._leases.hold(ROLE, self._owner, ROLE_S):
            raise Conflict(_AT_WORK)

    def _begin(self) -> None:
        self._known.users |= links.everybody(self._database, links.USER)
        self._known.accounts |= links.everybody(self._database, links.ACCOUNT)
        self._check_source()
        self._accounts.check_key()

    def _check_source(self) -> None:
        """Make sure that it is the database of which rows were taken before. Raises ConfigError."""
        ids = [int(one) for one, here in self._known.users.items() if here is not None][:BATCH]
        for row in self._old.rows(self._users.table, "id", ids):
            there = instant(row.get("created_at"))
            with self._database.read() as session:
                here = session.get(UserRow, self._known.users[str(row["id"])])
            is_same = (
                here is None or there is None or here.created_at.replace(microsecond=0) == there
            )
            if not is_same and here is not None and here.username != row.get("username"):
                raise ConfigError(
                    [f"the old database is another one: its user {row['id']} isn't {here.username}"]
                )

    def _take_batch(
        self,
        session: Session,
        noun: Noun,
        rows: Sequence[Mapping[str, Any]],
        read: Sequence[Row | Unusable],
    ) -> None:
        known = links.of(session, noun.kind, [row["id"] for row in rows])
        here = noun.here(session, {one.new_id for one in known.values()} - {None})
        added: list[tuple[Any, Any, Row]] = []
        followed: list[tuple[Link, dict[str, Any], Row]] = []
        for source, row in zip(rows, read, strict=True):
            old_id = source["id"]
            link = known.get(str(old_id))
            try:
                if isinstance(row, Unusable):
                    raise row
                if link is None:
                    added.append((old_id, self._add(session, noun, old_id, row), row))
                else:
                    taken = self._take_change(session, noun, link, here, row)
                    if taken is not None or changed(row.noted, link.theirs):
                        followed.append((link, taken or {}, row))
            except Unusable as error:
                self.report.leave(noun.table, old_id, str(error))
        if self._dry_run:
            return
        now = noun.here(session, {one[1] for one in added} | {one[0].new_id for one in followed})
        for old_id, new_id, row in added:
            theirs = digests(row.fields | row.noted)
            links.add(session, noun.kind, old_id, new_id, theirs, digests(now[new_id]))
        for link, taken, row in followed:
            after = {name: now[link.new_id][name] for name in taken if name in now[link.new_id]}
            links.stamp(session, link, digests(taken | row.noted), digests(after))

    def _add(self, session: Session, noun: Noun, old_id: Any, row: Row) -> Any:
        new_id = noun.find(session, row)
        if new_id is not None:
            self.report.row(noun.table, SAME)
            self.report.remark(noun.table, old_id, "it is here already, and stays as it is here")
        else:
            new_id = next(self._nobody) if self._dry_run else noun.add(session, row)
            self.report.row(noun.table, ADDED)
            for remark in row.remarks:
                self.report.remark(noun.table, old_id, remark)
        for kind, ids in ((links.USER, self._known.users), (links.ACCOUNT, self._known.accounts)):
            if noun.kind == kind:
                ids[str(old_id)] = new_id
        return new_id

    def _take_change(
        self,
        session: Session,
        noun: Noun,
        link: Link,
        here: Mapping[Any, dict[str, Any]],
        row: Row,
    ) -> dict[str, Any] | None:
        """Follow a change there; return the fields to compare from now on, None: as before."""
        if link.new_id not in here:
            raise Unusable(_DELETED)
        ours = here[link.new_id]
        holds = noun is self._tasks and self._tasks.hold(link, row, ours, dry_run=self._dry_run)
        taken = to_take(row.fields, ours, link.theirs, link.ours, whole=noun.whole)
        if taken is None:
            raise Unusable(_BOTH)
        if taken:
            if not self._dry_run:
                noun.change(session, link.new_id, taken, row)
            self.report.row(noun.table, CHANGED)
            return taken
        self.report.row(noun.table, CHANGED if holds else SAME)
        return _agreed(row.fields, ours, link.theirs)

    def _give_changes(self, noun: Noun, some: Sequence[Link]) -> None:
        with self._database.read() as session:
            here = noun.here(session, [one.new_id for one in some])
        ids = [_old_key(noun, one.old_id) for one in some]
        stamps: list[tuple[Link, dict[str, Any]]] = []
        with self._old.begin() as connection:
            rows = self._old.rows(noun.table, "id", ids, connection)
            there = {
                str(source["id"]): row for source, row in zip(rows, noun.there(rows), strict=True)
            }
            for link in some:
                try:
                    given = self._give_change(connection, noun, link, here, there)
                    stamps += [(link, given)] if given is not None else []
                except Unusable as error:
                    self.report.leave(noun.table, link.old_id, str(error))
        if self._dry_run or not stamps:
            return
        # Read again: what they made of it counts.
        rows = self._old.rows(noun.table, "id", [_old_key(noun, one.old_id) for one, _ in stamps])
        there = {str(one["id"]): row for one, row in zip(rows, noun.there(rows), strict=True)}
        with self._database.write() as session:
            for link, given in stamps:
                row = there.get(link.old_id)
                if isinstance(row, Row):
                    theirs = {name: row.fields[name] for name in given if name in row.fields}
                    links.stamp(session, link, digests(theirs), digests(given))

    def _give_change(
        self,
        connection: Connection,
        noun: Noun,
        link: Link,
        here: Mapping[Any, dict[str, Any]],
        there: Mapping[str, Row | Unusable],
    ) -> dict[str, Any] | None:
        row = there.get(link.old_id)
        if row is None:
            raise Unusable("it isn't there any more")
        if isinstance(row, Unusable):
            raise row
        ours = here.get(link.new_id)
        if ours is None:
            raise Unusable("it was deleted here since; it stays there")
        given = to_take(ours, row.fields, link.ours, link.theirs, whole=noun.whole)
        if given is None:
            raise Unusable(_BOTH)
        if noun is self._tasks and self._tasks.rests_there(link, row, ours):
            given = given or ours
        if given:
            if not self._dry_run:
                with self._old.one_row(connection):
                    self._old.write(
                        connection, noun.table, _old_key(noun, link.old_id), noun.columns(given)
                    )
            self.report.row(noun.table, CHANGED)
            return given
        self.report.row(noun.table, SAME)
        return _agreed(ours, row.fields, link.ours)

    def _give_new(
        self, noun: Noun, rows: Sequence[tuple[Any, dict[str, Any], dict[str, Any]]]
    ) -> None:
        made: list[tuple[Any, Any, dict[str, Any]]] = []
        with self._old.begin() as connection:
            for new_id, fields, beside in rows:
                try:
                    old_id, outcome, remark = self._give(connection, noun, fields, beside)
                except Unusable as error:
                    self.report.leave(noun.table, f"here {new_id}", str(error))
                    continue
                self.report.row(noun.table, outcome)
                if remark:
                    self.report.remark(noun.table, old_id, remark)
                made.append((old_id, new_id, fields))
                if noun.kind == links.USER:
                    self._known.users[str(old_id)] = new_id
                if noun.kind == links.ACCOUNT:
                    self._known.accounts[str(old_id)] = new_id
        if self._dry_run or not made:
            return
        old_rows = self._old.rows(noun.table, "id", [old_id for old_id, _, _ in made])
        read = zip(old_rows, noun.there(old_rows), strict=True)
        there = {str(one["id"]): row for one, row in read}
        with self._database.write() as session:
            for old_id, new_id, fields in made:
                row = there.get(str(old_id))
                theirs = row.fields if isinstance(row, Row) else {}
                links.add(session, noun.kind, old_id, new_id, digests(theirs), digests(fields))

    def _give(
        self,
        connection: Connection,
        noun: Noun,
        fields: Mapping[str, Any],
        beside: Mapping[str, Any],
    ) -> tuple[Any, str, str]:
        """Add a row there; return its id, the outcome and a remark. Raises Unusable."""
        old_id = noun.find_there(connection, fields, beside)
        if old_id is not None:
            return old_id, SAME, "it is there already, and stays as it is there"
        if self._dry_run:
            return next(self._nobody), ADDED, ""
        with self._old.one_row(connection):
            old_id, remark = noun.add_there(connection, fields, beside)
        return old_id, ADDED, remark


def _old_key(noun: Noun, old_id: str) -> Any:
    return old_id if noun.kind == links.TASK else int(old_id)


def _agreed(
    source: Mapping[str, Any], target: Mapping[str, Any], before: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return fields that changed and are the same on both sides; None: there are none."""
    now = digests(source)
    agreed = {
        name: value
        for name, value in source.items()
        if before.get(name) != now[name] and name in target and target[name] == value
    }
    return agreed or None
