"""What old rows mean: nothing is lost there and back, and the docs say what isn't carried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support_vedfolnir import tables

import altwright.db.takeover_table
import altwright.db.task_tables  # noqa: F401 - their tables belong to the metadata
from altwright.captions.drafts.storable import clean
from altwright.crypto import Box
from altwright.db.tables import Base
from altwright.domain.caption import DraftStatus, Role
from altwright.domain.task import Priority, Status
from altwright.takeover import fields
from altwright.takeover.comparing import digests, to_take
from altwright.takeover.fields import Row

PAGE = (Path(__file__).parent.parent.parent / "docs/how-to/take-over.md").read_text()
BOX = Box("FvG0tPJq1Tn3bTDAZz8mDPMR0WF3m1Xg1n2wq6cQYF0=")
TEXTS = st.text(max_size=40).map(clean)
SECONDS = st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(10**9 + second, UTC))


def columns_in(heading: str) -> set[str]:
    """Return what the first column of the table below a line names."""
    rows = PAGE.split(f"\n{heading}\n")[1].lstrip().split("\n\n")[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row.split("|")[1])}


class Read(dict[str, Any]):
    """A row that knows which of its columns were looked at."""

    def __init__(self, values: dict[str, Any]) -> None:
        """Take the values of a row."""
        super().__init__(values)
        self.seen: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a column's value."""
        self.seen.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.seen.add(key)
        return super().__getitem__(key)

    def items(self) -> Any:
        """Return all columns; those that are settings count as looked at."""
        self.seen |= {"max_posts_per_run", "max_caption_length", "processing_delay"}
        self.seen.add("reprocess_existing")
        return super().items()


def looked_at() -> Iterator[tuple[str, set[str]]]:
    """Yield which columns of each table are read, by rows that leave no question out."""
    user = Read({"username": "anna", "email_verified": True})
    fields.user_there(user)
    yield "users", user.seen | {"id"}
    account = Read({"username": "a", "platform_type": "mastodon", "instance_url": "https://a.b"})
    fields.account_there(account, BOX)
    yield "platform_connections", account.seen | {"id", "user_id"}
    of_user = Read({"max_posts_per_run": 3})
    task = Read({"status": "CANCELLED", "results_json": "{}"})
    fields.task_there(task, of_user)
    ended = Read({"status": "COMPLETED"})
    fields.task_there(ended, None)
    ids = {"id", "user_id", "platform_connection_id"}
    yield "caption_generation_tasks", task.seen | ended.seen | ids
    yield "caption_generation_user_settings", of_user.seen | ids
    post, image = (
        Read({"post_url": "https://a.b/1"}),
        Read({"image_post_id": "1", "status": "error"}),
    )
    fields.picture_there(image, post)
    yield "posts", post.seen | {"id", "platform_connection_id"}
    yield "images", image.seen | {"id", "post_id"}


def test_the_docs_name_every_column_that_is_not_carried() -> None:
    """Each column of the old tables is read, or stands in the table with its reason; not both."""
    read = {f"{table}.{column}" for table, seen in looked_at() for column in seen}
    there = {
        f"{table.name}.{column.name}"
        for table in tables(older=False).sorted_tables
        for column in table.columns
    }
    assert there - read == columns_in("From there:")


def test_the_docs_name_every_table_that_is_not_given_back() -> None:
    """Each table here has a counterpart there, or stands in the table with its reason."""
    carried = {"users", "accounts", "posts", "pictures", "drafts", "tasks"}
    assert set(Base.metadata.tables) - carried == columns_in("And back:")


@given(TEXTS, TEXTS, st.sampled_from(sorted(DraftStatus)), SECONDS)
def test_a_text_comes_back_as_it_went(
    text: str, described: str, status: DraftStatus, at: datetime
) -> None:
    """Whatever state a text has here, the old columns give the same fields again."""
    went = {
        "status": DraftStatus.APPROVED if status is DraftStatus.PUBLISHING else status,
        "text": text or described or "A cat.",
        "described_text": described,
        "published_at": at if status is DraftStatus.PUBLISHED else None,
    }
    row = {**fields.picture_columns(went), "image_post_id": "1"}
    assert fields.picture_there(row, {"post_id": "https://a.b/1"}).fields == went


@given(
    st.sampled_from(sorted(set(Status) - {Status.RUNNING})),
    st.sampled_from(sorted(Priority)),
    SECONDS,
    st.integers(0, 9),
)
def test_a_task_comes_back_as_it_went(
    status: Status, priority: Priority, at: datetime, failures: int
) -> None:
    """Whatever state a task has here, the old columns give the same fields again."""
    is_over = status is not Status.QUEUED
    went = {
        "status": status,
        "priority": priority,
        "failures": failures,
        "max_retries": 3,
        "started_at": at if is_over else None,
        "finished_at": at if is_over else None,
        "error": "No luck." if status in {Status.FAILED, Status.CANCELLED} else "",
    }
    assert fields.task_there(fields.task_columns(went), None).fields == went


@given(st.sampled_from(sorted(Role)), st.booleans())
def test_a_user_comes_back_as_they_went(role: Role, is_active: bool) -> None:  # noqa: FBT001 - given
    """So does a user, with a password that both sides can check."""
    went = {
        "username": "anna",
        "email": "anna@example.org",
        "role": role,
        "is_active": is_active,
        "password": "pbkdf2:sha256:1$a$b",
    }
    assert fields.user_there(fields.user_columns(went)).fields == went


@pytest.mark.parametrize("whole", [False, True])
def test_what_goes_over_is_what_changed_on_one_side(whole: bool) -> None:  # noqa: FBT001 - a case
    """Of fields that mean something by themselves each goes for itself, of others all or none."""
    before = {"text": "a", "status": "draft"}
    known = digests(before)

    def taken(source: dict[str, str], target: dict[str, str]) -> dict[str, Any] | None:
        return to_take(source, target, known, known, whole=whole)

    mine, theirs = {**before, "text": "b"}, {**before, "status": "approved"}
    assert taken(before, before) == taken(before, mine) == taken(mine, mine) == {}
    assert taken(mine, before) == (mine if whole else {"text": "b"})
    assert taken(mine, theirs) == (None if whole else {"text": "b"})
    assert taken(mine, {**before, "text": "c"}) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0000-00-00 00:00:00",
        "soon",
        "1970-01-01 00:00:00",
        None,
        12,
        datetime.min.replace(tzinfo=UTC),
    ],
    ids=repr,
)
def test_no_time_is_made_of_what_is_none(value: Any) -> None:
    """MySQL's year 0, a clock that began anew, and words are no times."""
    assert fields.instant(value) is None


def test_times_are_naive_utc_to_the_second() -> None:
    """As drivers give them, as SQLite keeps them, and with a zone where one is written."""
    expected = datetime(2026, 5, 3, 12, 0, 1, tzinfo=UTC)
    for value in (
        datetime(2026, 5, 3, 12, 0, 1, 999),  # noqa: DTZ001 - as drivers give them
        "2026-05-03 12:00:01.000999",
        "2026-05-03T14:00:01+02:00",
    ):
        assert fields.instant(value) == expected
    assert fields.stored(expected) == "2026-05-03 12:00:01"


READS: list[tuple[str, Callable[[dict[str, Any]], Row]]] = [
    ("account", lambda row: fields.account_there(row, BOX)),
    ("picture", lambda row: fields.picture_there(row, row)),
    ("task", lambda row: fields.task_there(row, row)),
    ("user", fields.user_there),
]
_NAMES = sorted({column.name for table in tables(older=False).sorted_tables for column in table.c})


@pytest.mark.parametrize(("_name", "read"), READS, ids=[name for name, _ in READS])
@given(
    row=st.dictionaries(
        st.sampled_from(_NAMES),
        st.none()
        | st.text(max_size=300)
        | st.integers()
        | st.floats()
        | st.booleans()
        | st.sampled_from(["mastodon", "https://a.b/1", "QUEUED", "completed", "[1]", "{", "null"])
        | st.datetimes(),
    )
)
def test_no_row_is_too_odd(
    _name: str, read: Callable[[dict[str, Any]], Row], row: dict[str, Any]
) -> None:
    """A row of whatever values is read, or refused in words; nothing else happens."""
    with suppress(fields.Unusable):
        assert read(row).fields
