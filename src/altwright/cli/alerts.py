"""Commands on alerts."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from altwright.cli.common import json_option, opened, show
from altwright.errors import ConfigError
from altwright.tasks.alerting.alerts import RAISED, Alert
from altwright.tasks.alerting.notifications import NotSent
from altwright.tasks.alerting.rules import Severity

_ALERT = {
    "name": "alert",
    "severity": "severity",
    "message": "what is wrong",
    "raised_at": "since",
    "resolved_at": "over",
    "runbook": "what to do",
}


@click.group()
def alert() -> None:
    """See what needs an administrator, and whether they would be told."""


@alert.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="Those that are over, too.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def list_alerts(limit: int, *, all_of_them: bool, as_json: bool) -> None:
    """Show what is wrong now. Alerts are resolved on their own when their cause is gone."""
    with opened() as services:
        alerts = services.alerts.recent(limit) if all_of_them else services.alerts.open()
    rows = [one.to_json() for one in alerts]
    show(rows, as_json=as_json, columns=_ALERT, empty="Nothing is wrong.")


@alert.command("test")
def test() -> None:
    """Send a trial alert over every channel that is configured; exit code 2 if one fails."""
    with opened() as services:
        channels = services.channels
    if not channels:
        raise ConfigError(
            ["RQ_ALERT_WEBHOOK_URL, ALERT_EMAIL_TO: neither is set; alerts go to the log only"]
        )
    trial = Alert(
        id=0,
        name="trial",
        severity=Severity.WARNING,
        message="This is a trial; nothing is wrong.",
        raised_at=datetime.now(UTC),
        resolved_at=None,
    )
    problems = []
    for name, channel in channels.items():
        try:
            channel.send(RAISED, trial)
        except NotSent as error:
            problems.append(f"{name}: not sent: {error}")
        else:
            click.echo(f"{name}: sent")
    if problems:
        raise ConfigError(problems)
