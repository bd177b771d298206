"""The page on planning capacity: capacity_page.md with what was measured and what the code has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmark_promises import RESULT, Results

from altwright.config import IMAGE_SIDE_PX, load
from altwright.db.session import POOL_OVERFLOW
from altwright.workers.capacity import REDIS_SPARE, REQUESTS, SPARE, pool_size

PAGE, TEXT = "how-to/capacity.md", Path(__file__).with_suffix(".md")
#: Share of the time that workers may be at work, so that what comes in bursts needn't wait long.
BUSY = 0.7
#: Seconds that a picture may take, for the table; megabytes of an offline describer's process.
PACES_S, DESCRIBER_MB = (1, 3, 10, 30), 600
DATABASES = ("SQLite", "PostgreSQL", "MariaDB")


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


def _number(value: float | None, digits: int = 0) -> str:
    return "not measured" if value is None else f"{value:,.{digits}f}"
