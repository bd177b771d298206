"""UPGRADING.md and the page on recovery: each of their commands runs in the trouble it is for."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
from cryptography.fernet import Fernet
from tests.servers import postgresql, valkey
from tests.support import wait_until
from tests.support_service import Service, running

from altwright.cli.main import altwright
from altwright.db import migrate

ROOT = Path(__file__).parents[2]
PAGES = ("UPGRADING.md", "docs/how-to/recovery.md")
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def command_of(line: str) -> str:
    """Return the words of a line that are commands, without what they are given."""
    words, named = shlex.split(line)[1:], list[str]()
    command: click.Command = altwright
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, line
        named.append(words.pop(0))
        command = found
    options = sorted(word for word in words if word.startswith("--"))
    return " ".join([*named, *options])


def named_in(page: str) -> set[str]:
    """Return the commands in a page's blocks."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    return {command_of(line.strip()) for block in blocks for line in block.splitlines()}


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
        assert named_in(page) - service.seen == set(), page


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
    """Nothing is stopped; at the end the new key is enough."""
    fresh = service.run("key").strip()
    service.settings["PLATFORM_ENCRYPTION_KEY"] = f"{fresh},{OLD}"
    assert "once more" in service.run("db", "reencrypt")
    assert "Old keys can be taken away" in service.run("db", "reencrypt")
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
