"""Commands on the four queues, and the log of what administrators did."""

from __future__ import annotations

import click

from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.domain.task import Priority

_QUEUE = {
    "queue": "queue",
    "pending": "pending",
    "delayed": "of them later",
    "running": "running",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "oldest_waiting_s": "oldest waits, s",
    "in_rq": "in RQ",
    "paused_by": "paused by",
}
_names = click.Choice([priority.queue for priority in Priority])


@click.group()
def queue() -> None:
    """Look at, pause, resume and clear the queues: urgent, high, normal, low."""


@queue.command("list")
@json_option
def list_queues(*, as_json: bool) -> None:
    """Show each queue's tasks by state, and how long the oldest waits."""
    with opened() as services:
        rows = [figures.to_json() for figures in services.engine.administration.queues()]
    show(rows, as_json=as_json, columns=_QUEUE)


@queue.command("pause")
@click.argument("name", type=_names)
@json_option
def pause(name: str, *, as_json: bool) -> None:
    """Let no worker take tasks of this queue; running ones go on, submits are accepted.

    Every process heeds it within 2 seconds, and after a restart too.
    """
    with opened() as services:
        done = services.engine.administration.pause(Priority.parse(name), by=OPERATOR)
    show({"queue": name, "changed": done}, as_json=as_json, columns=_CHANGED)


@queue.command("resume")
@click.argument("name", type=_names)
@json_option
def resume(name: str, *, as_json: bool) -> None:
    """Let workers take tasks of a paused queue again."""
    with opened() as services:
        done = services.engine.administration.resume(Priority.parse(name), by=OPERATOR)
    show({"queue": name, "changed": done}, as_json=as_json, columns=_CHANGED)


@queue.command("clear")
@click.argument("name", type=_names)
@click.confirmation_option(
    prompt="Cancel every task that waits in this queue?", help="Don't ask first."
)
@json_option
def clear(name: str, *, as_json: bool) -> None:
    """Cancel every task that waits in this queue; running ones go on."""
    with opened() as services:
        count = services.engine.administration.cancel_waiting(Priority.parse(name), by=OPERATOR)
    columns = {"queue": "queue", "cancelled": "cancelled"}
    show({"queue": name, "cancelled": count}, as_json=as_json, columns=columns)


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def audit(limit: int, *, as_json: bool) -> None:
    """Show what administrators did to the service, newest first."""
    with opened() as services:
        rows = [entry.to_json() for entry in services.audit.recent(limit)]
    columns = {"at": "at", "actor": "by", "address": "from", "action": "what", "subject": "to"}
    columns |= {"before": "before", "after": "after", "detail": "detail"}
    show(rows, as_json=as_json, columns=columns, empty="Nothing was done.")


_CHANGED = {"queue": "queue", "changed": "changed"}
