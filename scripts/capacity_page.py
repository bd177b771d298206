"""The page on planning capacity: capacity_page.md with what was measured and what the code has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from benchmark_promises import RESULT, Results

from altwright.config import IMAGE_SIDE_PX, Settings, load
from altwright.db.session import POOL_OVERFLOW
from altwright.domain.task import Priority
from altwright.workers.capacity import REDIS_SPARE, REQUESTS, SPARE, pool_size

PAGE, TEXT = "how-to/capacity.md", Path(__file__).with_suffix(".md")
#: Share of the time that workers may be at work, so that what comes in bursts needn't wait long.
BUSY = 0.7
#: Seconds that a picture may take, for the table; megabytes of an offline describer's process.
PACES_S, DESCRIBER_MB = (1, 3, 10, 30), 600
DATABASES = ("SQLite", "PostgreSQL", "MariaDB")
#: What the table of hosts takes for granted, since it differs with people and machines: pictures
#: that a user posts in a day, the share of them that comes in its busiest hour, seconds a picture,
#: users of whom one has a page open, workers of a host, megabytes of a picture's copies.
USERS = (10, 1_000, 100_000)
A_DAY, AT_PEAK, PACE_S, OPEN_PAGE, OF_HOST, COPY_MB = 3, 1 / 8, 5, 50, 8, 0.4


def pages() -> dict[str, str]:
    """Return the page by its name below docs/."""
    results, settings = Results(RESULT.read_text()), load(_env_file=None)
    memory = [results.of("field", "memory", f"Altwright, {one}", "pss_mb") for one in DATABASES]
    text = TEXT.read_text().format(
        processors=results.all["processors"],
        paces="\n".join(_paces()),
        databases="\n".join(_databases(results)),
        busy=BUSY,
        worker_mb=_number(max((one for one in memory if one is not None), default=None)),
        describer_mb=DESCRIBER_MB,
        spare=SPARE,
        requests=REQUESTS,
        overflow=POOL_OVERFLOW,
        redis_spare=REDIS_SPARE,
        connections=pool_size(settings) + POOL_OVERFLOW,
        clients=settings.rq_worker_count + REDIS_SPARE,
        side_px=f"{IMAGE_SIDE_PX:,}",
        sizes="\n".join(_sizes(results)),
        job_kb=_number(results.of("sizes", "Redis", "job_kb"), 1),
        empty_mb=_number(results.of("sizes", "Redis", "empty_mb"), 1),
        redis_mb=_number(_redis_mb(results, settings.dispatch_window)),
        window=f"{settings.dispatch_window:,}",
        a_day=A_DAY,
        at_peak=f"1/{round(1 / AT_PEAK)}",
        pace_s=PACE_S,
        open_page=OPEN_PAGE,
        of_host=OF_HOST,
        copy_mb=COPY_MB,
        kept_days=settings.picture_retention_days,
        hosts="\n".join(_hosts(results, settings)),
    )
    return {PAGE: text}


def _paces() -> Iterator[str]:
    for pace_s in PACES_S:
        workers = -(-1000 * pace_s // int(3600 * BUSY))
        yield f"| {pace_s} | {3600 // pace_s:,} | {workers} |"


def _databases(results: Results) -> Iterator[str]:
    for name in DATABASES:
        short = results.of("backlog", name.lower(), "100") or {}
        long = results.of("backlog", name.lower(), "10000") or {}
        items = results.of("field", "items", f"Altwright, {name}") or {}
        cells = (
            name,
            _number(short.get("submit_ms"), 2),
            _number(short.get("claims_per_s")),
            _number(long.get("claims_per_s")),
            _number(items.get("per_s")),
            _number(items.get("cpu_ms"), 2),
        )
        yield f"| {' | '.join(cells)} |"


def _sizes(results: Results) -> Iterator[str]:
    for name in DATABASES:
        found = results.of("sizes", name) or {}
        cells = [_number(found.get(key), 1) for key in ("picture_kb", "published_kb", "run_kb")]
        yield f"| {' | '.join([name, *cells])} |"


def _redis_mb(results: Results, window: int) -> float | None:
    found = results.of("sizes", "Redis") or {}
    if not found:
        return None
    return float(found["empty_mb"] + len(Priority) * window * found["job_kb"] / 1000)


def _hosts(results: Results, settings: Settings) -> Iterator[str]:
    """Yield a row for each number of users; PostgreSQL's figures."""
    items = results.of("field", "items", "Altwright, PostgreSQL", "per_s")
    kept_kb = results.of("sizes", "PostgreSQL", "published_kb")
    for users in USERS:
        pictures = users * A_DAY * AT_PEAK
        workers = math.ceil(pictures * PACE_S / 3600 / BUSY)
        web = math.ceil(users / OPEN_PAGE / settings.sockets_max)
        cells = (
            f"{users:,}",
            f"{pictures:,.0f}",
            f"{workers:,}",
            f"{math.ceil(workers / OF_HOST):,}",
            f"{web:,}",
            f"{pictures / 3600 / items:.2%}" if items else "not measured",
            _number(kept_kb and users * A_DAY * 365 * kept_kb / 1e6, 1),
            f"{users * A_DAY * settings.picture_retention_days * COPY_MB / 1000:,.1f}",
        )
        yield f"| {' | '.join(cells)} |"


def _number(value: float | None, digits: int = 0) -> str:
    return "not measured" if value is None else f"{value:,.{digits}f}"
