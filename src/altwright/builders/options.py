"""From settings to the options of parts: nothing here picks an implementation."""

from __future__ import annotations

from altwright.builders.engine import EngineOptions
from altwright.captions.pictures.picture_fetch import PictureLimits
from altwright.config import Settings
from altwright.db.session import utcnow
from altwright.domain.limits import Limits
from altwright.domain.quiet_hours import QuietTimes
from altwright.domain.retry_policy import Backoff
from altwright.domain.task import Priority
from altwright.tasks.alerting.rules import Thresholds
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.store.retention import Ages


def options_of(settings: Settings) -> EngineOptions:
    """Return the engine's options."""
    return EngineOptions(
        queue=QueueOptions(
            prefix=settings.rq_queue_prefix,
            window=settings.dispatch_window,
            job_ttl_s=settings.rq_job_ttl,
            result_ttl_s=settings.rq_completed_tasks_ttl or settings.rq_result_ttl,
            failure_ttl_s=settings.rq_failed_tasks_ttl,
            max_retries=settings.rq_max_retries,
            runs_per_day=settings.user_runs_per_day,
        ),
        limits=limits_of(settings),
        backoff=Backoff(base_s=settings.rq_retry_base_delay, longest_s=settings.rq_retry_max_delay),
        lease_s=settings.lease_s,
        limit_s=settings.rq_default_timeout,
        slice_s=settings.slice_s,
        patience_s=settings.rq_outage_patience,
    )


def retries_of(settings: Settings) -> tuple[Backoff, int, float]:
    """Return the waits between retries, their number, and the seconds of patience with servers."""
    options = options_of(settings)
    return options.backoff, options.queue.max_retries, options.patience_s


def ages_of(settings: Settings) -> Ages:
    """Return after how many days what goes."""
    return Ages(
        tasks=settings.task_retention_days,
        failed_tasks=settings.failed_task_retention_days,
        drafts=settings.draft_retention_days,
        pictures=settings.picture_retention_days,
        audit=settings.audit_retention_days,
    )


def quiet_s(settings: Settings, channel: str) -> float:
    """Return how many seconds from now on warnings have to wait for a channel."""
    return QuietTimes.read(settings.alert_quiet_hours).left_s(channel, utcnow())


def thresholds_of(settings: Settings) -> Thresholds:
    """Return from where on something counts as wrong."""
    return Thresholds(
        backlog_tasks=settings.alert_backlog_tasks,
        backlog_age_s=settings.alert_backlog_age,
        dead_letters=settings.alert_dead_letters,
        failure_share=settings.alert_failure_share,
        slow_item_s=settings.alert_slow_item,
        database_slow_s=settings.alert_database_slow,
        disk_free_share=settings.alert_disk_free,
        clock_skew_s=settings.alert_clock_skew,
        stuck_task_s=settings.alert_stuck_task,
        failed_sign_ins=settings.alert_failed_sign_ins,
        describer_slow_s=settings.alert_describer_slow,
    )


def limits_of(settings: Settings) -> Limits:
    """Return the concurrency per priority that the settings name; 0 means none."""

    def named(what: str) -> dict[Priority, int]:
        numbers = {one: getattr(settings, f"rq_{what}_{one.queue}_workers") for one in Priority}
        return {one: number for one, number in numbers.items() if number}

    return Limits(most=named("max"), kept=named("min"))


def picture_limits_of(settings: Settings) -> PictureLimits:
    """Return how large a picture may be, and how long fetching it may take."""
    return PictureLimits(
        settings.image_max_bytes, settings.image_max_pixels, settings.image_timeout
    )
