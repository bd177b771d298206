"""What is over goes by its age, in batches, and no reference breaks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from tests.support_engine import ANNA, BERT, ROOT, Rig, touch
from tests.support_house import House

from altwright.captions.drafts import draft_texts
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.drafts.pruning import FILE_AGE_S, ContentRetention
from altwright.captions.pictures.picture_files import PictureStore
from altwright.db.session import Database, utcnow
from altwright.db.tables import AccountRow, DraftRow, PictureRow, PostRow
from altwright.db.task_tables import (
    AlertRow,
    AuditRow,
    ItemRow,
    NoticeRow,
    StateRow,
    TaskEventRow,
    TaskRow,
)
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Priority, Status
from altwright.errors import InvalidInput, NotAllowed, NotFound, TaskNotFound
from altwright.tasks.alerting.alerts import AlertBook
from altwright.tasks.alerting.rules import Finding, Severity
from altwright.tasks.audit_log import Audit
from altwright.tasks.maintenance.scheduler import MAINTAINED
from altwright.tasks.maintenance.task import Chore, Maintenance
from altwright.tasks.rq.job_cleaner import RQUpkeep
from altwright.tasks.rq.job_queues import QueueOptions
from altwright.tasks.store.retention import Ages, TaskRetention

pytestmark = pytest.mark.every_database

DAY = timedelta(days=1)


def ignore() -> None:
    """Go on."""


def aged(rig: Rig, days: float, status: Status = Status.COMPLETED) -> str:
    """Return the id of a task with items and history that ended so long ago."""
    rig.kind.exclusive = False
    task = rig.submit()
    rig.drain_database()
    touch(rig.database, task.id, status=status, finished_at=utcnow() - days * DAY)
    return task.id


def count(database: Database, table: type) -> int:
    """Return how many rows a table has."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.req("11.4", "purged by age")
@pytest.mark.req("11.4", "integrity kept")
def test_ended_tasks_go_by_their_age_with_items_and_history(rig: Rig) -> None:
    """Completed and cancelled after their days, failed ones after theirs; the rest stays whole."""
    old, cancelled = aged(rig, 31), aged(rig, 31, Status.CANCELLED)
    young, failed, dead = aged(rig, 29), aged(rig, 31, Status.FAILED), aged(rig, 91, Status.FAILED)
    waiting = rig.submit().id
    retention = TaskRetention(rig.database, Ages())
    assert retention.prune_tasks(ignore) == 3
    for task_id in (old, cancelled, dead):
        with pytest.raises(TaskNotFound):
            rig.store.get(task_id, None)
        assert rig.store.items(task_id) == []
        assert rig.store.history(task_id) == []
    assert len(rig.store.items(young)) == 3
    assert rig.store.get(failed, None).status is Status.FAILED
    assert rig.store.get(waiting, None).status is Status.QUEUED
    assert count(rig.database, ItemRow) == 6
    with rig.database.read() as session:
        orphans = select(func.count()).where(TaskEventRow.task_id.not_in(select(TaskRow.id)))
        assert session.scalar(orphans) == 0
    assert retention.prune_tasks(ignore) == 0


@pytest.mark.req("11.4", "purged by age")
def test_zero_days_keep_everything(rig: Rig) -> None:
    """Retention can be switched off for each thing."""
    kept = aged(rig, 4000)
    never = Ages(tasks=0, failed_tasks=0, drafts=0, pictures=0, audit=0)
    retention = TaskRetention(rig.database, never)
    assert retention.prune_tasks(ignore) + retention.prune_books(ignore) == 0
    assert rig.store.get(kept, None).status is Status.COMPLETED


def test_pruning_goes_in_batches_and_can_be_interrupted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two batches others get their turn; what was done stays done."""
    monkeypatch.setattr("altwright.tasks.store.retention.BATCH", 2)
    for _ in range(5):
        aged(rig, 40)

    def stop() -> None:
        raise InterruptedError

    retention = TaskRetention(rig.database, Ages())
    with pytest.raises(InterruptedError):
        retention.prune_tasks(stop)
    assert count(rig.database, TaskRow) == 3
    assert retention.prune_tasks(ignore) == 3


@pytest.mark.req("11.4", "integrity kept")
def test_a_task_that_is_requeued_meanwhile_stays(rig: Rig) -> None:
    """Between the look and the delete an administrator requeues it: it is worked on."""
    task_id = aged(rig, 100, Status.FAILED)

    def requeue(_session: object, _ids: object) -> None:
        if rig.database.engine.dialect.name != "sqlite":  # there nobody else can write now
            rig.queue.requeue_failed(task_id, by=ROOT)

    TaskRetention(rig.database, Ages(), before=requeue).prune_tasks(ignore)
    if rig.database.engine.dialect.name == "sqlite":
        assert count(rig.database, TaskRow) == 0
    else:
        assert rig.store.get(task_id, None).status is Status.QUEUED


@pytest.mark.req("11.4", "purged by age")
def test_old_entries_of_the_books_go(database: Database) -> None:
    """Audit entries and alerts that are over; an open alert stays, however old."""
    audit, book = Audit(database), AlertBook(database, ("webhook",))
    for name in ("over", "open"):
        audit.add(ROOT, name)
        book.raise_(Finding(name, Severity.WARNING, "x."))
    book.resolve("over")
    with database.write() as session:
        session.execute(update(AuditRow).values(at=utcnow() - 400 * DAY))
        over = update(AlertRow).where(AlertRow.name == "over")
        session.execute(over.values(resolved_at=utcnow() - 400 * DAY))
        session.execute(update(AlertRow).values(raised_at=utcnow() - 400 * DAY))
    audit.add(ROOT, "young")
    assert TaskRetention(database, Ages()).prune_books(ignore) == 3
    assert [entry.action for entry in audit.recent()] == ["young"]
    assert [alert.name for alert in book.recent()] == ["open"]
    assert count(database, NoticeRow) == 1


class Content:
    """Posts, pictures and drafts of anna, and the files of their copies."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        """Make her account."""
        self.database = rig.database
        self.pictures = PictureStore(folder)
        self.drafts = DraftStore(rig.database)
        self.folder = folder
        self.retention = self.with_ages(Ages(drafts=100))
        with self.database.write() as session:
            account = AccountRow(
                user_id=ANNA.id,
                platform="mastodon",
                url="https://social.example",
                token="",
                remote_id="7",
                acct="anna@social.example",
            )
            session.add(account)
            session.flush()
            self.account_id = account.id

    def with_ages(self, ages: Ages) -> ContentRetention:
        """Return a retention."""
        return ContentRetention(self.drafts, self.pictures, ages)

    def post(self, *drafts: tuple[DraftStatus, float], task_id: str | None = None) -> list[int]:
        """Write a post with a picture for each draft (its state, its age in days)."""
        with self.database.write() as session:
            number = session.scalar(select(func.count()).select_from(PostRow)) or 0
            post = PostRow(
                account_id=self.account_id,
                remote_id=f"p{number}",
                url="https://social.example/1",
                text="",
                posted_at=utcnow(),
            )
            session.add(post)
            session.flush()
            ids = []
            for at, (status, days) in enumerate(drafts):
                data = f"{post.id} {at}".encode()
                picture = PictureRow(
                    post_id=post.id,
                    remote_id=f"m{at}",
                    url="",
                    file=self.pictures.put(data, "jpg"),
                    thumbnail=self.pictures.put(data + b" small", "jpg"),
                    media_type="image/jpeg",
                )
                session.add(picture)
                session.flush()
                settled_at = utcnow() - days * DAY
                draft = DraftRow(
                    picture_id=picture.id,
                    user_id=ANNA.id,
                    account_id=self.account_id,
                    status=status,
                    text="A cat.",
                    described_text="A cat.",
                    describer="x",
                    model="x",
                    task_id=task_id,
                    updated_at=settled_at,
                    published_at=settled_at if status is DraftStatus.PUBLISHED else None,
                )
                session.add(draft)
                session.flush()
                ids.append(draft.id)
            return ids

    def file_count(self) -> int:
        """Return how many files lie in the store."""
        return sum(path.is_file() for path in self.folder.rglob("*"))

    def age_files(self, seconds: float) -> None:
        """Let time pass for the files."""
        at = time.time() - seconds
        for path in self.folder.rglob("*.jpg"):
            os.utime(path, (at, at))


@pytest.fixture
def content(rig: Rig, tmp_path: Path) -> Content:
    """Return an account without posts on each database."""
    return Content(rig, tmp_path / "pictures")


@pytest.mark.req("11.4", "integrity kept")
def test_a_draft_outlives_its_task(rig: Rig, content: Content) -> None:
    """When a task goes, its drafts stay as they are and name no task any more."""
    task_id = aged(rig, 31)
    (draft_id,) = content.post((DraftStatus.DRAFT, 5), task_id=task_id)
    with content.database.write() as session:
        draft_texts.described(session, session.get_one(DraftRow, draft_id), task_id)
    before = content.drafts.get(draft_id, ANNA.id)
    retention = TaskRetention(rig.database, Ages(), before=content.retention.forget_tasks)
    assert retention.prune_tasks(ignore) == 1
    after = content.drafts.get(draft_id, ANNA.id)
    assert after.task_id is None
    assert [one.task_id for one in content.drafts.texts(draft_id, ANNA.id)] == [None]
    assert (after.text, after.version, after.updated_at) == (
        before.text,
        before.version,
        before.updated_at,
    )


@pytest.mark.req("11.4", "purged by age")
@pytest.mark.req("11.4", "integrity kept")
def test_published_drafts_go_after_their_days(content: Content) -> None:
    """With their pictures, and their post once none is left; open and skipped drafts stay."""
    content.post((DraftStatus.PUBLISHED, 101), (DraftStatus.PUBLISHED, 101))
    half = content.post((DraftStatus.PUBLISHED, 101), (DraftStatus.DRAFT, 500))
    content.post((DraftStatus.PUBLISHED, 99), (DraftStatus.SKIPPED, 500))
    assert content.retention.prune_drafts(ignore) == 3
    assert count(content.database, PostRow) == 2
    assert count(content.database, PictureRow) == count(content.database, DraftRow) == 3
    assert content.drafts.get(half[1], ANNA.id).status is DraftStatus.DRAFT
    with pytest.raises(NotFound):
        content.drafts.get(half[0], ANNA.id)


@pytest.mark.req("11.4", "purged by age")
def test_copies_of_settled_pictures_go_and_others_stay(content: Content) -> None:
    """Published and skipped long ago: the draft stays, its copy's files are deleted."""
    settled = content.post((DraftStatus.PUBLISHED, 31), (DraftStatus.SKIPPED, 31))
    fresh = content.post((DraftStatus.PUBLISHED, 29), (DraftStatus.APPROVED, 300))
    assert content.retention.release_pictures(ignore) == 2
    content.age_files(FILE_AGE_S + 60)
    assert content.retention.prune_files(ignore) == 4
    assert content.file_count() == 4
    for draft_id in settled:
        draft = content.drafts.get(draft_id, ANNA.id)
        assert draft.text == "A cat."
        with pytest.raises(NotFound):
            content.drafts.picture_file(draft.picture.id, ANNA.id)
    for draft_id in fresh:
        draft = content.drafts.get(draft_id, ANNA.id)
        for small in (False, True):
            file, _ = content.drafts.picture_file(draft.picture.id, ANNA.id, small=small)
            assert content.pictures.read(file)


@pytest.mark.req("11.4", "integrity kept")
def test_files_that_nobody_names_go_when_they_are_old(content: Content) -> None:
    """A young file may be about to be named; one that was put again counts as young."""
    content.post((DraftStatus.DRAFT, 1))
    lost, wanted_again = content.pictures.put(b"lost", "jpg"), content.pictures.put(b"again", "jpg")
    assert content.retention.prune_files(ignore) == 0
    content.age_files(FILE_AGE_S + 60)
    assert content.pictures.put(b"again", "jpg") == wanted_again
    assert content.retention.prune_files(ignore) == 1
    assert content.pictures.read(wanted_again) == b"again"
    with pytest.raises(NotFound):
        content.pictures.read(lost)
    assert content.file_count() == 3


def test_a_file_put_while_it_is_deleted_is_there(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question who names it and its deletion somebody puts it: it stays."""
    name = content.pictures.put(b"lost", "jpg")
    content.age_files(FILE_AGE_S + 60)
    ask = content.drafts.unreferenced_files

    def ask_and_put(names: list[str]) -> set[str]:
        nobodys = ask(names)
        assert content.pictures.put(b"lost", "jpg") == name
        return nobodys

    monkeypatch.setattr(content.drafts, "unreferenced_files", ask_and_put)
    assert content.retention.prune_files(ignore) == 0
    assert content.pictures.read(name) == b"lost"
    assert content.file_count() == 1


@pytest.mark.req("9.4", "nothing grows")
def test_rqs_registries_are_trimmed_without_a_worker_of_rq(rig: Rig) -> None:
    """Entries whose time is over go, younger ones stay."""
    rig.dispatcher.tick()
    for user in (ANNA, BERT):
        rig.submit(user)
    rig.drain_rq()
    key, client = "rq:finished:normal", rig.health.client
    first: Any = client.zrange(key, 0, 0)
    client.zadd(key, {first[0]: 1})
    assert RQUpkeep(rig.health, QueueOptions()).trim() == 1
    assert client.zcard(key) == 1


def maintained(rig: Rig, **chores: Callable[[Callable[[], None]], int]) -> Maintenance:
    """Let a rig know maintenance with these chores."""
    kind = Maintenance({name: Chore(name, run) for name, run in chores.items()})
    rig.kinds[kind.name] = kind
    return kind


@pytest.mark.req("2.5", "maintenance is urgent")
def test_maintenance_is_urgent_and_goes_first(rig: Rig) -> None:
    """The service's own task takes its turn before every user's, and says what it removed."""
    maintained(rig, tasks=lambda _: 3, files=lambda _: 0)
    users = rig.submit(ROOT)
    task = rig.queue.submit("maintenance", user=None)
    assert task.priority is Priority.URGENT
    assert rig.worker().take_next()
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    assert rig.store.get(users.id, None).status is Status.QUEUED
    assert [item.reason for item in rig.store.items(task.id)] == ["3 removed", "0 removed"]


def test_maintenance_is_not_for_everybody(rig: Rig) -> None:
    """A user can't ask for it; an administrator can, without settings."""
    maintained(rig, tasks=lambda _: 0)
    with pytest.raises(NotAllowed):
        rig.queue.submit("maintenance", user=ANNA)
    with pytest.raises(InvalidInput):
        rig.queue.submit("maintenance", user=ROOT, settings={"days": 1})
    assert rig.queue.submit("maintenance", user=ROOT).priority is Priority.HIGH


def test_the_leader_submits_maintenance_once_an_hour(rig: Rig) -> None:
    """Whoever holds the role, one task an hour, none beside one that still runs."""
    maintained(rig, tasks=lambda _: 0)
    rig.health.check()
    house = House(rig)
    for _ in range(3):
        house.look(70)
    assert [task.kind for task in rig.store.recent(None)] == ["maintenance"]
    with rig.database.write() as session:
        row = update(StateRow).where(StateRow.name == MAINTAINED)
        session.execute(row.values(changed_at=utcnow() - timedelta(hours=2)))
    house.look(70)
    assert len(rig.store.recent(None)) == 1  # the first one hasn't ended
    rig.drain_database()
    with rig.database.write() as session:
        session.execute(row.values(changed_at=utcnow() - timedelta(hours=2)))
    house.look(70)
    assert len(rig.store.recent(None)) == 2


def test_maintenance_goes_on_without_redis(rig: Rig) -> None:
    """The chore that needs it is skipped, with the reason; the others are done."""
    upkeep = RQUpkeep(rig.health, QueueOptions())
    maintained(rig, redis=lambda _: upkeep.trim(), tasks=lambda _: 1)
    rig.lose_redis()
    task = rig.queue.submit("maintenance", user=None)
    rig.drain_database()
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    assert [item.reason for item in rig.store.items(task.id)] == ["Redis is away.", "1 removed"]
