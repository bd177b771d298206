"""Export to the replaced system, and what a round trip keeps."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select, update
from tests import support_takeover
from tests.support_takeover import BOX, anna_id, drafts_of, everything, fill, give, remarks, take
from tests.support_vedfolnir import OLD_KEY, Vedfolnir, opened

from altwright.accounts.users import UserStore
from altwright.captions.drafts.draft_store import DraftStore
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import AccountRow, DraftRow, PictureRow, PostRow, UserRow
from altwright.db.takeover_table import TakenRow
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Status
from altwright.errors import Conflict
from altwright.takeover.fields import task_there
from altwright.takeover.old_database import OldDatabase
from altwright.takeover.report import Report
from altwright.takeover.run import Takeover
from altwright.takeover.tasks import KIND
from altwright.tasks.store import imported_tasks

there = support_takeover.there
AT = datetime(2026, 11, 5, 6, 7, 8, tzinfo=UTC)


@pytest.mark.every_database
def test_there_and_back_and_there_again(database: Database, there: Vedfolnir) -> None:
    """What is done here arrives there field by field, and coming back changes nothing."""
    made = fill(there)
    take(database, there, stopped=True)
    untouched = there.everything()
    assert give(database, there, stopped=True).writes == 0
    assert there.everything() == untouched
    anna = UserStore(database).by_name("anna")
    assert anna is not None
    store, drafts = DraftStore(database), drafts_of(database)
    store.edit(drafts["5001"].id, anna.id, text="A grey cat.")
    store.approve(drafts["5001"].id, anna.id)
    store.skip(drafts["5002"].id, anna.id)
    with database.begin() as connection:
        ended = {"status": Status.COMPLETED, "finished_at": anna.created_at, "started_at": None}
        connection.execute(update(TaskRow).where(TaskRow.id == made["waits"]).values(ended))
        connection.execute(update(UserRow).where(UserRow.id == anna.id).values(email="a@b.example"))
    plan = give(database, there, stopped=True, dry_run=True)
    assert there.everything() == untouched
    report = give(database, there, stopped=True)
    assert plan.counts == report.counts
    assert report.writes == 4
    now = {name: {row["id"]: row for row in there.rows(name)} for name in there.everything()}
    cat, dog = now["images"][made["drafted"]], now["images"][made["approved"]]
    assert (cat["status"], cat["final_caption"]) == ("APPROVED", "A grey cat.")
    assert cat["generated_caption"] == "A cat."
    assert (dog["status"], dog["reviewed_caption"]) == ("REJECTED", "A brown dog.")
    task = now["caption_generation_tasks"][made["waits"]]
    assert (task["status"], task["priority"], task["progress_percent"]) == (
        "COMPLETED",
        "high",
        100,
    )
    assert now["users"][made["anna"]]["email"] == "a@b.example"
    assert now["users"][made["anna"]]["password_hash"] == untouched["users"][0]["password_hash"]
    before, after = everything(database), there.everything()
    assert take(database, there, stopped=True).writes == 0
    assert give(database, there, stopped=True).writes == 0
    assert everything(database) == before
    assert there.everything() == after


@pytest.mark.every_database
def test_what_was_made_here_goes_there(database: Database, there: Vedfolnir) -> None:
    """Users, accounts, tasks and texts that only we have are added there, once."""
    fill(there)
    take(database, there)
    other = Vedfolnir(there.engine)
    carla = UserStore(database).create("carla", "correct horse", email="c@example.org")
    with database.write() as session:
        account = AccountRow(
            user_id=carla.id,
            platform="mastodon",
            url="https://new.example",
            token=BOX.encrypt("a token"),
            remote_id="7",
            acct="carla@new.example",
        )
        session.add(account)
        session.flush()
        drafts = session.scalars(select(DraftRow).order_by(DraftRow.id)).all()
        first = session.get_one(PictureRow, drafts[0].picture_id)
        picture = PictureRow(post_id=first.post_id, remote_id="9", position=1, url="https://x/9")
        session.add(picture)
        session.flush()
        session.add(
            DraftRow(
                picture_id=picture.id,
                user_id=drafts[0].user_id,
                account_id=drafts[0].account_id,
                text="A boat.",
                described_text="A boat.",
                describer="offline",
                model="",
            )
        )
    planned = give(database, there, dry_run=True)
    report = give(database, there)
    assert planned.counts == report.counts
    added = {name: one["added"] for name, one in report.counts.items()}
    assert added == {
        "users": 1,
        "platform_connections": 1,
        "caption_generation_tasks": 0,
        "images": 1,
    }
    assert "needs a new password there" in remarks(report, "users")
    connection = other.rows("platform_connections")[-1]
    assert opened(connection["access_token"]) == "a token"
    assert connection["username"] == "carla"
    boat = other.rows("images")[-1]
    assert (boat["generated_caption"], boat["status"]) == ("A boat.", "PENDING")
    assert boat["post_id"] == other.rows("images")[0]["post_id"]
    after = there.everything()
    assert give(database, there).writes == 0
    assert there.everything() == after
    assert take(database, there).writes == 0


def test_what_waits_here_goes_there_once_nothing_works_on_it(
    database: Database, there: Vedfolnir
) -> None:
    """Tasks made here go over with their settings when the service is stopped, and not before."""
    made = fill(there)
    take(database, there)
    with database.write() as session:
        account = session.scalar(select(AccountRow).where(AccountRow.acct == "anna@home.example"))
        assert account is not None
        imported_tasks.add(
            session,
            (task_id := str(uuid.uuid4())),
            KIND,
            task_there({"status": "QUEUED", "priority": "low", "retry_count": 1}, None).fields,
            user_id=account.user_id,
            account_id=account.id,
            exclusive_key=None,
            settings=imported_tasks.sealed(
                {"max_posts_per_run": None, "max_caption_length": 300}, BOX
            ),
            created_at=None,
            step="",
            detail="",
        )
    left = give(database, there)
    assert left.writes == 0
    assert "--stopped" in next(iter(remarks(left, "caption_generation_tasks")))
    assert give(database, there, stopped=True).counts["caption_generation_tasks"]["added"] == 1
    row = next(one for one in there.rows("caption_generation_tasks") if one["id"] == task_id)
    assert (row["status"], row["priority"], row["retry_count"]) == ("QUEUED", "low", 1)
    assert (row["user_id"], row["platform_connection_id"]) == (made["anna"], made["of_anna"])
    assert json.loads(row["settings_json"]) == {
        "max_posts_per_run": 500,
        "max_caption_length": 300,
        "optimal_min_length": 80,
        "optimal_max_length": 200,
        "reprocess_existing": False,
        "processing_delay": 0.0,
    }
    assert give(database, there, stopped=True).writes == 0


def test_what_is_there_already_is_not_written_over(database: Database, there: Vedfolnir) -> None:
    """A run that was ended between the two sides, or a row that was never taken: it stays."""
    fill(there)
    take(database, there)
    with database.begin() as connection:
        connection.execute(sa.delete(TakenRow).where(TakenRow.kind == "picture"))
    DraftStore(database).edit(drafts_of(database)["5001"].id, anna_id(database), text="Mine.")
    before = there.everything()
    report = give(database, there)
    assert report.writes == 0
    assert "stays as it is there" in next(iter(remarks(report, "images")))
    assert there.everything() == before


class Interrupted(OldDatabase):
    """Lets something else happen once: when a picture is there, and its link isn't here yet."""

    def __init__(self, engine: sa.Engine) -> None:
        """Begin with nothing to happen."""
        super().__init__(engine)
        self.happens: list[Callable[[], None]] = []

    def rows(
        self,
        name: str,
        by: str,
        values: Collection[Any],
        connection: sa.Connection | None = None,
    ) -> list[dict[str, Any]]:
        """Return rows, after what happens."""
        if name == "images" and connection is None and self.happens:
            self.happens.pop()()
        return super().rows(name, by, values, connection)


@pytest.mark.parametrize("how", [give, take])
def test_one_goes_at_a_time(
    database: Database, there: Vedfolnir, how: Callable[..., Report]
) -> None:
    """A second import or export beside is refused in words, and leaves the first one alone."""
    fill(there)
    take(database, there)
    with database.write() as session:
        account = session.scalars(select(AccountRow).order_by(AccountRow.id)).first()
        assert account is not None
        url = "https://home.example/@anna/7"
        post = PostRow(account_id=account.id, remote_id="7", url=url, text="", posted_at=AT)
        session.add(post)
        session.flush()
        picture = PictureRow(
            post_id=post.id, remote_id="77", position=0, url=f"{url}.png", media_type="image/png"
        )
        session.add(picture)
        session.flush()
        session.add(
            DraftRow(
                picture_id=picture.id,
                user_id=account.user_id,
                account_id=account.id,
                text="An owl.",
                described_text="An owl.",
                describer="offline",
                model="",
            )
        )
    old = Interrupted.open(there.url, writes=True)
    refused: list[str] = []

    def beside() -> None:
        how(database, there, dry_run=True)
        with pytest.raises(Conflict) as met:
            how(database, there)
        refused.append(str(met.value))

    old.happens.append(beside)
    report = Takeover(database, old, box=BOX, old_box=Box(OLD_KEY)).give_back()
    old.close()
    assert "at work" in " ".join(refused)
    assert report.writes == 1
    assert how(database, there).writes == 0
    assert [row["image_post_id"] for row in there.rows("images")].count("77") == 1
