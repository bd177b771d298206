"""Import from the replaced system, from real databases of each kind into each of ours."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select, text, update
from tests import support_takeover
from tests.support_domain import FERNET_KEY
from tests.support_images import photo, saved
from tests.support_service import Service
from tests.support_takeover import BOX, drafts_of, everything, fill, give, remarks, take
from tests.support_vedfolnir import MAY, OLD_KEY, Vedfolnir, closed, settings

from altwright.accounts.users import UserStore
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.pictures.picture_fetch import PictureLimits
from altwright.captions.pictures.picture_files import PictureStore
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import AccountRow, PictureRow
from altwright.db.task_tables import TaskRow
from altwright.domain.caption import DraftStatus, Role
from altwright.domain.task import Priority, Status
from altwright.errors import ConfigError, NotSignedIn
from altwright.takeover.files import OldFiles
from altwright.takeover.old_database import CLAIMED, OldDatabase
from altwright.takeover.pollers import reasons_to_stay
from altwright.takeover.run import Takeover

there = support_takeover.there


@pytest.mark.every_database
def test_everything_comes_along(database: Database, there: Vedfolnir) -> None:
    """Users sign in with their passwords, tokens are readable, tasks and texts are as they were."""
    made = fill(there)
    before = there.everything()
    report = take(database, there, stopped=True)
    assert there.everything() == before
    assert report.to_json()["remarks"] == []
    anna = UserStore(database).authenticate("anna", "secret of anna")
    assert (anna.role, anna.email) == (Role.ADMIN, "anna@example.org")
    with database.read() as session:
        accounts = session.scalars(select(AccountRow).order_by(AccountRow.acct)).all()
        tasks = {row.id: row for row in session.scalars(select(TaskRow))}
    assert [BOX.decrypt(one.token) for one in accounts] == ["token of anna", "token of bert"]
    assert [one.acct for one in accounts] == ["anna@home.example", "bert@home.example"]
    waits = tasks[made["waits"]]
    assert (waits.status, waits.priority, waits.failures) == (Status.QUEUED, Priority.HIGH, 2)
    assert waits.created_at.isoformat() == "2026-05-03T12:00:00+00:00"
    kept = json.loads(BOX.decrypt(waits.settings))
    assert kept["max_posts_per_run"] == 20
    assert kept["max_caption_length"] == 400
    assert [tasks[made[name]].status for name in ("done", "failed", "cancelled")] == [
        Status.COMPLETED,
        Status.FAILED,
        Status.CANCELLED,
    ]
    assert tasks[made["done"]].step == "Described 3 of 4."
    assert tasks[made["failed"]].error == "No luck."
    assert tasks[made["cancelled"]].error == "Not now."
    drafts = drafts_of(database)
    assert {key: (one.status, one.text) for key, one in drafts.items()} == {
        "5001": (DraftStatus.DRAFT, "A cat."),
        "5002": (DraftStatus.APPROVED, "A brown dog."),
        "5003": (DraftStatus.PUBLISHED, "A tree."),
        "5004": (DraftStatus.SKIPPED, "Nothing."),
    }
    store = DraftStore(database)
    texts = store.texts(drafts["5002"].id, anna.id)
    assert [(one.kind, one.text, one.by, one.is_current) for one in texts] == [
        ("written", "A brown dog.", "anna", True),
        ("described", "A dog.", None, False),
    ]
    assert store.get(drafts["5001"].id, anna.id).post.text == "Post 1"


@pytest.mark.every_database
def test_a_second_import_changes_nothing(database: Database, there: Vedfolnir) -> None:
    """Whatever was taken stays as it is, and a dry run writes nothing at all."""
    fill(there)
    empty = everything(database)
    planned = take(database, there, stopped=True, dry_run=True)
    assert everything(database) == empty
    done = take(database, there, stopped=True)
    assert planned.counts == done.counts
    before = everything(database)
    again = take(database, there, stopped=True)
    assert again.writes == 0
    assert everything(database) == before


@pytest.mark.every_database
def test_what_goes_on_there_comes_along(database: Database, there: Vedfolnir) -> None:
    """The replaced system works on while it is taken over; the next run brings what has changed."""
    made = fill(there)
    take(database, there)
    UserStore(database).create_without_password("root", role=Role.ADMIN)
    there.set("images", made["drafted"], status="APPROVED", final_caption="A black cat.")
    there.set("users", made["anna"], role="MODERATOR")
    there.set("platform_connections", made["of_anna"], access_token=closed("a new token"))
    there.set("caption_generation_tasks", made["waits"], status="COMPLETED", completed_at=MAY)
    there.image(made["of_anna"], 6, generated_caption="A house.")
    report = take(database, there)
    assert {name: (one["added"], one["changed"]) for name, one in report.counts.items()} == {
        "users": (0, 1),
        "platform_connections": (0, 1),
        "caption_generation_tasks": (1, 0),
        "images": (1, 1),
    }
    drafts = drafts_of(database)
    assert (drafts["5001"].status, drafts["5001"].text) == (DraftStatus.APPROVED, "A black cat.")
    assert drafts["5006"].text == "A house."
    anna = UserStore(database).by_name("anna")
    assert anna is not None
    assert anna.role is Role.MODERATOR
    with database.read() as session:
        tokens = [BOX.decrypt(one) for one in session.scalars(select(AccountRow.token))]
    assert "a new token" in tokens


@pytest.mark.parametrize("how", [{"role": "VIEWER"}, {"is_active": False}])
def test_the_only_administrator_stays_one(
    database: Database, there: Vedfolnir, how: dict[str, object]
) -> None:
    """Whatever becomes of them there, while nobody else could administer here; then it is taken."""
    made = fill(there)
    take(database, there)
    there.set("users", made["anna"], **how)
    left = remarks(take(database, there), "users")
    assert "it is the only administrator here, and wouldn't be any more" in left
    users = UserStore(database)
    anna = users.by_name("anna")
    assert anna is not None
    assert (anna.role, anna.is_active) == (Role.ADMIN, True)
    users.create_without_password("root", role=Role.ADMIN)
    take(database, there)
    now = users.by_name("anna")
    assert now is not None
    assert (now.role, now.is_active) != (anna.role, anna.is_active)


def test_what_was_changed_on_both_sides_stays_on_either(
    database: Database, there: Vedfolnir
) -> None:
    """No text that a person wrote is replaced by another one; the report names them."""
    made = fill(there)
    take(database, there)
    anna = UserStore(database).by_name("anna")
    assert anna is not None
    DraftStore(database).edit(drafts_of(database)["5001"].id, anna.id, text="Mine.")
    there.set("images", made["drafted"], reviewed_caption="Theirs.")
    for move in (take, give):
        both = remarks(move(database, there), "images")
        assert list(both.values()) == [[str(made["drafted"])]]
        assert "both sides" in next(iter(both))
    assert drafts_of(database)["5001"].text == "Mine."
    assert there.rows("images")[0]["reviewed_caption"] == "Theirs."


def test_tasks_that_are_still_theirs_stay_there(database: Database, there: Vedfolnir) -> None:
    """While the replaced system works, its waiting and running tasks are its own."""
    anna = there.user("anna")
    of_anna = there.connection(anna, "anna")
    waits, runs = there.task(anna, of_anna), there.task(anna, of_anna, status="running")
    left = remarks(take(database, there), "caption_generation_tasks")
    assert {what.partition(":")[0]: ids for what, ids in left.items()} == {
        "it waits there": [waits],
        "it runs there": [runs],
    }


@pytest.mark.every_database
def test_several_active_tasks_of_a_user_come_one_after_the_other(
    database: Database, there: Vedfolnir
) -> None:
    """The oldest is taken; the next one once that has ended."""
    anna = there.user("anna")
    of_anna = there.connection(anna, "anna")
    days = ["2026-05-03 10:00:00", "2026-05-01 10:00:00", "2026-05-02 10:00:00"]
    ids = [there.task(anna, of_anna, created_at=day) for day in days]
    order: list[str] = []
    for _ in ids:
        report = take(database, there, stopped=True)
        assert report.counts["caption_generation_tasks"]["added"] == 1
        with database.begin() as connection:
            query = select(TaskRow.id).where(TaskRow.status == Status.QUEUED)
            order += connection.scalars(query).all()
            ended = {"status": Status.CANCELLED, "finished_at": TaskRow.created_at}
            connection.execute(update(TaskRow).where(TaskRow.id == order[-1]).values(ended))
    assert order == [ids[1], ids[2], ids[0]]


@pytest.mark.every_database
def test_oddities_are_taken_or_named(database: Database, there: Vedfolnir) -> None:
    """Enums in either case, columns missing, rows broken: the rest is taken, and each is named."""
    older = Vedfolnir(there.engine, older=True).make()
    anna = older.user("anna", role="admin")
    viewer = older.user("vera", role="GUEST", email_verified=False)
    locked = older.user("lola", account_locked=True, password_hash="md5$1$2")
    nobody = older.user("")
    of_anna = older.connection(anna, "@anna@home.example", instance_url="https://Home.example/")
    unread = older.connection(viewer, "vera", access_token=closed("x", FERNET_KEY))
    off = older.connection(locked, "lola", is_active=False)
    twice = older.connection(anna, "anna")
    strange = older.connection(anna, "x", platform_type="friendica")
    orphan = older.connection(999, "y")
    lower = older.task(anna, of_anna, status="completed", settings_json="{", completed_at=None)
    older.task(anna, twice, status="Failed", created_at=None, completed_at=MAY)
    unknown = older.task(anna, of_anna, status="PAUSED")
    blank = older.task(anna, of_anna, status=None)
    lost = older.task(999, of_anna, status="FAILED")
    wrong = older.task(anna, of_anna, id="7", status="FAILED")
    older.image(of_anna, 1, status="reviewed", reviewed_caption="A \x07cat.")
    older.image(of_anna, 2, status="ERROR", generated_caption="?", processing_error="Out of memory")
    no_id = older.image(of_anna, 3, image_post_id=None, generated_caption="x")
    bare = older.image(of_anna, 4, status="APPROVED")
    odd = older.image(of_anna, 5, status="LATER", generated_caption="A hat.")
    older.image(of_anna, 6, status="APPROVED", final_caption="long " * 400)
    no_post = older.image(of_anna, 7, post_id=999)
    before = older.everything()
    report = take(database, older, stopped=True)
    assert older.everything() == before
    named = {
        table: sorted((what.split(";")[0].split(":")[0], ids) for what, ids in rows.items())
        for table in report.counts
        if (rows := remarks(report, table))
    }
    assert named == {
        "users": [
            ("its user name is empty, too long or not printable", [str(nobody)]),
            ("locked there, so deactivated here", [str(locked)]),
            ("role guest", [str(viewer)]),
            ("their e-mail address was never verified there", [str(viewer)]),
            ("their password can't be checked here", [str(locked)]),
        ],
        "platform_connections": [
            ("it is here already, and stays as it is here", [str(twice)]),
            ("it was switched off there", [str(off)]),
            ("its platform friendica isn't known here", [str(strange)]),
            ("its token can't be read with this key", [str(unread)]),
            ("its user isn't there, or wasn't taken", [str(orphan)]),
        ],
        "caption_generation_tasks": [
            ("it says no time of its end", [lower]),
            ("its id is no UUID of version 4", [wrong]),
            ("its settings can't be read", [lower]),
            ("its status none isn't known", [blank]),
            ("its status paused isn't known", [unknown]),
            ("its user isn't there, or wasn't taken", [lost]),
        ],
        "images": [
            ("approved without a text", [str(bare)]),
            ("its post isn't there", [str(no_post)]),
            (
                "its server's id of the picture (image_post_id) is missing or too long",
                [str(no_id)],
            ),
            ("its status later isn't known", [str(odd)]),
        ],
    }
    drafts = drafts_of(database)
    assert {key: (one.status, one.text) for key, one in drafts.items()} == {
        "5001": (DraftStatus.DRAFT, "A cat."),
        "5002": (DraftStatus.DRAFT, "?"),
        "5005": (DraftStatus.DRAFT, "A hat."),
        "5006": (DraftStatus.DRAFT, ("long " * 400).strip()),
    }
    assert drafts["5002"].problem == "Out of memory"
    assert "1,500" in drafts["5006"].problem
    with pytest.raises(NotSignedIn):
        UserStore(database).authenticate("lola", "secret of lola")
    before_again = everything(database)
    assert take(database, older, stopped=True).writes == 0
    assert everything(database) == before_again


def test_a_user_of_the_same_name_is_not_taken_for_the_same_person(
    database: Database, there: Vedfolnir
) -> None:
    """Nobody gets another one's account, unless the administrator says that they are the same."""
    fill(there)
    mine = UserStore(database).create("Anna", "correct horse")
    report = take(database, there)
    assert "--same" in next(iter(remarks(report, "users")))
    with database.read() as session:
        assert session.scalars(select(AccountRow.user_id)).all() != [mine.id]
    take(database, there, same=["anna"])
    with database.read() as session:
        of_mine = select(AccountRow.acct).where(AccountRow.user_id == mine.id)
        assert session.scalars(of_mine).all() == ["anna@home.example"]
    assert UserStore(database).authenticate("anna", "correct horse").id == mine.id


def test_a_run_that_was_ended_goes_on(database: Database, there: Vedfolnir) -> None:
    """Batches that were committed stay; the next run takes the rest, nothing twice."""
    fill(there)
    with there.engine.begin() as connection:
        connection.execute(text("ALTER TABLE images RENAME TO images_away"))
    take(database, there)
    with there.engine.begin() as connection:
        connection.execute(text("ALTER TABLE images_away RENAME TO images"))
    report = take(database, there)
    assert report.counts["users"]["added"] == 0
    assert report.counts["images"]["added"] == 5


def test_another_database_is_refused(database: Database, there: Vedfolnir, tmp_path: Path) -> None:
    """Rows of a second deployment would be taken for those of the first."""
    fill(there)
    take(database, there)
    other = Vedfolnir(sa.create_engine(f"sqlite:///{tmp_path}/other.db")).make()
    other.user("mallory", created_at="2020-01-01 00:00:00")
    with pytest.raises(ConfigError, match="another one"):
        take(database, other)
    other.engine.dispose()


def test_what_is_no_such_database_is_named(tmp_path: Path) -> None:
    """A file that isn't there isn't made; one of another program is refused."""
    with pytest.raises(ConfigError, match="can't be"):
        OldDatabase.open(f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()
    sqlite3.connect(tmp_path / "some.db").close()
    with pytest.raises(ConfigError, match="no table users"):
        OldDatabase.open(f"sqlite:///{tmp_path}/some.db")
    with pytest.raises(ConfigError, match="MySQL"):
        OldDatabase.open("postgresql://a@b/c")


def test_the_commands_say_what_they_do(tmp_path: Path) -> None:
    """Dry run, import, export: counts and oddities as a table or JSON, no secret, no traceback."""
    old = Vedfolnir(sa.create_engine(f"sqlite:///{tmp_path}/old.db")).make()
    made = fill(old)
    old.user("vera", role="GUEST")
    values = {"VEDFOLNIR_DATABASE_URL": old.url, "VEDFOLNIR_ENCRYPTION_KEY": OLD_KEY}
    service = Service(tmp_path, values)
    plan = service.json("import", "vedfolnir", "--dry-run")
    assert plan["dry_run"] is True
    assert service.json("user", "list") == []
    shown = service.command("import", "vedfolnir", "--stopped")
    assert shown.returncode == 0, shown.stderr
    assert "role guest" in shown.stdout
    assert OLD_KEY not in shown.stdout
    assert "token of" not in shown.stdout
    assert [one["username"] for one in service.json("user", "list")] == ["anna", "bert", "vera"]
    assert service.json("task", "show", made["waits"])["status"] == "queued"
    assert service.command("task", "cancel", made["waits"]).returncode == 0
    counts = {one["table"]: one for one in service.json("export", "vedfolnir")["tables"]}
    assert counts["caption_generation_tasks"]["changed"] == 1
    statuses = {row["id"]: row["status"] for row in old.rows("caption_generation_tasks")}
    assert statuses[made["waits"]] == "CANCELLED"
    actions = [one["action"] for one in service.json("audit")]
    assert actions == ["exported to vedfolnir", "task cancelled", "imported from vedfolnir"]
    with old.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE images"))
    (remark,) = (
        one for one in service.json("import", "vedfolnir")["remarks"] if one["table"] == "images"
    )
    assert "may not read it" in remark["what"]
    service.settings["VEDFOLNIR_ENCRYPTION_KEY"] = "secret"
    wrong = service.command("import", "vedfolnir")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "VEDFOLNIR_ENCRYPTION_KEY" in wrong.stderr
    service.settings["VEDFOLNIR_DATABASE_URL"] = "mysql+pymysql://a:sesame@127.0.0.1:1/x"
    service.settings["VEDFOLNIR_ENCRYPTION_KEY"] = OLD_KEY
    away = service.command("import", "vedfolnir")
    assert (away.returncode, away.stderr.count("\n")) == (2, 1)
    assert "sesame" not in away.stderr
    del service.settings["VEDFOLNIR_DATABASE_URL"]
    assert "set VEDFOLNIR_DATABASE_URL" in service.command("import", "vedfolnir").stderr
    old.engine.dispose()


@pytest.mark.req("4.1", "by one command")
@pytest.mark.req("10.4", "whether it is safe")
@pytest.mark.every_database
def test_tasks_are_taken_out_of_the_hands_of_workers_that_go_on(
    database: Database, there: Vedfolnir
) -> None:
    """What waits there is claimed before it is queued here; what runs there ends there first."""
    users = [there.user(name) for name in ("anna", "bert", "carl")]
    anna, bert, carl = ((one, there.connection(one, f"u{one}")) for one in users)
    waits = there.task(*anna, priority="urgent", settings_json=settings())
    runs, next_one = there.task(*bert, status="RUNNING"), there.task(*bert)
    claimed = there.task(*carl, status="RUNNING", current_step=CLAIMED)  # by a run that was ended

    def why_not() -> list[str]:
        with closing(OldDatabase.open(there.url)) as old:
            return reasons_to_stay(database, old)

    def to_rq() -> int:
        with closing(OldDatabase.open(there.url, writes=True)) as old:
            return (
                Takeover(database, old, box=BOX, old_box=Box(OLD_KEY), claims=True)
                .take_in()
                .counts["caption_generation_tasks"]["added"]
            )

    assert len(why_not()) == 2
    assert to_rq() == 2
    rows = {row["id"]: row for row in there.rows("caption_generation_tasks")}
    assert (rows[waits]["status"], rows[waits]["current_step"]) == ("RUNNING", CLAIMED)
    assert rows[next_one]["status"] == "QUEUED"
    with closing(OldDatabase.open(there.url, writes=True)) as old:
        assert not old.claim(waits)  # whoever comes second has lost
    with database.read() as session:
        query = select(TaskRow.id, TaskRow.priority).where(TaskRow.status == Status.QUEUED)
        assert {row[0]: row[1] for row in session.execute(query)} == {
            waits: Priority.URGENT,
            claimed: Priority.NORMAL,
        }
    assert to_rq() == 0
    assert len(why_not()) == 2
    there.set("caption_generation_tasks", runs, status="COMPLETED", completed_at=MAY)
    assert to_rq() == 2  # the one that has ended, and the one that waited for it
    assert why_not() == []
    assert give(database, there).writes == 0


def test_files_of_pictures_come_along(database: Database, there: Vedfolnir, tmp_path: Path) -> None:
    """Reviewers see the pictures; no file outside the folder is read, whatever a row says."""
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(saved(photo(), "JPEG"))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "secret.jpg").write_bytes(saved(photo(), "JPEG"))
    anna = there.user("anna")
    of_anna = there.connection(anna, "anna")
    paths = ["/opt/vedfolnir/cat.jpg", "../secret.jpg", "broken.jpg", ""]
    ids = [
        there.image(of_anna, number, generated_caption="A cat.", local_path=path)
        for number, path in enumerate(paths)
    ]
    pictures = PictureStore(tmp_path / "media")
    files = OldFiles(folder, pictures, PictureLimits(10**7, 10**7, 10.0))
    planned = take(database, there, files=files, dry_run=True)
    assert not (tmp_path / "media").exists()
    assert len(remarks(planned, "images")) == 1
    named = remarks(take(database, there, files=files), "images")
    assert sorted(named.values()) == [[str(ids[1]), str(ids[3])], [str(ids[2])]]
    with database.read() as session:
        rows = session.scalars(select(PictureRow).order_by(PictureRow.remote_id)).all()
        kept = [row.file for row in rows]
    assert [bool(one) for one in kept] == [True, False, False, False]
    assert pictures.read(kept[0])
    assert take(database, there, files=files).writes == 0


def test_an_import_could_not_write_there_if_it_tried(there: Vedfolnir) -> None:
    """The connection itself is read-only."""
    made = fill(there)
    with (
        closing(OldDatabase.open(there.url)) as old,
        pytest.raises(ConfigError, match=r"(?i)read.only"),
    ):
        old.claim(made["waits"])
