"""`altwright status`: what an operator needs to know in ten seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from altwright.cli.common import instant, json_option, opened, printable, show
from altwright.domain.counting import counted, duration
from altwright.domain.task import Delivery

_QUEUES = {
    "queue": "queue",
    "waiting": "waiting",
    "delayed": "later",
    "running": "running",
    "oldest_waiting_s": "oldest, s",
    "in_rq": "in RQ",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "paused_by": "paused by",
}


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Say how the service stands: delivery, Redis, database, workers, queues, alerts.

    What ended is counted for the last hour; /api/v1/admin/statistics has the same, and charts.
    """
    with opened() as services:
        # A command has no thread that watches Redis, so it asks until it knows.
        while not services.health.check() and services.health.usable:
            pass
        data = services.overview.current()
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for line in _lines(data):
        click.echo(printable(line))
    click.echo()
    show(data["queues"], as_json=False, columns=_QUEUES)


def _lines(data: dict[str, Any]) -> Iterator[str]:
    redis, database, workers = data["redis"], data["database"], data["workers"]
    by_database = data["delivery"] == Delivery.DATABASE
    yield f"Delivery   {'the database (Redis is not used)' if by_database else 'Redis and RQ'}"
    yield f"Redis      {redis['state']}{_of_redis(redis)}"
    if outage := data["last_redis_outage"]:
        yield f"           {_of_outage(outage)}"
    yield f"Database   {database['kind']}, answered in {1000 * database['answered_in_s']:.0f} ms"
    waiting, item_s = data["describer"]["tasks_waiting"], data["describer"]["item_s"]
    pace = f", {item_s:.1f} s a picture" if item_s is not None else ""
    # A fallback that is down is an alert, and nothing waits.
    has_alert = any(alert["name"] == "describer_down" for alert in data["alerts"])
    calm = "in trouble, see the alert" if has_alert else "no trouble"
    state = f"away, {counted(waiting, 'task')} waiting" if waiting else calm
    asked_s = data["describer"]["asked_s"]
    asked = f", asked {duration(asked_s)} ago" if asked_s is not None else ""
    yield f"Describer  {', then '.join(data['describer']['order'])}: {state}{pace}{asked}"
    if waiting := data["platforms"]["tasks_waiting"]:
        yield f"Servers    {counted(waiting, 'task')} waiting for Fediverse servers that are away"
    yield (
        f"Workers    {workers['alive']} at work, {workers['expected']} expected"
        + (f", {workers['vanished']} vanished" if workers["vanished"] else "")
        + "".join(f", {one['words']}" for one in workers["stopped"])
    )
    yield f"Backlog    {_backlog(data)}"
    alerts = data["alerts"]
    yield f"Alerts     {counted(len(alerts), 'open alert') if alerts else 'none'}"
    for alert in alerts:
        yield f"           {alert['severity']}: {alert['name']}: {alert['message']}"


def _of_redis(redis: dict[str, Any]) -> str:
    if redis["reason"]:
        return f": {redis['reason']}"
    said = f", {redis['version']}" if redis["version"] else ""
    if redis["used_bytes"]:
        said += f", {redis['used_bytes'] / 2**20:.1f} MB"
    if redis["memory_share"] is not None:
        said += f" ({redis['memory_share']:.0%} of maxmemory)"
    return said + (", full" if redis["is_full"] else "")


def _of_outage(outage: dict[str, Any]) -> str:
    since, until = instant(outage["since"]), outage["until"]
    moved = f"{counted(outage['taken_over'], 'task')} taken over by the database"
    if until is None:
        return f"not used since {since}: {moved}"
    lasted = datetime.fromisoformat(until) - datetime.fromisoformat(since)
    return (
        f"last not used at {since} for {duration(lasted.total_seconds())}: {moved}, "
        f"{outage['ended']} ended meanwhile, {outage['moved_back']} moved back"
    )


def _backlog(data: dict[str, Any]) -> str:
    queues = data["queues"]
    waiting = sum(one["waiting"] + one["delayed"] for one in queues)
    running = sum(one["running"] for one in queues)
    said = f"{waiting} waiting, {running} running"
    per_hour, done_in_s = data["ended_per_hour"], data["backlog_done_in_s"]
    if per_hour is None:
        return f"{said}; too few ended yet to say how fast"
    said += f"; {per_hour:g} an hour"
    return f"{said}; done in {duration(done_in_s)}" if done_in_s else said
