"""What administrators do about alerts, from pages, the REST API and the command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from altwright.domain.user import UserRef
from altwright.tasks.alerting.alerts import RAISED, Alert, AlertBook
from altwright.tasks.alerting.notifications import Channel, NotSent
from altwright.tasks.alerting.rules import Severity
from altwright.tasks.audit_log import WHY_MOST, Audit
from altwright.text import clean_line


class AlertDesk:
    """Each action has an entry in the audit log."""

    def __init__(self, book: AlertBook, channels: Mapping[str, Channel], audit: Audit) -> None:
        self._book = book
        self._channels = channels
        self._audit = audit

    @property
    def channels(self) -> list[str]:
        """Return the names of the channels over which alerts are sent."""
        return sorted(self._channels)

    def acknowledge(self, alert_id: int, why: str = "", *, by: UserRef) -> Alert:
        """Say that one looks after an alert, so that nobody is told again; return it.

        Raises:
            NotFound: there is none.
            Conflict: it is over, or somebody has acknowledged it.
        """
        return self._book.acknowledge(alert_id, by=by, why=clean_line(why, WHY_MOST))

    def send_trial(self, *, by: UserRef) -> dict[str, str]:
        """Send a trial over every channel, now; return each with what went wrong ("": nothing)."""
        trial = Alert(
            id=0,
            name="trial",
            severity=Severity.WARNING,
            message="This is a trial; nothing is wrong.",
            raised_at=datetime.now(UTC),
            resolved_at=None,
        )
        problems = {}
        for name in self.channels:
            try:
                self._channels[name].send(RAISED, trial)
            except NotSent as error:
                problems[name] = str(error)
            else:
                problems[name] = ""
        said = ", ".join(f"{name}: {problem or 'sent'}" for name, problem in problems.items())
        self._audit.add(by, "alert tested", detail=said or "no channel is configured")
        return problems
