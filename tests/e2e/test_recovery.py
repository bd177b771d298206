"""UPGRADING.md and the page on recovery: each of their commands runs in the trouble it is for."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from tests.servers import postgresql, valkey
from tests.support import wait_until
from tests.support_pages import ROOT, command_of, commands_in
from tests.support_service import Service, running

from altwright.crypto import Box
from altwright.db import migrate

PAGES = ("UPGRADING.md", "docs/how-to/recovery.md")
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@dataclass
class Typed(Service):
    """Remembers which commands were run."""

    seen: set[str] = field(default_factory=set)

    def command(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        self.seen.add(command_of(shlex.join(["altwright", *arguments])))
        return super().command(*arguments, typed=typed)

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command that has to end with a code; return what it printed."""
        done = self.command(*arguments)
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def service(tmp_path: Path) -> Typed:
    """Return a service with a key of its own, Anna and an account that no server knows."""
    folder = tmp_path / "first"
    folder.mkdir()
    return Typed(folder, {"PLATFORM_ENCRYPTION_KEY": OLD})


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """Return a folder for backups."""
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def test_every_command_of_both_pages_helps(service: Typed, backups: Path, tmp_path: Path) -> None:
    """Upgrade and way back, a lost database, key, Redis and host, a full disk, a key rotated."""
    assert service.command("user", "create", "anna", typed="correct horse\n").returncode == 0
    with running(service, "serve"):
        path = _upgrade(service, backups)
        assert "stop that first" in service.run("restore", str(path), "--overwrite", code=2)
        _lose_redis(service)
        _fill_the_disk(service)
        _rotate(service)
    _go_back(service, backups)
    service.seen |= _lose_everything(path, tmp_path)
    service.seen |= _lose_the_key(path, tmp_path)
    for page in PAGES:
        assert set(map(command_of, commands_in(page))) - service.seen == set(), page


def _upgrade(service: Typed, backups: Path) -> Path:
    service.run("backup", str(backups))
    (path,) = backups.iterdir()
    service.run("backup", "--check", str(path))
    service.run("db", "status")
    service.run("db", "upgrade")
    assert "no logins" in service.run("db", "roles", code=2)  # SQLite's; test_logins has the others
    # No model is there, which is wrong and said to be.
    assert "DESCRIBER" in service.run("check", code=2)
    service.run("status")
    wait_until(lambda: "integrated" in service.run("workers", "list"))
    service.run("alert", "list")
    service.run("task", "errors")
    return path


def _lose_redis(service: Typed) -> None:
    with valkey() as other:
        service.run("redis", "use", other.url)
        service.run("redis", "use", "redis://127.0.0.1:9/0", "--force")
        service.run("redis", "reset")


def _fill_the_disk(service: Typed) -> None:
    service.run("settings", "set", "PICTURE_RETENTION_DAYS=7")
    service.run("task", "prune")
    service.run("settings", "reset", "PICTURE_RETENTION_DAYS")
    service.run("model", "list")


def _rotate(service: Typed) -> None:
    """Nothing is stopped; at the end the new key is enough.

    Run too early, with the old key still first, the command doesn't send that one away.
    """
    fresh = service.run("key").strip()
    old, new = Box(OLD).names[0], Box(fresh).names[0]
    service.settings["PLATFORM_ENCRYPTION_KEY"] = f"{OLD},{fresh}"
    early = service.run("db", "reencrypt")
    assert f"Under the first key, {old}: " in early
    assert f"The key behind it, {new}, can be taken away if" in early
    assert "If one of them is your new key, the order is wrong" in early
    service.settings["PLATFORM_ENCRYPTION_KEY"] = f"{fresh},{OLD}"
    assert f"{old}, may still encrypt" in service.run("db", "reencrypt")
    last = service.run("db", "reencrypt")
    assert f"Under the first key, {new}: " in last
    assert "just now: 0. Not under it: 0." in last
    assert f"The key behind it, {old}, can be taken away if" in last
    service.settings["PLATFORM_ENCRYPTION_KEY"] = fresh
    service.run("user", "list")


def _go_back(service: Typed, backups: Path) -> None:
    """Down to the migration that the page names, of a service that is stopped."""
    (line,) = re.findall(
        r"^altwright db downgrade .*$", (ROOT / PAGES[0]).read_text(), re.MULTILINE
    )
    before = service.run("user", "list")
    service.run("backup", str(backups / "before"))
    service.run("backup", "--check", *map(str, (backups / "before").iterdir()))
    assert "no migration 15;" in service.run("db", "downgrade", "15", "--yes", code=1)
    service.run(*shlex.split(line)[1:])
    assert "older than this program" in service.run("user", "list", code=2)
    service.run("db", "upgrade")
    assert service.run("user", "list") == before


def _lose_everything(path: Path, tmp_path: Path) -> set[str]:
    """A new host, with PostgreSQL in the place of SQLite; what is there isn't overwritten."""
    folder = tmp_path / "second"
    folder.mkdir()
    with postgresql() as url:
        host = Typed(folder, {"DATABASE_URL": url})
        assert "PLATFORM_ENCRYPTION_KEY: missing" in host.run("restore", str(path), code=2)
        host.settings["PLATFORM_ENCRYPTION_KEY"] = NEW
        assert "isn't the key" in host.run("restore", str(path), code=2)
        assert not (folder / "var/encryption.key").exists()
        host.settings["PLATFORM_ENCRYPTION_KEY"] = OLD
        host.run("restore", str(path))
        assert "--overwrite" in host.run("restore", str(path), code=1)
        assert "anna" in host.run("user", "list")
        kept = ROOT / "var/models"
        if kept.exists():  # what `make test` has got; else they are fetched
            shutil.copytree(kept, folder / "var/models")
        host.run("models")
    return host.seen


def _lose_the_key(path: Path, tmp_path: Path) -> set[str]:
    """The database is there, and nobody has its key any more."""
    folder = tmp_path / "third"
    folder.mkdir()
    host = Typed(folder, {"PLATFORM_ENCRYPTION_KEY": OLD})
    host.run("restore", str(path))
    host.settings["PLATFORM_ENCRYPTION_KEY"] = NEW
    assert "isn't the key" in host.run("user", "list", code=2)
    host.run("db", "accept-key", "--yes")
    assert "anna" in host.run("user", "list")
    # Unless the backup was faster than the service's first task, whose settings are encrypted.
    done = host.command("db", "reencrypt")
    assert done.returncode == ("No key that is given opens: settings of task" in done.stdout)
    return host.seen


def test_the_way_back_says_what_each_migration_costs() -> None:
    """All but the first, which made the tables."""
    told = re.findall(r"^\| (\d{4}) \|", (ROOT / PAGES[0]).read_text(), re.MULTILINE)
    versions = ROOT / "src/altwright/db/migrations/versions"
    names = sorted(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))
    assert told == names[:0:-1]
    assert told[0] == migrate.head()
