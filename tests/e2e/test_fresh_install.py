"""README's commands in an empty folder, as typed; and every other command there."""

from __future__ import annotations

import fcntl
import os
import re
import select
import shutil
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support import wait_until
from tests.support_leaves import TOKEN, MastodonServer, mastodon_server
from tests.support_offline import MODELS
from tests.support_service import Service, running

from altwright.db import migrate
from altwright.db.session import make_engine
from altwright.describers.offline.weights import fetch

ROOT = Path(__file__).parent.parent.parent
PASSWORD = "a long pass phrase"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder with the environment that `make setup` makes."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def mastodon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MastodonServer]:
    """Run a pretend Mastodon server."""
    with mastodon_server(tmp_path_factory.mktemp("mastodon")) as server:
        yield server


def commands() -> tuple[str, list[str]]:
    """Return what README's "Use it for real" has typed first, and the commands after it."""
    text = (ROOT / "README.md").read_text().partition("## Use it for real")[2].partition("##")[0]
    lines = re.findall(r"^(?:export|make|\.venv).*", text, re.MULTILINE)
    first, *others = (line.partition("    #")[0].strip() for line in lines)
    return first, others


class Person:
    """Types command lines into a terminal."""

    def __init__(self, service: Service) -> None:
        """Sit down in a service's folder."""
        self.service = service

    def types(self, line: str, *answers: str) -> str:
        """Type a line, and an answer to each question; return what was shown."""
        master, terminal = os.openpty()
        process = subprocess.Popen(
            ["/bin/sh", "-c", line],
            cwd=self.service.folder,
            env=self.service.environment(),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - a system call
        )
        os.close(terminal)
        shown, left = b"", list(answers)
        try:
            while select.select([master], [], [], 60)[0]:
                try:
                    part = os.read(master, 10_000)
                except OSError:  # it has ended
                    break
                shown += part
                # The blank comes last, when what was typed before has been thrown away.
                if left and shown.endswith(b": "):
                    os.write(master, f"{left.pop(0)}\n".encode())
                    shown += b"\n"
        finally:
            os.close(master)  # which hangs up on a process that is still there
            code = process.wait(60)
        text = shown.decode()
        assert code == 0, text
        assert "Traceback" not in text
        return text


def test_the_readme_as_typed(folder: Path, mastodon: MastodonServer) -> None:
    """From nothing to a connected account; models that can't be had keep nothing from starting."""
    _, (setup, create, serve, add) = commands()
    assert setup == "make setup"
    settings = {"ALLOWED_PRIVATE_HOSTS": urlsplit(mastodon.url).netloc, "PIP_NO_INDEX": "1"}
    service = Service(folder, settings)
    person = Person(service)
    person.types(create.replace("NAME", "ana"), PASSWORD, PASSWORD)
    with (folder / "out.log").open("w") as output:
        service.process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {serve}"],
            cwd=folder,
            env={**service.environment(), "OFFLINE_DOWNLOAD": "true"},
            stdout=output,
            stderr=output,
            text=True,
        )
    try:
        wait_until(lambda: "Ctrl-C" in service.log, 120)
        assert "user create" not in service.log  # there is one
        hint = re.search(r"second terminal.*\n\s*export (.*)\n\s*(.*)", service.log)
        assert hint is not None
        assert hint[1] == f"DATA_DIR={folder}/var"
        assert hint[2] == add
        assert service.answers()
        wait_until(lambda: "models could not be had" in service.log, 60)
        typed = add.replace("NAME", "ana").replace("https://your.server", mastodon.url)
        shown = person.types(typed, TOKEN)
        assert "ada@" in shown
        assert TOKEN not in shown
        assert service.answers()
    finally:
        service.stop()
    assert "Traceback" not in service.log


def test_the_readme_keeps_the_demo_apart(folder: Path) -> None:
    """What is typed first holds for every command after it in that terminal."""
    first, (_, create, *_) = commands()
    service = Service(folder)
    Person(service).types(f"{first}; {create.replace('NAME', 'ana')}", PASSWORD, PASSWORD)
    shown = Person(service).types(f"{first}; .venv/bin/altwright check || true")
    assert "http://127.0.0.1:8090" in shown
    assert (folder / "real" / "altwright.db").exists()
    assert not (folder / "var").exists()


#: A pip that is still at it when others begin to work, and then comes to nothing.
SLOW_PIP = """
from pathlib import Path
from tests.support import wait_until
wait_until(Path("end").exists, 600)
raise SystemExit(1)
"""


def test_runs_wait_for_the_models(folder: Path, mastodon: MastodonServer) -> None:
    """Begun while they are fetched, a run says so, waits, and goes on when they are there."""
    (folder / "pip").mkdir()
    (folder / "pip" / "__init__.py").write_text("")
    (folder / "pip" / "__main__.py").write_text(SLOW_PIP)
    settings = {
        "ALLOWED_PRIVATE_HOSTS": urlsplit(mastodon.url).netloc,
        "OFFLINE_DOWNLOAD": "true",
        "PYTHONPATH": f"{folder}:{ROOT}",
    }
    mastodon.post("My cat.", [mastodon.upload()])
    with running(Service(folder, settings), "serve") as service:
        service.command("user", "create", "ana", "--token")
        service.json("account", "add", "--user", "ana", "--url", mastodon.url, "--token", TOKEN)
        task = service.json("task", "submit", "--user", "ana")["id"]

        def shown() -> dict[str, Any]:
            found: dict[str, Any] = service.json("task", "show", task)
            return found

        wait_until(lambda: "models are being downloaded" in str(shown()), 180)
        assert shown()["status"] == "queued"
        fetch.ensure(MODELS, print)
        shutil.copytree(MODELS, folder / "var" / "models", dirs_exist_ok=True)
        (folder / "end").write_text("")
        wait_until(lambda: shown()["status"] == "completed", 180)
        events = {one["event"] for one in shown()["history"]}
        assert events == {"queued", "claimed", "waiting", "completed"}
        assert service.json("alert", "list") == []


LISTS = (
    ("user", "list"),
    ("task", "list"),
    ("task", "dead"),
    ("task", "repair"),
    ("task", "prune"),
    ("workers", "list"),
    ("workers", "limits"),
    ("alert", "list"),
    ("queue", "list"),
    ("audit",),
    ("redis", "show"),
    ("status",),
)


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_command_comes_first(words: tuple[str, ...], tmp_path: Path) -> None:
    """Whichever command is the first in an empty folder makes what it needs, and logs nothing."""
    service = Service(tmp_path)
    done = service.command(*words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("made_by", ["older", "newer"])
def test_a_database_of_another_version_is_named(made_by: str, tmp_path: Path) -> None:
    """Other processes may be at work on it, so one command is said, and nothing is changed."""
    service = Service(tmp_path)
    engine = make_engine(f"sqlite:///{tmp_path}/var/altwright.db")
    migrate.upgrade(engine, "0001")
    with engine.connect() as connection:
        if made_by == "newer":
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for words in (("user", "list"), ("worker",)):
        refused = service.command(*words)
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1, refused.stderr
    if made_by == "newer":
        assert "newer Altwright" in refused.stderr
        status = service.command("db", "status")
        assert (status.returncode, status.stderr) == (2, refused.stderr)
        assert service.command("db", "upgrade").returncode == 2
    else:
        assert "`altwright db upgrade`" in refused.stderr
        status = service.command("db", "status")
        assert status.returncode == 1
        assert "`altwright db upgrade`" in status.stdout
        assert service.command("db", "upgrade").returncode == 0
        assert service.command("user", "list").returncode == 0
    engine.dispose()
