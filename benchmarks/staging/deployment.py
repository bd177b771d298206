"""The deployment that is taken over: users with passwords and accounts, tasks, pictures, texts."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from tests.support_vedfolnir import Vedfolnir, closed, settings

from altwright.takeover.fields import stored
from benchmarks.staging.fediverse import Fediverse, Home

TASKS = "caption_generation_tasks"
#: Days over which its past is spread: tasks that ended longer ago, staging prunes.
PAST = timedelta(days=5)
#: How its tasks ended: of twenty, eighteen well, one not, one not at all.
_ENDS = ("COMPLETED",) * 18 + ("FAILED", "CANCELLED")
#: What its pictures are like, of each user, in turn.
_PICTURES = (
    ("PENDING", "generated_caption"),
    ("APPROVED", "reviewed_caption"),
    ("POSTED", "final_caption"),
    ("POSTED", "final_caption"),
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything: half of the users have ``waiting`` tasks each."""

    users: int = 50
    tasks: int = 5_000
    waiting: int = 3
    pictures: int = 8

    @property
    def in_wait(self) -> int:
        """Return how many tasks wait."""
        return self.waiting * (self.users // 2)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the old deployment, with an account."""

    name: str
    password: str
    home: Home
    waits: bool


def fill(old: Vedfolnir, fediverse: Fediverse, size: Size) -> list[Person]:
    """Write it all; return its users."""
    people = []
    for number in range(1, size.users + 1):
        name = f"user{number}"
        token = f"token-of-{name}"
        home = fediverse.add(name, token)
        user_id = old.user(name, role="ADMIN" if number == 1 else "REVIEWER")
        old.connection(
            user_id,
            name,
            id=number,
            instance_url=fediverse.server.url,
            access_token=closed(token),
        )
        people.append(Person(name, f"secret of {name}", home, waits=number % 2 == 1))
        _pictures(old, fediverse, home, number, size.pictures)
        fediverse.post(home)  # which nobody has described
    _tasks(old, size)
    return people


def statuses(old: Vedfolnir) -> Counter[str]:
    """Count its tasks by their states."""
    return Counter(row["status"].lower() for row in old.rows(TASKS))


def waiting(old: Vedfolnir) -> int:
    """Return how many tasks wait there."""
    query = sa.text(f"SELECT count(*) FROM {TASKS} WHERE lower(status) = 'queued'")  # noqa: S608 - a name of ours
    with old.engine.connect() as connection:
        return int(connection.scalar(query) or 0)


def _pictures(old: Vedfolnir, fediverse: Fediverse, home: Home, number: int, count: int) -> None:
    for at in range(count):
        status, column = _PICTURES[at % len(_PICTURES)]
        post = fediverse.post(home, pictures=1)
        (media,) = post["media_attachments"]
        text = f"A grey heron by the water, number {at + 1} of {home.username}."
        if status == "POSTED":
            media["description"] = text
        post_id = old.add(
            "posts",
            post_id=post["url"],
            user_id=home.username,
            post_url=post["url"],
            post_content=post["content"],
            platform_connection_id=number,
            created_at=stored(datetime.now(UTC) - PAST),
        )
        values: dict[str, Any] = {
            "post_id": post_id,
            "image_url": media["url"],
            "local_path": "",
            "media_type": "image/png",
            "image_post_id": media["id"],
            "attachment_index": 0,
            "status": status,
            column: text,
            "original_post_date": stored(datetime.now(UTC) - PAST),
        }
        if status == "POSTED":
            values["posted_at"] = stored(datetime.now(UTC) - PAST / 2)
        old.add("images", **values)


def _tasks(old: Vedfolnir, size: Size) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    ended = max(0, size.tasks - size.in_wait)
    rows = []
    for number in range(ended):
        began = now - PAST + number * (PAST - timedelta(hours=1)) / max(1, ended)
        rows.append(_task(1 + number % size.users, began, _ENDS[number % len(_ENDS)], number))
    for number in range(size.in_wait):
        began = now - timedelta(minutes=30) + timedelta(seconds=number)
        # Some rows carry the other case.
        status = "QUEUED" if number % 5 else "queued"
        rows.append(_task(1 + 2 * (number % (size.users // 2)), began, status, number))
    old.add_all(TASKS, rows)


def _task(user: int, began: datetime, status: str, number: int) -> dict[str, Any]:
    is_over = status.upper() != "QUEUED"
    results = json.dumps({"captions_generated": 2, "images_processed": 2})
    return {
        "id": str(uuid.uuid4()),
        "user_id": user,
        "platform_connection_id": user,
        "status": status,
        "settings_json": settings(processing_delay=0) if number % 7 else None,
        "created_at": stored(began),
        "started_at": stored(began + timedelta(seconds=5)) if is_over else None,
        "completed_at": stored(began + timedelta(seconds=50)) if is_over else None,
        "error_message": "Its server did not answer." if status == "FAILED" else None,
        "cancellation_reason": "Not now." if status == "CANCELLED" else None,
        "results_json": results if status == "COMPLETED" else None,
        "priority": ("low", "normal", "high")[number % 3],
        "retry_count": number % 2,
        "max_retries": 3,
    }
