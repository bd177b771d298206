"""Alert notifications (webhook, chat, phone, e-mail): stored, and retried until delivered."""

from __future__ import annotations

import logging
import smtplib
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from math import inf
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import requests
from sqlalchemy import select, update

from altwright.background import BackgroundLoop
from altwright.db.session import Database, again_after_deadlock, changed
from altwright.db.task_tables import AlertRow, NoticeRow
from altwright.db.types import now
from altwright.tasks.alerting.alerts import REPEATED, RESOLVED, Alert, alert_of
from altwright.tasks.alerting.rules import Severity
from altwright.tasks.alerting.runbook import advice

_log = logging.getLogger(__name__)

#: Seconds to connect to, and to wait for, a server of the operator's.
CONNECT_S, ANSWER_S = 3.0, 5.0
#: Seconds before the second try, doubled for each further one; tries until a notice is given up
#: (5 s to 43 min: about an hour and a half in all).
AGAIN_S, TRIES = 5.0, 10
#: Notices sent in one go.
BATCH = 20
REFUSED = "%s didn't take the notice of %s: %s"


class NotSent(Exception):
    """A server didn't take a notice; the message says why, without any address."""


class Channel(Protocol):
    """A way to reach administrators."""

    def send(self, event: str, alert: Alert) -> None:
        """Send. Raises NotSent."""
        ...


class Webhook:
    """Posts an alert as JSON; ``text`` is what chat servers show."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, event: str, alert: Alert) -> None:
        """Send. Raises NotSent."""
        body = {
            "service": "altwright",
            "host": socket.gethostname(),
            "event": event,
            "text": line(event, alert),
            "alert": alert.to_json(),
        }
        _post(self._url, json=body)


class Slack:
    """Posts an alert as Slack's incoming webhooks take it; Mattermost's and others do, too."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, event: str, alert: Alert) -> None:
        """Send. Raises NotSent."""
        text = f"*{_title(event, alert)}*\n{line(event, alert)}\n{what_to_do(alert)}"
        # Source: api.slack.com, "Formatting text": these three begin markup. Others show them so.
        for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(letter, entity)
        _post(self._url, json={"text": text})


class Ntfy:
    """Posts an alert to a topic of ntfy, which shows it on phones."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, event: str, alert: Alert) -> None:
        """Send. Raises NotSent."""
        is_urgent = event != RESOLVED and alert.severity is Severity.CRITICAL
        headers = self._headers | {
            "Title": _title(event, alert),
            # Source: docs.ntfy.sh/publish: 5 wakes, 3 is the default; tags become emoji.
            "Priority": "5" if is_urgent else "3",
            "Tags": "white_check_mark" if event == RESOLVED else "warning",
        }
        text = f"{line(event, alert)}\n{what_to_do(alert)}"
        _post(self._url, headers=headers, data=text.encode())


def _post(url: str, **options: Any) -> None:
    """Post, bounded in time, following nothing. Raises NotSent."""
    try:
        answer = requests.post(url, timeout=(CONNECT_S, ANSWER_S), allow_redirects=False, **options)
    except requests.RequestException as error:
        raise NotSent(type(error).__name__) from error
    if not 200 <= answer.status_code < 300:  # noqa: PLR2004 - HTTP's successes
        raise NotSent(f"HTTP {answer.status_code}")


class Mail:
    """Sends an alert by SMTP: smtp://, smtps:// (TLS) or smtp+starttls://, with a login or not."""

    def __init__(self, url: str, sender: str, receivers: Sequence[str]) -> None:
        self._url = urlsplit(url)
        self._sender = sender
        self._receivers = receivers

    def send(self, event: str, alert: Alert) -> None:
        """Send. Raises NotSent."""
        message = EmailMessage()
        message["Subject"] = _title(event, alert)
        message["From"] = self._sender
        message["To"] = ", ".join(self._receivers)
        ended = f"Resolved: {alert.resolved_at:%Y-%m-%d %H:%M} UTC\n" if alert.resolved_at else ""
        message.set_content(
            f"{line(event, alert)}\n\nSince: {alert.raised_at:%Y-%m-%d %H:%M} UTC\n{ended}"
            f"{what_to_do(alert)}\n"
        )
        try:
            self._deliver(message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(type(error).__name__) from error

    def _deliver(self, message: EmailMessage) -> None:
        host, port = self._url.hostname or "localhost", self._url.port
        if self._url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=ANSWER_S)
        else:
            server = smtplib.SMTP(host, port or 25, timeout=ANSWER_S)
        with server:
            if self._url.scheme == "smtp+starttls":
                server.starttls()
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            server.send_message(message)


def _title(event: str, alert: Alert) -> str:
    return f"[Altwright] {event}: {alert.name}"


def what_to_do(alert: Alert) -> str:
    """Return the runbook's words, for whoever reads them on a phone; else where they stand."""
    return f"What to do: {advice(alert.name) or alert.runbook}"


def line(event: str, alert: Alert) -> str:
    """Return one line for people."""
    prefix = {RESOLVED: "Resolved: ", REPEATED: "Still: "}.get(event, "")
    return f"{prefix}{alert.message}"


@dataclass(slots=True)
class _Urgent:
    """A message that no database keeps; it is lost with its process."""

    channel: str
    event: str
    alert: Alert
    due_at: float
    tries: int = 0


@dataclass(frozen=True, slots=True)
class _Notice:
    id: int
    channel: str
    event: str
    tries: int
    alert: Alert


class Notifier:
    """A thread that sends what is due; a server that is away costs nobody else time.

    A notice is sent at least once: twice, if this process dies between sending and noting it.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock
        self._urgent: list[_Urgent] = []
        #: Sends what is due, at its start and whenever it is woken.
        self.loop = BackgroundLoop(
            "notifications", self._round, every_s=None, join_s=CONNECT_S + ANSWER_S
        )

    def tell_now(self, event: str, alert: Alert) -> None:
        """Send over every channel what can't be kept in the database."""
        at = self._clock()
        self._urgent = [_Urgent(name, event, alert, at) for name in self._channels]
        self.loop.wake()

    def retry_now(self) -> None:
        """Send what ``tell_now`` was given and nobody has taken yet, if it is time to."""
        if any(one.due_at <= self._clock() for one in self._urgent):
            self.loop.wake()

    def forget_now(self) -> None:
        """Give up what ``tell_now`` was given and nobody has taken yet."""
        self._urgent = []

    def _round(self) -> None:
        self.send_urgent()
        self.send_due()

    def send_urgent(self) -> int:
        """Send what ``tell_now`` was given; return how many were taken."""
        sent = 0
        for one in [one for one in self._urgent if one.due_at <= self._clock()]:
            if self.loop.stopping:
                break
            one.tries += 1
            one.due_at = self._clock() + AGAIN_S * 2**one.tries if one.tries < TRIES else inf
            try:
                self._channels[one.channel].send(one.event, one.alert)
            except NotSent as error:
                _log.warning(REFUSED, one.channel, one.alert.name, error)
            else:
                one.due_at = inf
                sent += 1
        return sent

    def send_due(self) -> int:
        """Send the notices that are due; return how many were taken."""
        sent = 0
        for notice in self._due():
            if self.loop.stopping or not self._claim(notice):
                continue
            try:
                self._channels[notice.channel].send(notice.event, notice.alert)
            except NotSent as error:
                _log.warning(REFUSED, notice.channel, notice.alert.name, error)
                self._note(notice.id, problem=str(error)[:255])
            else:
                self._note(notice.id, sent_at=now(), problem="")
                sent += 1
        return sent

    def _due(self) -> list[_Notice]:
        query = (
            select(NoticeRow, AlertRow)
            .join(AlertRow, AlertRow.id == NoticeRow.alert_id)
            .where(
                NoticeRow.sent_at.is_(None),
                NoticeRow.due_at <= now(),
                NoticeRow.tries < TRIES,
                NoticeRow.channel.in_(self._channels),
            )
            .order_by(NoticeRow.id)
            .limit(BATCH)
        )
        with self._database.read() as session:
            return [
                _Notice(row.id, row.channel, row.event, row.tries, alert_of(alert))
                for row, alert in session.execute(query)
            ]

    @again_after_deadlock
    def _claim(self, notice: _Notice) -> bool:
        """Take a try before it is made: whoever sees the same notice leaves it alone."""
        statement = update(NoticeRow).where(
            NoticeRow.id == notice.id,
            NoticeRow.tries == notice.tries,
            NoticeRow.sent_at.is_(None),
        )
        values = {"tries": notice.tries + 1, "due_at": now(AGAIN_S * 2**notice.tries)}
        with self._database.write() as session:
            return bool(changed(session, statement.values(**values)))

    @again_after_deadlock
    def _note(self, notice_id: int, **values: Any) -> None:
        with self._database.write() as session:
            changed(session, update(NoticeRow).where(NoticeRow.id == notice_id).values(**values))
