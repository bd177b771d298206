"""Statistics over time: what ended in each minute, kept by the minute, hour and day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import StatisticsRow, TaskRow
from altwright.domain.bucket import ENDS, EPOCH, KEPT, LENGTH, Bucket, Ended, Span
from altwright.domain.task import Priority, Status

#: Seconds after its end at which a minute is counted: what ended in it has been committed then.
SETTLED = timedelta(seconds=10)
#: How far back a leader goes for what no other has counted, as after an upgrade. How the service
#: stands it looks when it has caught up, so this isn't longer.
CATCH_UP = timedelta(days=1)
#: How far back what isn't counted yet is counted for whoever looks; only a leader that is away
#: leaves more.
LIVE = timedelta(minutes=10)
#: Spans that a minute is added to.
_SUMS = (Span.HOUR, Span.DAY, Span.EVER)
_PRIORITIES = {int(priority): priority for priority in Priority}


class Series:
    """All SQL on statistics over time. Every question is about a range of an index."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def unsettled(self, at: datetime) -> Iterator[datetime]:
        """Yield the minutes that are over at ``at`` and still to be counted, oldest first.

        Those in which nothing ended are left out, but for the last one. Whoever is given one
        counts it before it asks for the next.
        """
        until = Span.MINUTE.begin_of(at - SETTLED)
        since = max(self.counted_until(), Span.MINUTE.begin_of(at - CATCH_UP))
        last = until - LENGTH[Span.MINUTE]
        while since < last:
            first = self._first_end(since, last)
            if first is None:
                break
            minute = Span.MINUTE.begin_of(first)
            yield minute
            since = minute + LENGTH[Span.MINUTE]
        if since <= last:
            yield last

    def counted_until(self) -> datetime:
        """Return the end of the last minute that was counted; long ago if none was."""
        query = select(func.max(StatisticsRow.begins_at)).where(StatisticsRow.span == Span.MINUTE)
        with self.database.connect() as connection:
            last: datetime | None = connection.scalar(query)
        return last + LENGTH[Span.MINUTE] if last else EPOCH

    def _first_end(self, since: datetime, until: datetime) -> datetime | None:
        """Return when the first task ended in a stretch of time."""
        firsts = []
        with self.database.connect() as connection:
            for status in ENDS:  # one question for each: only so the index answers with one entry
                query = select(TaskRow.finished_at).where(*_ended_in(since, until, status))
                firsts.append(connection.scalar(query.order_by(TaskRow.finished_at).limit(1)))
        return min((first for first in firsts if first), default=None)

    def ended(self, since: datetime, until: datetime | None = None) -> Bucket:
        """Count the tasks that ended from ``since`` to before ``until``, from their own rows."""
        columns = (
            TaskRow.priority,
            TaskRow.created_at,
            TaskRow.started_at,
            TaskRow.finished_at,
        )
        bucket = Bucket()
        with self.database.connect() as connection:
            for status in ENDS:
                query = select(*columns).where(*_ended_in(since, until, status))
                for row in connection.execute(query):
                    if row.priority in _PRIORITIES:  # else `altwright task repair` says so
                        bucket.count(
                            Ended(
                                _PRIORITIES[row.priority],
                                status,
                                _s(row.created_at, row.started_at),
                                None
                                if status is Status.CANCELLED
                                else _s(row.started_at, row.finished_at),
                            )
                        )
        return bucket

    @again_after_deadlock
    def add(self, minute: datetime, bucket: Bucket) -> bool:
        """Keep a minute, and add it to its hour and day; return whether nobody had.

        What is too old to be kept goes.
        """
        kept = insert(StatisticsRow).values(
            span=Span.MINUTE, begins_at=minute, value=bucket.to_json()
        )
        try:
            with self.database.begin() as connection:
                connection.execute(kept)  # first: another leader that adds it has to wait here
                for span in _SUMS:
                    _add_to(connection, span, span.begin_of(minute), bucket)
                for span, age in KEPT.items():
                    old = (StatisticsRow.span == span, StatisticsRow.begins_at < minute - age)
                    changed(connection, delete(StatisticsRow).where(*old))
        except IntegrityError:
            return False
        return True

    def since(self, span: Span, begin: datetime) -> dict[datetime, Bucket]:
        """Return the stretches that began at ``begin`` or later, by their begin, oldest first.

        A minute that isn't among them was one in which nothing ended, and nobody looked.
        """
        query = (
            select(StatisticsRow.begins_at, StatisticsRow.value)
            .where(StatisticsRow.span == span, StatisticsRow.begins_at >= begin)
            .order_by(StatisticsRow.begins_at)
        )
        with self.database.connect() as connection:
            rows = connection.execute(query).all()
        return {row.begins_at: Bucket.from_json(row.value) for row in rows}

    def up_to_now(self, span: Span, begin: datetime, at: datetime) -> dict[datetime, Bucket]:
        """Return the stretches since ``begin`` with what has ended up to ``at``, counted or not."""
        last = (
            select(func.max(StatisticsRow.begins_at))
            .where(StatisticsRow.span == Span.MINUTE)
            .scalar_subquery()
        )
        # One statement, so one view of the table: a minute is in its hour, or counted below.
        query = select(StatisticsRow.begins_at, StatisticsRow.value, last.label("last")).where(
            StatisticsRow.span == span, StatisticsRow.begins_at >= begin
        )
        with self.database.connect() as connection:
            rows = connection.execute(query).all()
        buckets = {row.begins_at: Bucket.from_json(row.value) for row in rows}
        minute = max(begin, Span.MINUTE.begin_of(at) - LIVE)
        if rows:
            minute = max(minute, rows[0].last + LENGTH[Span.MINUTE])
        while minute <= at:
            following = minute + LENGTH[Span.MINUTE]
            ended = self.ended(minute, following)
            buckets.setdefault(span.begin_of(minute), Bucket()).merge(ended)
            minute = following
        return buckets

    def ever(self) -> Bucket:
        """Return the sums over all time, up to the last minute that was counted."""
        return self.since(Span.EVER, EPOCH).get(EPOCH) or Bucket()


def _ended_in(
    since: datetime, until: datetime | None, status: Status
) -> Iterator[ColumnElement[bool]]:
    yield TaskRow.status == status
    yield TaskRow.finished_at >= since
    if until is not None:
        yield TaskRow.finished_at < until


def _s(since: datetime | None, until: datetime | None) -> float | None:
    return (until - since).total_seconds() if since and until else None


def _add_to(connection: Connection, span: Span, begin: datetime, bucket: Bucket) -> None:
    where = (StatisticsRow.span == span, StatisticsRow.begins_at == begin)
    known = connection.execute(select(StatisticsRow.value).where(*where)).scalar_one_or_none()
    if known is None:
        row = {"span": span, "begins_at": begin, "value": bucket.to_json()}
        connection.execute(insert(StatisticsRow).values(row))
        return
    total = Bucket.from_json(known)
    total.merge(bucket)
    changed(connection, update(StatisticsRow).where(*where).values(value=total.to_json()))
