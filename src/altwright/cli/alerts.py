"""Commands on alerts."""

from __future__ import annotations

import click

from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.db.tables import ID_MOST
from altwright.errors import ConfigError
from altwright.tasks.alerting.rules import Severity

#: The settings of which each makes a channel.
CHANNELS = "RQ_ALERT_WEBHOOK_URL, ALERT_SLACK_URL, ALERT_NTFY_URL, ALERT_EMAIL_TO"
_ALERT = {
    "id": "id",
    "name": "alert",
    "severity": "severity",
    "message": "what is wrong",
    "raised_at": "since",
    "resolved_at": "over",
    "acknowledged_by": "looked after by",
    "runbook": "what to do",
}


@click.group()
def alert() -> None:
    """See what needs an administrator, and whether they would be told."""


@alert.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="Those that are over, too.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--name", help="Only those of one rule, as redis_down.")
@click.option(
    "--severity", type=click.Choice([one.value for one in Severity]), help="Only those so severe."
)
@json_option
def list_alerts(
    limit: int, name: str | None, severity: str | None, *, all_of_them: bool, as_json: bool
) -> None:
    """Show what is wrong now. Alerts are resolved on their own when their cause is gone."""
    with opened() as services:
        alerts = services.alerts.recent(
            limit,
            name=name,
            severity=Severity(severity) if severity else None,
            is_open=None if all_of_them else True,
        )
    rows = [one.to_json() for one in alerts]
    show(rows, as_json=as_json, columns=_ALERT, empty="Nothing is wrong.")


@alert.command("acknowledge")
@click.argument("alert_id", type=click.IntRange(1, ID_MOST))
@click.option("--why", default="", help="What is known, or being done.")
def acknowledge(alert_id: int, why: str) -> None:
    """Say that one looks after the open alert ALERT_ID, so that nobody is told of it again."""
    with opened() as services:
        done = services.alert_desk.acknowledge(alert_id, why, by=OPERATOR)
    click.echo(f"{done.name}: acknowledged; it isn't told again.")


@alert.command("test")
def test() -> None:
    """Send a trial alert over every channel that is configured; exit code 2 if one fails."""
    with opened() as services:
        sent = services.alert_desk.send_trial(by=OPERATOR)
    if not sent:
        raise ConfigError([f"{CHANNELS}: none is set; alerts go to the log only"])
    for name in (name for name, problem in sent.items() if not problem):
        click.echo(f"{name}: sent")
    problems = [f"{name}: not sent: {problem}" for name, problem in sent.items() if problem]
    if problems:
        raise ConfigError(problems)
