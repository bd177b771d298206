"""Log lines: readable, or JSON for machines, and without secrets in either shape."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from altwright import log_words, telemetry


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    yield
    threading.excepthook = hook
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.req("11.6", "written to logs")
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("at redis://:sesame@db:6379/0", "at redis://:***@db:6379/0"),
        ("at postgresql://anna:sesame@db/x", "at postgresql://anna:***@db/x"),
        ("Authorization: Bearer sesame.open", "Authorization: Bearer ***"),
        (f"token aw_{'x' * 43} used", "token *** used"),
        (f"POST /password/gAAAAAB{'x-_' * 40}==: 400", "POST /password/***: 400"),
        ("at redis://:se/sa#m?e@x@db:6379/0", "at redis://:***@db:6379/0"),
        (
            "r+sentinel://a,b/m?sentinel_password=x&b=1",
            "r+sentinel://a,b/m?sentinel_password=***&b=1",
        ),
        ("redis://db/0?password=sesame", "redis://db/0?password=***"),
        ("see http://127.0.0.1:8089/@robin", None),
        ("should be postgresql://user:password@host/name", None),
        ("mail anna@example.org about https://a.example/b", None),
    ],
)
def test_secrets_are_blotted_out(line: str, shown: str | None) -> None:
    """Passwords in addresses and bearer tokens never reach a log; the rest stays."""
    assert telemetry.redact(line) == (shown or line)


@pytest.mark.req("11.6", "written to logs")
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("can't open /home/anna/var/altwright.db: full", "can't open [path]: full"),
        ("at sqlite:////srv/altwright.db, /tmp.", "at sqlite:///[path], [path]."),
        (
            """Ended:
Traceback (most recent call last):
  File "/srv/a.py", line 3, in f
    x = 1
    ^^^^
KeyError: 1
Current thread 0x12 (most recent call first):
  File "/srv/a.py", line 3 in f""",
            "Ended:\nKeyError: 1\n",
        ),
        (
            "at http://10.0.0.3:8080/v1, ::1 and 192.168.1.9",
            "at http://[host]:8080/v1, [host] and [host]",
        ),
        (
            "at redis://x@db:6379 and http://ollama.internal/",
            "at redis://x@[host]:6379 and http://[host]/",
        ),
        ("POST /api/v1/tasks of https://social.example/home/anna", None),
        ("HOST=0.0.0.0, version 1.2.3.4 at 10:20:30.456, and/or 8.8.8.8", None),
    ],
)
def test_paths_and_addresses_of_private_hosts_are_masked(words: str, shown: str | None) -> None:
    """Where files are and what hosts of one's own are called is no line's; the rest is said."""
    assert log_words.masked(words) == (shown or words)


def fail() -> None:
    """Raise what somebody's library might, with everything in it that no log may have."""
    try:
        Path("/nowhere/sesame").read_bytes()
    except OSError as error:
        raise ValueError("/home/anna at 10.0.0.3 has sesame") from error


@pytest.mark.req("11.6", "written to logs")
@pytest.mark.parametrize("shape", ["json", "console"])
def test_an_exception_is_its_class_and_its_places(
    shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what was raised where, and because of what; no message, path or stack."""
    telemetry.configure("INFO", shape)
    try:
        fail()
    except ValueError:
        logging.getLogger("altwright.test").exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    here = re.escape(__name__)
    places = rf"ValueError at {here}:\d+ < {here}:\d+; because of FileNotFoundError \(No such file"
    assert re.search(places, line)
    assert not re.search(r"sesame|/home|10\.0\.0\.3|Traceback|\.py", line)
    if shape == "json":
        entry = json.loads(line)
        assert (entry["event"], entry["level"]) == ("it failed", "error")
        assert entry["logger"] == "altwright.test"


def test_whoever_wants_to_debug_gets_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """LOG_LEVEL=DEBUG shows what an engineer needs; keys and tokens are never shown."""
    telemetry.configure("DEBUG", "json", ["correct-horse", "short"])
    try:
        int("correct-horse redis://:sesame@db")
    except ValueError:
        logging.getLogger("altwright.test").exception("it failed shortly")
    line = capsys.readouterr().err
    assert "Traceback" in json.loads(line)["exception"]
    assert "it failed shortly" in line
    assert not re.search("sesame|correct-horse", line)


def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the level nothing is printed; a terminal's colours are for terminals only."""
    telemetry.configure("WARNING", "console")
    logging.getLogger("altwright.test").info("quiet")
    logging.getLogger("altwright.test").warning("loud %s", 3)
    printed = capsys.readouterr().err
    assert "quiet" not in printed
    assert "loud 3" in printed
    assert "\x1b" not in printed


def test_a_worker_loads_nothing_for_terminals() -> None:
    """What prints tables and coloured tracebacks is 5 MB of each process."""
    code = (
        "import sys, altwright.cli.workers, altwright.web.services, altwright.error_reports;"
        "print([name for name in ('rich', 'pygments') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
