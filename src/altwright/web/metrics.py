"""/metrics for Prometheus: figures of the whole service, whichever process is asked.

They come from the database and Redis, not from counters of this process, so several Gunicorn
workers and hosts say the same; what ended is counted a minute later. Labels are bounded.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Iterator
from importlib.metadata import version

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from altwright.domain.bucket import ENDS
from altwright.domain.histogram import LAST, STEPS, Histogram, bound_s
from altwright.domain.task import Delivery, Priority
from altwright.errors import NotAllowed, NotSignedIn
from altwright.tasks.rq.circuit_breaker import RedisState
from altwright.web.auth import challenge
from altwright.web.services import services

bp = Blueprint("metrics", __name__)
bp.after_request(challenge)

#: Every second bound that is a power of two: 0.0625 s, 0.25 s, 1 s, … 12 days.
_BOUNDS = range(0, LAST + 1, 2 * STEPS)
#: Figures by queue that stand in the overview under this key.
_STATES = ("waiting", "delayed", "running")


@bp.get("/metrics")
def metrics() -> Response:
    """Return the figures in Prometheus' text format."""
    _require_allowed()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(list(_families())))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _require_allowed() -> None:
    """Let METRICS_TOKEN, an administrator's token, and METRICS_NETWORKS in.

    Raises:
        NotSignedIn: none of them; also a wrong token from a network that is let in.
        NotAllowed: the token is another user's.
    """
    settings = services().settings
    if "Authorization" not in request.headers:
        if _is_within(settings.metrics_networks):
            return
        raise NotSignedIn("Send the token for metrics, or an administrator's.")
    given = request.authorization
    token = given.token if given is not None and given.type == "bearer" else None
    wanted = settings.metrics_token
    if token and wanted and hmac.compare_digest(token.encode(), wanted.encode()):
        return
    user = services().users.by_token(token) if token else None
    if user is None:
        raise NotSignedIn("This token is not valid.")
    if not user.ref.is_admin:
        raise NotAllowed("Only an administrator sees the figures of the service.")


def _is_within(networks: Collection[str]) -> bool:
    """Return whether the caller's address lies in one of the networks."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:  # a Unix socket's peer, or what a proxy calls somebody it doesn't know
        return False
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return any(address in ipaddress.ip_network(one) for one in networks)


class _Collected:
    """What prometheus_client asks for metrics."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Return them."""
        return self._families


def _families() -> Iterator[Metric]:
    """Yield every metric; one whose value isn't known has no sample."""
    now = services().overview.current()
    yield InfoMetricFamily("altwright", "What answers.", value={"version": version("altwright")})
    queues = now["queues"]
    tasks = GaugeMetricFamily(
        "altwright_tasks",
        "Tasks that aren't over; delayed: their time hasn't come.",
        labels=["queue", "state"],
    )
    oldest = _by_queue("oldest_waiting_seconds", "Age of the oldest task that is due; 0: none.")
    paused = _by_queue("queue_paused", "1: no worker takes its tasks.")
    in_rq = _by_queue("rq_jobs", "Jobs in RQ's queue; absent while Redis is away.")
    for queue in queues:
        name = [queue["queue"]]
        for state in _STATES:
            tasks.add_metric([*name, state], queue[state])
        oldest.add_metric(name, queue["oldest_waiting_s"] or 0.0)
        paused.add_metric(name, float(queue["paused_by"] is not None))
        if queue["in_rq"] is not None:
            in_rq.add_metric(name, queue["in_rq"])
    yield from (tasks, oldest, paused, in_rq)
    yield from _ended()
    workers = GaugeMetricFamily("altwright_workers", "Workers of all hosts.", labels=["state"])
    counts = now["workers"]
    counts |= {"stopped": sum(one["workers"] for one in counts["stopped"])}
    for state, count in counts.items():
        workers.add_metric([state], count)
    yield workers
    delivery = GaugeMetricFamily(
        "altwright_delivery", "1: this hands tasks to workers now.", labels=["by"]
    )
    for one in Delivery:
        delivery.add_metric([one.value], float(now["delivery"] == one))
    yield delivery
    redis = now["redis"]
    up = redis["state"] in {RedisState.HEALTHY, RedisState.SUSPECT}
    yield _gauge("redis_up", "1: Redis answers the process that was asked.", float(up))
    yield _gauge("redis_used_bytes", "Memory that Redis uses.", redis["used_bytes"])
    yield _gauge("redis_memory_ratio", "Share of Redis' maxmemory.", redis["memory_share"])
    answered_s = now["database"]["answered_in_s"]
    yield _gauge("database_answer_seconds", "How long the database took to answer.", answered_s)
    yield _gauge(
        "backlog_done_seconds",
        "When nothing waits or runs any more, at the rate of the last minutes; absent: unknown.",
        now["backlog_done_in_s"],
    )
    alerts = GaugeMetricFamily(
        "altwright_alert_open", "1 for each open alert.", labels=["name", "severity"]
    )
    for alert in now["alerts"]:
        alerts.add_metric([alert["name"], alert["severity"]], 1.0)
    yield alerts


def _ended() -> Iterator[Metric]:
    ever = services().overview.ever()
    ended = CounterMetricFamily(
        "altwright_tasks_ended",
        "Tasks that ended, since there are statistics.",
        labels=["queue", "state"],
    )
    waited = HistogramMetricFamily(
        "altwright_task_wait_seconds", "From a task's submit to its start.", labels=["queue"]
    )
    took = HistogramMetricFamily(
        "altwright_task_processing_seconds",
        "From a task's start to its end, pauses included.",
        labels=["queue"],
    )
    for priority in Priority:
        part = ever.priorities[priority]
        for status in ENDS:
            ended.add_metric([priority.queue, status.value], part.ended[status])
        for family, counted in ((waited, part.waited), (took, part.took)):
            family.add_metric([priority.queue], _cumulative(counted), counted.total_s)
    yield from (ended, waited, took)


def _cumulative(counted: Histogram) -> list[tuple[str, float]]:
    counts = [(f"{bound_s(index):g}", float(counted.up_to(index))) for index in _BOUNDS]
    return [*counts, ("+Inf", float(counted.count))]


def _by_queue(name: str, words: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"altwright_{name}", words, labels=["queue"])


def _gauge(name: str, words: str, value: float | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"altwright_{name}", words)
    if value is not None:
        family.add_metric([], value)
    return family
