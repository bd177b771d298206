"""No traceback reaches a user of the command line, and no stranger's letters reach a terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from PIL import Image
from tests.support_leaves import serving
from tests.support_models import ModelServerDouble
from tests.support_service import Service

import altwright
from altwright import bootstrap, config
from altwright.accounts.connections import AccountStore
from altwright.db.tables import AccountRow

SENTENCE = "A black cat sleeps on a red chair."


def run(service: Service, line: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's line in which ``altwright`` is the command."""
    command = f'altwright() {{ "{sys.executable}" -m altwright "$@"; }}; {line}'
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=service.folder,
        env=service.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_whoever_has_read_enough_is_no_fault(tmp_path: Path) -> None:
    """A pipe that is closed early ends the command quietly."""
    done = run(Service(tmp_path), "altwright --help | true")
    assert done.stderr == ""


def test_a_fault_of_ours_is_one_line_and_more_on_request(tmp_path: Path) -> None:
    """What nobody foresaw is said to be ours; --debug and ALTWRIGHT_DEBUG show where."""
    service = Service(tmp_path)
    assert service.command("user", "list").returncode == 0
    database = tmp_path / "var" / "altwright.db"
    database.write_bytes(database.read_bytes()[:8192] + b"\xff" * 40_000)
    plain = service.command("user", "list")
    assert plain.returncode == 1
    assert plain.stderr.count("\n") == 1, plain.stderr
    assert "Traceback" not in plain.stderr
    assert "DATABASE_URL" in plain.stderr
    shown = service.command("--debug", "user", "list")
    assert "Traceback" in shown.stderr
    service.settings["ALTWRIGHT_DEBUG"] = "1"
    assert "Traceback" in service.command("user", "list").stderr


@pytest.mark.parametrize(
    ("typed", "near"),
    [("serv", "'serve'"), ("queue lst", "'list'"), ("queue list --jsn", "'--json'")],
)
def test_a_misspelt_word_is_told_what_it_is_near(typed: str, near: str, tmp_path: Path) -> None:
    """Commands, commands below them, and options."""
    done = Service(tmp_path).command(*typed.split())
    assert done.returncode == 2
    assert f"Did you mean {near}?" in done.stderr


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["task", "cancel", ""], "'' is none. A task id is a UUID like 3f2b8c1e-…."),
        (["task", "show", "../x"], "'../x' is none."),
        (["task", "requeue", "X" * 36], "`altwright task list` shows them."),
        (["workers", "limits", "--max", f"low={'9' * 20}"], "the number at most 1000."),
        (["workers", "limits", "--reserve", "low=-1"], "should be PRIORITY=NUMBER, as low=2,"),
        (["workers", "limits", "--max", f"low={'9' * 5000}"], "the number at most 1000."),
    ],
    ids=lambda one: " ".join(one)[:40],
)
def test_an_argument_that_can_be_none_is_said_to_be_so(
    typed: list[str], said: str, tmp_path: Path
) -> None:
    """With what it should be; a number isn't kept that no worker could count to."""
    done = Service(tmp_path).command(*typed)
    assert done.returncode in {1, 2}
    assert said in done.stderr


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """Output that finds no room is said in words."""
    done = run(Service(tmp_path), "altwright --version >/dev/full")
    assert done.returncode == 1
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr


#: A name that isn't UTF-8, as Python shows it.
UNNAMEABLE = os.fsdecode(b"caf\xe9.png")


@pytest.mark.parametrize("as_json", [False, True])
def test_one_file_that_fails_does_not_stop_the_others(
    as_json: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    """Each is described or named with its reason, and the exit code says so."""
    Image.effect_noise((200, 200), 80).convert("RGB").save(tmp_path / "good.png")
    for name in (UNNAMEABLE, "last.png"):
        shutil.copy(tmp_path / "good.png", tmp_path / name)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    double = ModelServerDouble("openai", SENTENCE)
    with serving(double.respond) as models:
        settings = {
            "PYTHONIOENCODING": "utf-8:strict",
            "DESCRIBER": "openai",
            "OPENAI_BASE_URL": f"{models.url}/v1",
            "OPENAI_MODEL": "eyes:7b",
        }
        files = ("good.png", UNNAMEABLE, "bad.png", "none.png", "last.png")
        options = ("--json",) if as_json else ()
        done = Service(tmp_path, settings).command("describe", *files, *options)
    assert done.returncode == 1
    for name in ("bad.png", "none.png"):
        assert f"{name}: " in done.stderr
    if as_json:
        rows = {row["file"]: row for row in map(json.loads, done.stdout.splitlines())}
        assert set(rows) == set(files)
        assert rows["last.png"]["text"] == SENTENCE
        assert rows["none.png"]["error"]
    else:
        good, strange, last = done.stdout.splitlines()
        assert [good, last] == [f"good.png: {SENTENCE}", f"last.png: {SENTENCE}"]
        assert strange.endswith(f": {SENTENCE}")


def test_what_is_no_file_of_a_picture_is_refused(tmp_path: Path) -> None:
    """A pipe is not waited for, a device not read for ever; nor is a huge file."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket.png"))
    listener.close()
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(8 * 1024**3)
    names = ("pipe.png", "folder.png", "socket.png", "/dev/zero", "huge.png")
    done = Service(tmp_path).command("describe", *names)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[:4] == [f"{name}: This isn't a regular file." for name in names[:4]]
    assert lines[4].startswith("huge.png: The file is larger than")
    assert len(lines) == 5


@pytest.mark.parametrize(("gone", "command"), [("click", "--version"), ("structlog", "user list")])
def test_a_missing_package_is_named(gone: str, command: str, tmp_path: Path) -> None:
    """With the command that brings it back; it is no fault of Altwright's."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in Path(click.__file__).parent.parent.iterdir():
        if not re.fullmatch(rf"{gone}(-[\d.]+\.dist-info)?", path.name):
            (packages / path.name).symlink_to(path)
    source = Path(altwright.__path__[0]).parent
    code = (
        f"import sys; sys.path[:0] = [{str(source)!r}, {str(packages)!r}]; "
        f"sys.argv[1:] = {command.split()!r}; from altwright.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=tmp_path,
        env=Service(tmp_path).environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    said = f"altwright: the Python package {gone} is missing; `make clean setup`"
    assert done.stderr.startswith(said), done.stderr
    assert done.stderr.count("\n") == 1


def test_a_demo_without_its_packages_says_how_to_get_them(tmp_path: Path) -> None:
    """Whoever runs the service without the demo's extra is told what installs it."""
    metadata = tmp_path / "altwright-0.0.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text(
        "Metadata-Version: 2.1\nName: altwright\nVersion: 0.0.0\nProvides-Extra: demo\n"
        'Requires-Dist: not-there ; extra == "demo"\nRequires-Dist: click\n'
    )
    service = Service(tmp_path, {"PYTHONPATH": str(tmp_path)})
    done = run(service, "altwright demo --check-only")
    assert done.returncode == 2
    assert "not-there missing" in done.stderr
    assert "make run" in done.stderr
    assert "altwright[demo]" in done.stderr


def test_a_token_can_be_had_as_json(tmp_path: Path) -> None:
    """As `user create` has it."""
    service = Service(tmp_path)
    service.json("user", "create", "ana", "--token")
    made = service.json("user", "token", "ana", "--name", "phone")
    assert made["token"].startswith("aw_")
    assert (made["username"], made["name"]) == ("ana", "phone")


def test_strangers_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """What a server sent is printed without what a terminal acts on."""
    service = Service(tmp_path)
    user = service.json("user", "create", "ana", "--token")["id"]
    services = bootstrap.build(config.load(DATA_DIR=tmp_path / "var"))
    try:
        with services.database.write() as session:
            token = services.box.encrypt("t")
            session.add(
                AccountRow(
                    user_id=user,
                    platform="mastodon",
                    url="https://a.example",
                    token=token,
                    remote_id="1",
                    acct="anna\x1b]0;owned\x07\x9b31m@a.example",
                )
            )
        assert isinstance(services.accounts, AccountStore)
    finally:
        services.close()
    done = service.command("account", "list", "--user", "ana")
    assert done.returncode == 0
    assert "anna" in done.stdout
    assert not set("\x1b\x07\x9b") & set(done.stdout)


def test_a_wrong_or_lost_key_is_an_error_at_the_start(tmp_path: Path) -> None:
    """Nothing is written under another key; what to do is said, also by `altwright check`."""
    service = Service(tmp_path)
    key = tmp_path / "var" / "encryption.key"
    service.json("user", "create", "ana", "--token")
    right = key.read_text()
    key.unlink()
    for words in (("user", "list"), ("serve",), ("worker",), ("check",)):
        lost = service.command(*words)
        assert lost.returncode == 2, words
        assert "encryption.key is missing" in " ".join((lost.stderr + lost.stdout).split())
        assert not key.exists()
    key.write_text(service.command("key").stdout.strip())
    for words in (("user", "list"), ("serve",), ("check",)):
        wrong = service.command(*words)
        assert wrong.returncode == 2, words
        assert "accept-key" in wrong.stderr + wrong.stdout
    both = Service(tmp_path, {"PLATFORM_ENCRYPTION_KEY": f"{key.read_text()},{right}"})
    assert both.command("user", "list").returncode == 0
    assert service.command("db", "accept-key", "--yes").returncode == 0
    assert service.command("user", "list").returncode == 0


def test_files_are_for_their_owner(tmp_path: Path) -> None:
    """Also in a folder that others may read, as systemd made it."""
    (tmp_path / "var").mkdir(mode=0o755)
    service = Service(tmp_path)
    assert service.command("user", "list").returncode == 0
    for path in (tmp_path / "var").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
