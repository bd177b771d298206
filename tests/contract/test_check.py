"""`altwright check` and wrong settings: each is named with what it should be, exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support import free_port
from tests.support_service import Service

WRONG = {
    "an unknown database": (
        {"DATABASE_URL": "oracle://somewhere/x"},
        ["DATABASE_URL", "postgresql://user:password@host/name"],
    ),
    "no address at all": ({"REDIS_URL": "localhost:6379"}, ["REDIS_URL", "redis://host:6379/0"]),
    "an unknown mode": ({"WORKER_MODE": "threads"}, ["WORKER_MODE", "'integrated'", "'hybrid'"]),
    "a number out of range": ({"RQ_WORKER_COUNT": "0"}, ["RQ_WORKER_COUNT", "greater than"]),
    "no number": ({"PORT": "http"}, ["PORT", "integer"]),
    "a wrong key": ({"PLATFORM_ENCRYPTION_KEY": "secret"}, ["PLATFORM_ENCRYPTION_KEY", "44"]),
    "missing keys": (
        {"ALTWRIGHT_PROFILE": "production"},
        ["FLASK_SECRET_KEY", "PLATFORM_ENCRYPTION_KEY", "missing"],
    ),
    "a describer without address": (
        {"DESCRIBER": "openai"},
        ["OPENAI_BASE_URL", "OPENAI_MODEL", "missing"],
    ),
}


@pytest.mark.req("8.1")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_named_with_what_it_should_be(case: str, tmp_path: Path) -> None:
    """Every kind of wrong setting ends the command with 2 and a line that helps."""
    settings, words = WRONG[case]
    done = Service(tmp_path, settings).command("check")
    assert done.returncode == 2, done.stdout
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.req("8.1")
def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    """Nobody has to fix settings one start at a time."""
    settings = {"WORKER_MODE": "x", "PORT": "y", "REDIS_URL": "z", "DATABASE_URL": "a:b"}
    done = Service(tmp_path, settings).command("serve")
    assert done.returncode == 2
    assert all(name in done.stderr for name in settings), done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://someone:sesame@127.0.0.1:{port}/nothing"),
        ("DATABASE_URL", "mysql+pymysql://someone:sesame@127.0.0.1:{port}/nothing"),
        ("REDIS_URL", "redis://:sesame@127.0.0.1:{port}/0"),
        ("OLLAMA_URL", "http://127.0.0.1:{port}"),
    ],
)
def test_a_server_that_does_not_answer_is_named(name: str, value: str, tmp_path: Path) -> None:
    """What is configured and can't be reached is said, without its password; exit code 2."""
    settings = {name: value.format(port=free_port())}
    if name == "OLLAMA_URL":
        settings["DESCRIBER"] = "ollama"
    done = Service(tmp_path, settings).command("check")
    assert done.returncode == 2, done.stdout
    wrong = " ".join(line for line in done.stdout.splitlines() if "WRONG" in line)
    assert ("DESCRIBER" if name == "OLLAMA_URL" else name) in wrong, done.stdout
    assert "sesame" not in done.stdout + done.stderr


def test_without_models_the_offline_describer_says_how_to_get_them(tmp_path: Path) -> None:
    """The default describer's weights are missing: the command that gets them is named."""
    done = Service(tmp_path).command("check")
    assert done.returncode == 2
    assert "altwright models" in done.stdout


def test_what_is_well_is_said_too(tmp_path: Path) -> None:
    """Each part is listed with what it is."""
    service = Service(tmp_path, {"REDIS_URL": "", "RQ_WORKER_COUNT": "3"})
    findings = {row["what"]: row for row in _findings(service)}
    assert findings["DATABASE_URL"]["ok"]
    assert "embedded Valkey" in findings["REDIS_URL"]["found"]
    assert "3 workers, integrated" in findings["profile"]["found"]


def _findings(service: Service) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(service.command("check", "--json").stdout)
    return found
