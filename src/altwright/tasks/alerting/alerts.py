"""Alerts: raised once per cluster, kept, sent, and resolved when their cause is gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from altwright.db.copies import as_json
from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import AlertRow, NoticeRow
from altwright.db.types import now
from altwright.tasks.alerting.rules import PATIENCE_S, QUIET_OF, QUIET_S, Finding, Severity

_log = logging.getLogger(__name__)

#: The two things that there are to tell of an alert.
RAISED, RESOLVED = "raised", "resolved"
#: Where a section of each alert's name says what to do.
RUNBOOK = "docs/how-to/alerts.md"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it stands; open until ``resolved_at``."""

    id: int
    name: str
    severity: Severity
    message: str
    raised_at: datetime
    resolved_at: datetime | None

    @property
    def runbook(self) -> str:
        """Return where it says what to do."""
        return f"{RUNBOOK}#{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows and the webhook gets."""
        return as_json(self) | {"runbook": self.runbook}


class AlertBook:
    """All SQL on alerts. A notice for each channel is written in the same transaction."""

    def __init__(self, database: Database, channels: Collection[str] = ()) -> None:
        self._database = database
        self._channels = channels

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
                self._tell(session, row.id, RAISED)
        except IntegrityError:
            return False
        level = logging.ERROR if finding.severity is Severity.CRITICAL else logging.WARNING
        _log.log(level, "alert %s: %s", finding.name, finding.message)
        return True

    @again_after_deadlock
    def resolve(self, name: str) -> bool:
        """Close the rule's open alert; return whether there was one."""
        with self._database.write() as session:
            alert_id = session.scalar(select(AlertRow.id).where(AlertRow.open_name == name))
            statement = update(AlertRow).where(
                AlertRow.id == alert_id, AlertRow.open_name.is_not(None)
            )
            if alert_id is None or not changed(
                session, statement.values(open_name=None, resolved_at=now())
            ):
                return False
            self._tell(session, alert_id, RESOLVED)
        _log.warning("alert %s is over", name)
        return True

    def _tell(self, session: Session, alert_id: int, event: str) -> None:
        for channel in self._channels:
            session.add(NoticeRow(alert_id=alert_id, channel=channel, event=event))

    def open(self) -> list[Alert]:
        """Return the alerts whose cause is there now, oldest first."""
        query = select(AlertRow).where(AlertRow.open_name.is_not(None)).order_by(AlertRow.id)
        return self._alerts(query)

    def recent(self, limit: int = 50, *, name: str | None = None) -> list[Alert]:
        """Return the last alerts, open or over, newest first: of every rule, or of one."""
        query = select(AlertRow).order_by(AlertRow.id.desc()).limit(limit)
        return self._alerts(query.where(AlertRow.name == name) if name else query)

    def _alerts(self, query: Any) -> list[Alert]:
        with self._database.read() as session:
            return [alert_of(row) for row in session.scalars(query)]


class AlertWatch:
    """Compares what is wrong now with the open alerts; one process of the cluster does so."""

    def __init__(self, book: AlertBook, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._wrong_since: dict[str, float] = {}
        self._right_since: dict[str, float] = {}

    def open_names(self) -> set[str]:
        """Return the rules that have an open alert."""
        return {alert.name for alert in self._book.open()}

    def take(self, found: Iterable[Finding], is_open: set[str]) -> None:
        """Raise and resolve as the rules' patience has it; ``is_open`` are ``open_names``."""
        at = self._clock()
        now_wrong = {finding.name: finding for finding in found}
        self._wrong_since = {name: self._wrong_since.get(name, at) for name in now_wrong}
        self._right_since = {
            name: self._right_since.get(name, at) for name in is_open - now_wrong.keys()
        }
        for name, finding in now_wrong.items():
            patient = at - self._wrong_since[name] < PATIENCE_S.get(name, 0.0)
            if name not in is_open and not patient:
                self._book.raise_(finding)
        for name, since in self._right_since.items():
            if at - since >= QUIET_OF.get(name, QUIET_S):
                self._book.resolve(name)


def alert_of(row: AlertRow) -> Alert:
    """Copy a row."""
    return Alert(
        row.id, row.name, Severity(row.severity), row.message, row.raised_at, row.resolved_at
    )
