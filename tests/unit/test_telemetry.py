"""Log lines: readable, or JSON for machines, and without secrets in either shape."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from altwright import telemetry


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
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


def test_json_lines_carry_level_logger_and_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is one object, also with an exception, and is redacted as well."""
    telemetry.configure("INFO", "json")
    try:
        int("redis://:sesame@db is away")
    except ValueError:
        logging.getLogger("altwright.test").exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["logger"]) == (
        "it failed",
        "error",
        "altwright.test",
    )
    assert "ValueError" in entry["exception"]
    assert "sesame" not in line


def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the level nothing is printed; a terminal's colours are for terminals only."""
    telemetry.configure("WARNING", "console")
    logging.getLogger("altwright.test").info("quiet")
    logging.getLogger("altwright.test").warning("loud %s", 3)
    printed = capsys.readouterr().err
    assert "quiet" not in printed
    assert "loud 3" in printed
    assert "\x1b" not in printed
