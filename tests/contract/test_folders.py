"""DATA_DIR and the database's folder: a fault reads the same whichever command meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.servers import RedisServer
from tests.support_service import Service, findings_of
from tests.support_web import make_settings, make_web

from altwright.db.session import Database, NotWritable, make_engine

COMMANDS = (
    "serve",
    "demo --check-only",
    "worker",
    "db upgrade",
    "db status",
    "models",
    "user create anna --token",
    "account add --user anna --url https://a.example --token t",
    "describe picture.png",
)
#: Takes from root what lets it use everybody's files.
WITHOUT_RIGHTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return an empty folder; what is mounted in it goes at the end."""
    yield tmp_path
    for one in tmp_path.iterdir():
        if os.path.ismount(one):
            subprocess.run(["umount", one], check=True)


def disk(path: Path, options: str) -> None:
    """Mount a small disk, or skip the test where that isn't allowed."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(path)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("disks can be mounted by root only")


def unusable(service: Service, cause: str) -> tuple[Path, str]:
    """Make a folder that can't be used, and return it with the words that say so."""
    path = service.folder / "data"
    match cause:
        case "a file":
            path.write_text("")
            return path, "is a file; name a folder"
        case "below a file":
            path.write_text("")
            return path / "var", "is a file; name a folder"
        case "misspelt above":
            return path / "var", "the folder above it is missing; make that first"
        case "of somebody else":
            path.mkdir(mode=0o500)
            if os.getuid() == 0:
                os.chown(path, NOBODY, NOBODY)
                service.prefix = WITHOUT_RIGHTS
            return path, "this user may not use it"
        case "read-only":
            disk(path, "ro")
            return path, "it is read-only"
        case "full":
            disk(path, "size=256k")
            return path, "the disk is full; make room"
    raise AssertionError(cause)


CAUSES = ("a file", "below a file", "misspelt above", "of somebody else", "read-only", "full")


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize("cause", CAUSES)
def test_a_folder_that_cannot_be_used_reads_the_same_everywhere(cause: str, folder: Path) -> None:
    """One sentence with what to do, in every command; nothing is made beside it."""
    service = Service(folder)
    path, words = unusable(service, cause)
    service.settings = {"DATA_DIR": str(path), "PIP_NO_INDEX": "1"}
    before = sorted(folder.rglob("*"))
    sentence = f"DATA_DIR: {path} can't be used: "
    # Without rights each command is a program of its own, which takes a second to begin.
    for command in COMMANDS[:3] if service.prefix else COMMANDS:
        done = service.command(*command.split())
        assert done.returncode == 2, (command, done.stderr)
        assert done.stderr.startswith(f"altwright: {sentence}"), (command, done.stderr)
        assert words in done.stderr, (command, done.stderr)
        assert done.stderr.count("\n") == 1, (command, done.stderr)
    said = done.stderr.removeprefix("altwright: ").strip()
    findings = findings_of(service)
    for what in ("DATA_DIR", "keys", "DATABASE_URL"):
        assert (findings[what]["ok"], findings[what]["found"]) == (False, said)
    assert sorted(folder.rglob("*")) == before


def test_a_service_that_cannot_write_its_database_is_not_ready(
    folder: Path, valkey: RedisServer
) -> None:
    """Its disk is full, then read-only: the answer says so; with room again it is ready."""
    data = folder / "data"
    disk(data, "size=16m")
    web = make_web(make_settings(data, valkey.url))
    asked = web.anonymous()

    def state() -> tuple[int, str, str]:
        answer = asked.get("/readyz")
        shown = answer.get_json()
        return answer.status_code, shown["database"], shown.get("reason", "")

    try:
        assert state() == (200, "up", "")
        with suppress(OSError), (data / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        full = "The database can't be written: the disk is full; make room."
        assert state() == (503, "not writable", full)
        assert asked.get("/healthz").status_code == 200
        (data / "filler").unlink()
        assert state() == (200, "up", "")
        web.services.database.close()
        subprocess.run(["mount", "-o", "remount,ro", data], check=True)
        code, database, reason = state()
        assert (code, database) == (503, "not writable")
        assert "read-only" in reason
    finally:
        web.services.health.client.close()
        web.services.database.close()


@pytest.mark.every_database
def test_a_database_that_takes_changes_says_so(database: Database) -> None:
    """As the service's own does on each kind."""
    database.check_writable()


#: Opens the database named as its argument, reads, and closes it.
READS = """
import contextlib, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1])) as connection:
    connection.execute("PRAGMA user_version")
"""


def test_the_check_gives_up_no_lock(database: Database) -> None:
    """Who closes a database last removes its log; a process that has it open isn't overlooked."""
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE some (one INTEGER)"))
        connection.execute(text("DROP TABLE some"))
    file = database.engine.url.database or ""
    log = Path(f"{file}-wal")
    before = log.stat().st_ino
    database.check_writable()
    subprocess.run([sys.executable, "-c", READS, file], check=True)
    assert log.exists()
    assert log.stat().st_ino == before


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_server_that_takes_no_changes_is_told_from_one_that_is_away(database: Database) -> None:
    """As a replica is, or a server after its operator's ALTER SYSTEM."""
    engine = make_engine(
        database.engine.url.update_query_dict(
            {"options": "-c default_transaction_read_only=on"}
        ).render_as_string(hide_password=False)
    )
    with pytest.raises(NotWritable, match="read-only"):
        Database(engine).check_writable()
    engine.dispose()


def test_check_makes_nothing(tmp_path: Path) -> None:
    """Neither folders of a misspelt path, nor a database, nor a key."""
    (tmp_path / "here").mkdir()
    for url, ok in (
        ("", True),
        (f"sqlite:///{tmp_path}/here/a.db", True),
        (f"sqlite:///{tmp_path}/hree/below/a.db", False),
    ):
        findings = findings_of(Service(tmp_path, {"DATABASE_URL": url}))
        assert findings["DATA_DIR"]["ok"]
        assert findings["keys"]["found"] == "made in DATA_DIR at the start"
        assert findings["DATABASE_URL"]["ok"] is ok, findings
    assert "the folder above it is missing" in findings["DATABASE_URL"]["found"]
    assert findings["DATABASE_URL"]["found"].startswith("DATABASE_URL: ")
    assert [one.name for one in tmp_path.rglob("*")] == ["here"]


def test_a_misspelt_path_of_the_database_is_named(tmp_path: Path) -> None:
    """By a command that would make the database there."""
    url = f"sqlite:///{tmp_path}/hree/below/a.db"
    done = Service(tmp_path, {"DATABASE_URL": url}).command("user", "list")
    assert done.returncode == 2
    assert done.stderr.startswith(f"altwright: DATABASE_URL: {tmp_path}/hree/below can't be used")
    assert not (tmp_path / "hree").exists()
