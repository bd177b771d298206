"""Alerts: raised once per cluster, kept, sent, and resolved when their cause is gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from altwright.db.copies import as_json, copied
from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.tables import ID_MOST
from altwright.db.task_tables import AlertRow, NoticeRow
from altwright.db.types import now
from altwright.domain.user import UserRef
from altwright.errors import Conflict, NotFound
from altwright.tasks import audit_log
from altwright.tasks.alerting.rules import (
    PATIENCE_S,
    QUIET_OF,
    QUIET_S,
    REPEAT_S,
    Finding,
    Severity,
)

_log = logging.getLogger(__name__)

#: What there is to tell of an alert.
RAISED, REPEATED, RESOLVED = "raised", "repeated", "resolved"
#: Seconds between two looks for what has to be told again.
REPEAT_LOOK_S = 60.0
#: Where a section of each alert's name says what to do.
RUNBOOK = "docs/how-to/alerts.md"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it stands; open until ``resolved_at``, told again until ``acknowledged_at``."""

    id: int
    name: str
    severity: Severity
    message: str
    raised_at: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_why: str = ""

    @property
    def runbook(self) -> str:
        """Return where it says what to do."""
        return f"{RUNBOOK}#{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows and the webhook gets."""
        return as_json(self) | {"runbook": self.runbook}


class AlertBook:
    """All SQL on alerts. A notice for each channel is written in the same transaction."""

    def __init__(
        self,
        database: Database,
        channels: Collection[str] = (),
        quiet_s: Callable[[str], float] = lambda _: 0.0,
    ) -> None:
        """Take the channels, and how many seconds from now on warnings have to wait for one."""
        self._database = database
        self._channels = channels
        self._quiet_s = quiet_s

    def raise_(self, finding: Finding) -> bool:
        """Open an alert; return whether none was open for this rule."""
        try:
            with self._database.write() as session:
                row = AlertRow(
                    name=finding.name,
                    open_name=finding.name,
                    severity=finding.severity,
                    message=finding.message,
                )
                session.add(row)
                session.flush()
                self._tell(session, row.id, RAISED, finding.severity)
        except IntegrityError:
            return False
        level = logging.ERROR if finding.severity is Severity.CRITICAL else logging.WARNING
        _log.log(level, "alert %s: %s", finding.name, finding.message)
        return True

    @again_after_deadlock
    def reword(self, finding: Finding) -> None:
        """Let an open alert say what is found now; nothing is sent for that."""
        values = {"severity": finding.severity, "message": finding.message}
        with self._database.write() as session:
            statement = update(AlertRow).where(AlertRow.open_name == finding.name)
            session.execute(statement.values(**values))

    @again_after_deadlock
    def resolve(self, name: str) -> bool:
        """Close the rule's open alert; return whether there was one."""
        with self._database.write() as session:
            found = session.execute(
                select(AlertRow.id, AlertRow.severity).where(AlertRow.open_name == name)
            ).one_or_none()
            if found is None:
                return False
            statement = update(AlertRow).where(
                AlertRow.id == found.id, AlertRow.open_name.is_not(None)
            )
            if not changed(session, statement.values(open_name=None, resolved_at=now())):
                return False
            held_back = delete(NoticeRow).where(
                NoticeRow.alert_id == found.id,
                NoticeRow.sent_at.is_(None),
                NoticeRow.tries == 0,
                NoticeRow.due_at > now(),
            )
            session.execute(held_back)  # in quiet hours: that it was and is over is one message
            self._tell(session, found.id, RESOLVED, found.severity)
        _log.warning("alert %s is over", name)
        return True

    @again_after_deadlock
    def acknowledge(self, alert_id: int, *, by: UserRef, why: str = "") -> Alert:
        """Note that somebody looks after an open alert, so that it isn't told again; return it.

        Raises:
            NotFound: there is none.
            Conflict: it is over, or somebody has acknowledged it.
        """
        with self._database.write() as session:
            row = session.get(AlertRow, alert_id) if alert_id <= ID_MOST else None
            if row is None:
                raise NotFound("There is no such alert.")
            fresh = update(AlertRow).where(
                AlertRow.id == alert_id,
                AlertRow.open_name.is_not(None),
                AlertRow.acknowledged_at.is_(None),
            )
            values = {
                "acknowledged_at": now(),
                "acknowledged_by": by.username,
                "acknowledged_why": why,
            }
            if not changed(session, fresh.values(**values)):
                whose = f"{row.acknowledged_by} has acknowledged it" if row.acknowledged_at else ""
                raise Conflict(f"This alert is over or acknowledged. {whose}".strip())
            unsent = delete(NoticeRow).where(
                NoticeRow.alert_id == alert_id, NoticeRow.sent_at.is_(None)
            )
            session.execute(unsent)
            audit_log.write(session, by, "alert acknowledged", row.name, why)
            session.refresh(row)
            return alert_of(row)

    def repeat(self) -> int:
        """Tell again of what has been open for long and nobody has acknowledged; return how many.

        In quiet hours warnings wait, as at first.
        """
        repeated = 0
        told_at = func.coalesce(AlertRow.told_at, AlertRow.raised_at)
        for severity, after_s in REPEAT_S.items():
            due = (
                AlertRow.open_name.is_not(None),
                AlertRow.acknowledged_at.is_(None),
                AlertRow.severity == severity,
                told_at < now(-after_s),
            )
            with self._database.read() as session:
                ids = session.scalars(select(AlertRow.id).where(*due)).all()
            for alert_id in ids:
                with self._database.write() as session:
                    statement = update(AlertRow).where(AlertRow.id == alert_id, *due)
                    if changed(session, statement.values(told_at=now())):
                        self._tell(session, alert_id, REPEATED, severity)
                        repeated += 1
        return repeated

    @again_after_deadlock
    def record(self, alert: Alert, unless_over_for_s: float) -> bool:
        """Write an alert that is over, and was told already when it began; return whether.

        It isn't written where one of its rule has been over for fewer seconds: another process
        was faster.
        """
        over_lately = select(AlertRow.id).where(
            AlertRow.name == alert.name, AlertRow.resolved_at > now(-unless_over_for_s)
        )
        with self._database.write() as session:
            row = AlertRow(
                name=alert.name,
                open_name=alert.name,
                severity=alert.severity,
                message=alert.message,
                raised_at=alert.raised_at,
            )
            session.add(row)
            session.flush()  # of several at once, the others wait here for the first one's end
            if session.scalar(over_lately.limit(1)) is not None:
                session.delete(row)
                return False
            row.open_name, row.resolved_at = None, now()
            self._tell(session, row.id, RESOLVED, alert.severity)
        _log.warning("alert %s is over", alert.name)
        return True

    def _tell(self, session: Session, alert_id: int, event: str, severity: str) -> None:
        for channel in self._channels:
            held_s = 0.0 if severity == Severity.CRITICAL else self._quiet_s(channel)
            row = NoticeRow(alert_id=alert_id, channel=channel, event=event, due_at=now(held_s))
            session.add(row)

    def open(self) -> list[Alert]:
        """Return the alerts whose cause is there now, oldest first."""
        query = select(AlertRow).where(AlertRow.open_name.is_not(None)).order_by(AlertRow.id)
        return self._alerts(query)

    def recent(
        self,
        limit: int = 50,
        *,
        name: str | None = None,
        severity: Severity | None = None,
        is_open: bool | None = None,
        before_id: int | None = None,
    ) -> list[Alert]:
        """Return the last alerts, newest first; None: whatever it is.

        ``before_id`` is the id of an alert: those that are older than it.
        """
        wanted = {AlertRow.name: name, AlertRow.severity: severity}
        query = select(AlertRow).where(*(one == it for one, it in wanted.items() if it is not None))
        if is_open is not None:
            name_kept = AlertRow.open_name
            query = query.where(name_kept.is_not(None) if is_open else name_kept.is_(None))
        if before_id is not None:
            query = query.where(AlertRow.id < before_id)
        return self._alerts(query.order_by(AlertRow.id.desc()).limit(limit))

    def names(self) -> list[str]:
        """Return the rules that have ever found something, sorted."""
        with self._database.read() as session:
            return list(session.scalars(select(AlertRow.name).distinct().order_by(AlertRow.name)))

    def _alerts(self, query: Any) -> list[Alert]:
        with self._database.read() as session:
            return [alert_of(row) for row in session.scalars(query)]


class AlertWatch:
    """Compares what is wrong now with the open alerts; one process of the cluster does so."""

    def __init__(self, book: AlertBook, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._repeat_at = clock()
        self._wrong_since: dict[str, float] = {}
        self._right_since: dict[str, float] = {}

    def open(self) -> dict[str, Finding]:
        """Return what the open alerts say, by their rule."""
        return {one.name: Finding(one.name, one.severity, one.message) for one in self._book.open()}

    def repeat(self) -> None:
        """Tell again of what nobody has acknowledged, if it is time to look for it."""
        if self._clock() >= self._repeat_at:
            self._repeat_at = self._clock() + REPEAT_LOOK_S
            self._book.repeat()

    def take(self, found: Iterable[Finding], is_open: Mapping[str, Finding]) -> None:
        """Raise and resolve as the rules' patience has it; ``is_open`` is what ``open`` returned.

        An alert that stays open says what is found now.
        """
        at = self._clock()
        now_wrong = {finding.name: finding for finding in found}
        self._wrong_since = {name: self._wrong_since.get(name, at) for name in now_wrong}
        self._right_since = {
            name: self._right_since.get(name, at) for name in is_open.keys() - now_wrong.keys()
        }
        for name, finding in now_wrong.items():
            patient = at - self._wrong_since[name] < PATIENCE_S.get(name, 0.0)
            if name in is_open:
                if finding != is_open[name]:
                    self._book.reword(finding)
            elif not patient:
                self._book.raise_(finding)
        for name, since in self._right_since.items():
            if at - since >= QUIET_OF.get(name, QUIET_S):
                self._book.resolve(name)


def alert_of(row: AlertRow) -> Alert:
    """Copy a row."""
    return copied(Alert, row, severity=Severity(row.severity))
