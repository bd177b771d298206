"""A backup holds everything as of one moment, opens with its key alone, and restores anywhere."""

from __future__ import annotations

import gc
import resource
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from tests.support_databases import new_database
from tests.support_domain import (
    FERNET_KEY,
    QUICK,
    Bench,
    FakePlatform,
    World,
    jpeg,
    make_post,
    make_world,
    picture_server,
)
from tests.support_takeover import everything

from altwright.accounts.connections import AccountStore
from altwright.accounts.users import UserStore
from altwright.backup import making, restoring
from altwright.backup.sealed_file import CHUNK_BYTES, DAMAGED, NO_BACKUP
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.pictures.picture_files import PictureStore
from altwright.captions.tasks.publishing import start_publishing
from altwright.crypto import Box
from altwright.db import migrate
from altwright.db.session import Database
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status
from altwright.errors import AltwrightError, ConfigError, Conflict, InvalidInput
from altwright.tasks.cluster.role_leases import Leases

ROOT = Path(__file__).parents[2]
BOX = Box(FERNET_KEY)
ODD = "Quotes ' \" \\ and lines\n\tand 🦊 é e\u0301 \u200f"
NEXT = {"sqlite": "postgresql", "postgresql": "mariadb", "mariadb": "sqlite"}


def nothing(_done: int, _total: int) -> None:
    """Hear of progress."""


def saved(database: Database, folder: Path, progress: making.Progress = nothing) -> Path:
    """Make a backup."""
    path = folder / f"{secrets.token_hex(4)}.backup"
    making.make(database, PictureStore(folder / "pictures"), BOX, path, progress)
    return path


def restored(path: Path, database: Database, folder: Path, **options: Any) -> None:
    """Put it back."""
    usual = {"box": BOX, "overwrite": False, "progress": nothing, "folder": path.parent}
    options = dict[str, Any](usual) | options
    restoring.restore(database, PictureStore(folder), path=path, **options)


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> Iterator[Database]:
    """Return a new database of another kind."""
    with new_database(request, NEXT[database.engine.dialect.name], tmp_path) as engine:
        yield Database(engine)


@pytest.fixture
def world(database: Database) -> World:
    """Return Anna with her account and some posts."""
    return make_world(database)


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Iterator[Bench]:
    """Return what works on Anna's tasks."""
    with picture_server() as server:
        world.platform.add(*(make_post(one, "", "", host=server.host) for one in range(3)))
        yield Bench(world, server, tmp_path / "pictures")


def same_world(database: Database, platform: FakePlatform) -> World:
    """Return Anna's world as a restored database has it."""
    users = UserStore(database, QUICK)
    accounts = AccountStore(database, BOX, lambda *_: platform)
    user = users.by_name("anna")
    assert user is not None
    (account,) = accounts.of_user(user.id)
    return World(database, platform, BOX, users, accounts, DraftStore(database), user, account)


def approximately(rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Return rows with fractions as exact as MariaDB keeps them, without what isn't backed up."""
    return {
        name: sorted(
            (tuple(f"{one:.4g}" if isinstance(one, float) else one for one in row) for row in of),
            key=repr,
        )
        for name, of in rows.items()
        if name not in {"leases", "workers", "service_state"}
    }


@pytest.mark.every_database
def test_everything_comes_back_in_another_kind_of_database(
    world: World, bench: Bench, elsewhere: Database, tmp_path: Path
) -> None:
    """Rows, pictures and what is encrypted; new rows get numbers behind the old ones."""
    bench.captions()
    drafts = world.drafts.find(world.user.id, limit=200).drafts
    odd = world.drafts.edit(drafts[0].id, world.user.id, text=ODD).text
    path = saved(world.database, tmp_path)
    before = everything(world.database)
    assert b"token-of-anna" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0

    restored(path, elsewhere, tmp_path / "others")

    assert approximately(everything(elsewhere)) == approximately(before)
    there = same_world(elsewhere, world.platform)
    assert there.users.authenticate("anna", "correct horse").id == world.user.id
    found = there.drafts.find(there.user.id, limit=200).drafts
    assert {one.text for one in found} >= {odd}
    kept = PictureStore(tmp_path / "others")
    assert all(kept.read(one.picture.file) for one in found)
    assert there.users.create("bert", "correct horse").id > world.user.id
    assert there.draft(make_post(77, ""))[0].id > max(one.id for one in found)


@pytest.mark.every_database
def test_a_backup_is_of_one_moment(world: World, bench: Bench, tmp_path: Path) -> None:
    """What is written while it is made isn't in it, in no table."""
    bench.captions()
    before = everything(world.database)
    at_first = threading.Event()

    def meanwhile(_done: int, _total: int) -> None:
        if not at_first.is_set():
            at_first.set()
            world.draft(make_post(50, "", ""))
            world.users.create("late", "correct horse")

    path = saved(world.database, tmp_path, meanwhile)
    assert world.users.by_name("late") is not None
    restored(path, world.database, tmp_path / "pictures", overwrite=True)
    assert approximately(everything(world.database)) == approximately(before)


def test_tasks_go_on_and_nothing_is_published_twice(
    world: World,
    bench: Bench,
    database: Database,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """Backed up between the edit of a post and its note here: the text counts as published."""
    bench.captions()
    drafts = world.drafts.find(world.user.id, limit=200).drafts
    ids = [one.id for one in drafts]
    world.drafts.approve_many(world.user.id, ids)
    paths: list[Path] = []
    world.platform.after_edit = lambda: paths.append(saved(database, tmp_path))
    start_publishing(world.drafts, bench.queue, world.user.ref, ids)
    bench.attempt()
    edits = list(world.platform.edits)
    assert len(edits) == len(paths) == 3
    world.platform.after_edit = lambda: None

    with new_database(request, "sqlite", tmp_path) as engine:
        there = Database(engine)
        restored(paths[0], there, tmp_path / "others")
        again = same_world(there, world.platform)
        publishing = [DraftStatus.PUBLISHING]
        assert len(again.drafts.find(again.user.id, statuses=publishing, limit=9).drafts) == 2
        work = Bench(again, bench_host(), tmp_path / "others")
        task = work.attempt()
        assert (task.status, task.attempt) == (Status.COMPLETED, 2)
        assert work.store.history(task.id)[2].detail == "the database was restored from a backup"
        published = again.drafts.find(again.user.id, statuses=[DraftStatus.PUBLISHED], limit=9)
        assert len(published.drafts) == len(ids)
    assert world.platform.edits == edits


class bench_host:  # noqa: N801 - stands where a server of pictures stands
    """Nobody is asked for a picture."""

    host = "127.0.0.1:9"


def test_a_wrong_key_changes_nothing(world: World, tmp_path: Path) -> None:
    """Neither restoring nor checking goes further than the key."""
    path = saved(world.database, tmp_path)
    before = everything(world.database)
    other = Box(Fernet.generate_key().decode())
    with pytest.raises(ConfigError, match="isn't the key"):
        restored(path, world.database, tmp_path / "others", box=other, overwrite=True)
    assert everything(world.database) == before
    assert not (tmp_path / "others").exists()
    rotated = Box(f"{Fernet.generate_key().decode()},{FERNET_KEY}")
    manifest, _ = making.check(path, rotated, nothing)
    assert manifest.migration == migrate.head()


def _flipped(at: float) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        place = int(at * (len(data) - 1))
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return change


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit in the middle": _flipped(0.5),
    "the last bit": _flipped(1),
    "cut off": lambda data: data[:-1],
    "cut off in its key": lambda data: data[:100],
    "cut off behind a chunk": lambda data: data[: len(_head(data)) + CHUNK_BYTES + 16],
    "a chunk left out": lambda data: _head(data) + data[len(_head(data)) + CHUNK_BYTES + 16 :],
    "nothing behind the key": lambda data: _head(data) + b"",
    "something behind the end": lambda data: data + b"more",
    "another file": lambda _: b"PK",
    "an empty file": lambda _: b"",
}


def _head(data: bytes) -> bytes:
    return b"".join(line + b"\n" for line in data.split(b"\n", 2)[:2])


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damaged_backup_changes_nothing(world: World, tmp_path: Path, damage: str) -> None:
    """Wherever it is damaged, that is seen before anything is replaced."""
    name = PictureStore(tmp_path / "pictures").put(secrets.token_bytes(3 * CHUNK_BYTES), "jpg")
    world.draft(make_post(1, ""))
    with world.database.begin() as connection:
        connection.execute(text("UPDATE pictures SET file = :name"), {"name": name})
    path = saved(world.database, tmp_path)
    making.check(path, BOX, nothing)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    before = everything(world.database)
    with pytest.raises(InvalidInput) as error:
        restored(path, world.database, tmp_path / "pictures", overwrite=True)
    assert str(error.value) in {DAMAGED, NO_BACKUP}
    assert everything(world.database) == before


def test_a_database_that_keeps_other_rows_than_it_is_given_is_found_out(
    world: World, tmp_path: Path
) -> None:
    """Rows are compared before they count; then all is as it was."""
    world.draft(make_post(1, ""))
    path = saved(world.database, tmp_path)
    before = everything(world.database)
    trigger = (
        "CREATE TRIGGER spoils AFTER INSERT ON draft_texts "
        "BEGIN UPDATE draft_texts SET text = 'Other words.' WHERE id = new.id; END"
    )
    with world.database.begin() as connection:
        connection.execute(text(trigger))
    try:
        with pytest.raises(AltwrightError, match="draft_texts"):
            restored(path, world.database, tmp_path / "pictures", overwrite=True)
    finally:
        with world.database.begin() as connection:
            connection.execute(text("DROP TRIGGER spoils"))
    assert everything(world.database) == before


def test_what_is_there_is_not_overwritten_unasked(world: World, tmp_path: Path) -> None:
    """Neither a database with users, nor one that somebody works on, nor a file."""
    path = saved(world.database, tmp_path)
    with pytest.raises(Conflict, match="--overwrite"):
        restored(path, world.database, tmp_path / "pictures")
    leases = Leases(world.database)
    assert leases.hold("dispatcher", "elsewhere.1.2.3", 60)
    with pytest.raises(Conflict, match=r"elsewhere\.1\.2\.3"):
        restored(path, world.database, tmp_path / "pictures", overwrite=True)
    leases.release(["dispatcher"], "elsewhere.1.2.3")
    restored(path, world.database, tmp_path / "pictures", overwrite=True)
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="is there already"):
        making.make(world.database, PictureStore(tmp_path), BOX, path, nothing)
    assert path.read_bytes() == before


def test_a_full_disk_leaves_nothing(world: World, tmp_path: Path) -> None:
    """No half of a file under any name, and no word from Python."""
    for number in range(3):
        name = PictureStore(tmp_path / "pictures").put(secrets.token_bytes(CHUNK_BYTES), "jpg")
        world.draft(make_post(number, ""))
        with world.database.begin() as connection:
            update = text("UPDATE pictures SET file = :name WHERE file = ''")
            connection.execute(update, {"name": name})
    before = sorted(tmp_path.iterdir())
    size = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * CHUNK_BYTES, size[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            saved(world.database, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, size)
    gc.collect()  # what a tar still has to say would be an error of its own
    assert sorted(tmp_path.iterdir()) == before


def of_older_version(request: pytest.FixtureRequest, kind: str, folder: Path) -> Path:
    """Return a backup of a database of a kind, as an older version had it, with one user."""
    with new_database(request, kind, folder) as engine:
        migrate.upgrade(engine, "0015")
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO users (username, password_hash, role, is_active, created_at) "
                    "VALUES ('Old', 'none:', 'user', '1', '2026-01-02 03:04:05.000006')"
                )
            )
        return saved(Database(engine), folder)


@pytest.mark.every_database
def test_an_older_version_s_backup_is_brought_up_to_date(
    world: World, elsewhere: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Into an empty database, and in the place of newer tables; a newer one's is refused."""
    path = of_older_version(request, world.database.engine.dialect.name, tmp_path)
    for target in (elsewhere, world.database):
        restored(path, target, tmp_path / "others", overwrite=True)
        assert migrate.tables(target.engine) is migrate.Tables.CURRENT
        assert [one.username for one in UserStore(target).all()] == ["Old"]
        assert UserStore(target).by_name("old") is not None
        assert UserStore(target).create("new", "correct horse").id > 1
    assert not (tmp_path / restoring.BESIDE).exists()


@pytest.mark.every_database
def test_a_restore_that_is_killed_leaves_what_was_there(
    world: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Whenever it is killed, also in the place of another version's tables; then it is done."""
    world.draft(make_post(1, ""))
    present = saved(world.database, tmp_path)
    world.draft(make_post(2, ""))
    before = everything(world.database)
    engine = world.database.engine
    older = of_older_version(request, engine.dialect.name, tmp_path)
    url = engine.url.render_as_string(hide_password=False)
    for path, moment in (
        (older, "empty"),
        (older, "filled"),
        (older, "commit"),
        (present, "commit"),
    ):
        words = ["-m", "tests.killed_restore", url, str(path), str(tmp_path), moment]
        done = subprocess.run([sys.executable, *words], cwd=ROOT, check=False)
        assert done.returncode == -signal.SIGKILL, moment
        assert everything(world.database) == before, moment
    restored(older, world.database, tmp_path / "others", overwrite=True)
    assert [one.username for one in UserStore(world.database).all()] == ["Old"]
    assert not (tmp_path / restoring.BESIDE).exists()


def test_files_that_are_gone_are_counted(world: World, tmp_path: Path) -> None:
    """A picture whose copy was deleted is no reason to have no backup."""
    world.draft(make_post(1, "", ""))
    store = PictureStore(tmp_path / "pictures")
    name = store.put(jpeg(), "jpg")
    gone = f"{'0' * 64}.jpg"
    with world.database.begin() as connection:
        connection.execute(
            text("UPDATE pictures SET file = :kept, thumbnail = :gone"),
            {"kept": name, "gone": gone},
        )
    _, totals = making.check(saved(world.database, tmp_path), BOX, nothing)
    assert (totals.pictures, totals.missing_pictures) == (1, 1)
