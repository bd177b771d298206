"""An old worker, which knows nothing but the old database: `python -m benchmarks.staging.poller`.

It takes the oldest task that waits, works on it until SIGUSR1, and writes that it has completed:
how far the old deployment is, is the rehearsal's to say.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from altwright.takeover.fields import stored

#: Seconds between two looks at the database, and at whether a task is done.
POLL_S = 0.1
_OLDEST = sa.text(
    "SELECT id FROM caption_generation_tasks WHERE lower(status) = 'queued'"
    " ORDER BY created_at, id LIMIT 1"
)
_BEGIN = sa.text(
    "UPDATE caption_generation_tasks SET status = 'RUNNING', started_at = :at,"
    " current_step = 'Describing' WHERE id = :id AND lower(status) = 'queued'"
)
_END = sa.text(
    "UPDATE caption_generation_tasks SET status = 'COMPLETED', completed_at = :at,"
    " progress_percent = 100, results_json = :results WHERE id = :id"
)
_RESULTS = json.dumps({"captions_generated": 1, "images_processed": 1})


def main() -> None:
    """Poll until SIGTERM; the task in hand is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("begun", type=Path, help="file that gets the id of each task it begins")
    given = parser.parse_args()
    # Plain lists: a handler that set an Event could meet its lock held by the wait below.
    asked_to_stop: list[int] = []
    done: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked_to_stop.append(number))
    signal.signal(signal.SIGUSR1, lambda number, _: done.append(number))
    engine = sa.create_engine(os.environ["VEDFOLNIR_DATABASE_URL"])
    begun = os.open(given.begun, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    pause = threading.Event()
    while not asked_to_stop:
        task_id = _begin(engine)
        if task_id is None:
            pause.wait(POLL_S)
            continue
        os.write(begun, f"{task_id}\n".encode("ascii"))
        done.clear()
        while not done and not asked_to_stop:
            pause.wait(POLL_S)
        with engine.begin() as connection:
            connection.execute(_END, {"id": task_id, "at": _now(), "results": _RESULTS})
    engine.dispose()


def _begin(engine: sa.Engine) -> str | None:
    with engine.begin() as connection:
        task_id: str | None = connection.scalar(_OLDEST)
    if task_id is None:
        return None
    with engine.begin() as connection:
        begun = connection.execute(_BEGIN, {"id": task_id, "at": _now()}).rowcount
    return task_id if begun == 1 else None


def _now() -> str | None:
    return stored(datetime.now(UTC))


if __name__ == "__main__":
    main()
