"""`altwright check` and wrong settings: each is named with what it should be, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from tests.support import free_port
from tests.support_service import Service, findings_of, running

WRONG = {
    "an unknown database": (
        {"DATABASE_URL": "oracle://somewhere/x"},
        ["DATABASE_URL", "postgresql://user:password@host/name"],
    ),
    "no address at all": ({"REDIS_URL": "localhost:6379"}, ["REDIS_URL", "redis://host:6379/0"]),
    "an unknown mode": ({"WORKER_MODE": "threads"}, ["WORKER_MODE", "'integrated'", "'hybrid'"]),
    "a number out of range": (
        {"RQ_WORKER_COUNT": "0"},
        ["RQ_WORKER_COUNT", "should be 1 or more (it is '0')"],
    ),
    "no number": ({"PORT": "http"}, ["PORT", "should be a whole number"]),
    "a wrong key": ({"PLATFORM_ENCRYPTION_KEY": "secret"}, ["PLATFORM_ENCRYPTION_KEY", "44"]),
    "a short token": ({"METRICS_TOKEN": "sesame"}, ["METRICS_TOKEN", "16 or more"]),
    "a network that is none": ({"METRICS_NETWORKS": "10.0.0.1/8"}, ["10.0.0.1/8", "10.1.0.0/16"]),
    "missing keys": (
        {"ALTWRIGHT_PROFILE": "production"},
        ["FLASK_SECRET_KEY", "PLATFORM_ENCRYPTION_KEY", "missing"],
    ),
    "a port in words": ({"REDIS_URL": "redis://h:port"}, ["REDIS_URL", "port"]),
    "a port that there isn't": ({"REDIS_URL": "redis://h:70000"}, ["REDIS_URL", "65535"]),
    "an option of another program": (
        {"DATABASE_URL": "postgresql://a:sesame@h/d?nonsense=1"},
        ["DATABASE_URL", "option"],
    ),
    "a password with an @ before a /": (
        {"DATABASE_URL": "postgresql://u:p@sesame/w#rd@127.0.0.1:1/x"},
        ["DATABASE_URL", "%2F"],
    ),
    "an option of a file": ({"DATABASE_URL": "sqlite:///a?nonsense=1"}, ["DATABASE_URL", "option"]),
    "a mail server's port in words": ({"SMTP_URL": "smtp://mail:port"}, ["SMTP_URL", "port"]),
    "a model server's port in words": (
        {"OLLAMA_URL": "http://u:sesame/@h:port", "DESCRIBER": "ollama"},
        ["OLLAMA_URL", "%2F"],
    ),
    "a password in a mail server's address": (
        {"SMTP_URL": "smtp://u:ses#ame@mail:25"},
        ["SMTP_URL", "%23"],
    ),
    "a key in typographic quotation marks": (
        {"OPENAI_API_KEY": "“sesame”"},
        ["OPENAI_API_KEY", "typographic quotation mark"],
    ),
    "a key with a character that isn't seen": (
        {"OPENAI_API_KEY": "sesa\u200bme"},
        ["OPENAI_API_KEY", "isn't seen"],
    ),
    "a key in two lines": ({"OPENAI_API_KEY": "sesame\nsesame"}, ["OPENAI_API_KEY", "line break"]),
    "a describer without address": (
        {"DESCRIBER": "openai"},
        ["OPENAI_BASE_URL", "OPENAI_MODEL", "missing"],
    ),
}


@pytest.mark.req("8.1", "environment and .env")
@pytest.mark.req("8.1", "validated and named")
@pytest.mark.req("8.3", "profiles")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_named_with_what_it_should_be(case: str, tmp_path: Path) -> None:
    """Every kind of wrong setting ends the command with 2 and a line that helps."""
    settings, words = WRONG[case]
    done = Service(tmp_path, settings).command("check")
    assert done.returncode == 2, done.stdout
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert not any(part in done.stderr for part in ("sesame", "ses#", "ame@"))


@pytest.mark.req("8.1", "environment and .env")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_settings_may_come_from_windows(encoding: str, tmp_path: Path) -> None:
    """PowerShell writes UTF-16, Notepad a mark; both are read."""
    service = Service(tmp_path)
    (tmp_path / ".env").write_text("RQ_WORKER_COUNT=7\nHOST=\n", encoding=encoding)
    findings = findings_of(service)
    assert "7 workers" in findings["profile"]["found"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("A=1\nNAME=Zoé".encode("latin-1"), "line 2 isn't UTF-8"),
        ("PORT=1".encode("utf-16-le"), "isn't plain text"),
    ],
)
def test_a_file_of_settings_that_cannot_be_read_is_named(
    data: bytes, words: str, tmp_path: Path
) -> None:
    """With what to do about it."""
    (tmp_path / ".env").write_bytes(data)
    done = Service(tmp_path).command("user", "list")
    assert done.returncode == 2
    assert words in done.stderr
    assert "save" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["a?b#c%25d e", "ä/'\"", "x" * 120])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Its database lies in it, and the embedded Valkey is found; a long name is no fault."""
    folder = tmp_path / name
    folder.parent.mkdir(exist_ok=True)
    service = Service(tmp_path, {"DATA_DIR": str(folder)})
    with running(service, "serve"):
        assert service.answers()
        state = requests.get(f"{service.url}/readyz", timeout=20).json()
        assert (state["redis"], state["database"]) == ("healthy", "up")
    assert (folder / "altwright.db").exists()
    assert {one.name for one in tmp_path.iterdir()} == {Path(name).parts[0], "out.log"}


@pytest.mark.parametrize("path", ["/proc/altwright", "/dev/null/x", "x" * 300])
@pytest.mark.parametrize("command", ["serve", "user list"])
def test_a_folder_that_cannot_be_had_is_named(path: str, command: str, tmp_path: Path) -> None:
    """In a line, not in a traceback."""
    done = Service(tmp_path, {"DATA_DIR": path}).command(*command.split())
    assert done.returncode in {1, 2}
    assert "DATA_DIR" in done.stderr or path in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.req("8.1", "validated and named")
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
    """Nothing is wrong while a start gets them; else the command that gets them is named."""
    done = Service(tmp_path, {"OFFLINE_DOWNLOAD": "true"}).command("check")
    assert done.returncode == 0, done.stdout
    assert "`altwright serve` downloads its models (25 MB) when it starts" in done.stdout
    done = Service(tmp_path, {"OFFLINE_DOWNLOAD": "false"}).command("check")
    assert done.returncode == 2
    assert "altwright models" in done.stdout


def test_what_is_well_is_said_too(tmp_path: Path) -> None:
    """Each part is listed with what it is."""
    service = Service(tmp_path, {"REDIS_URL": "", "RQ_WORKER_COUNT": "3"})
    findings = findings_of(service)
    assert findings["DATABASE_URL"]["ok"]
    assert "embedded Valkey" in findings["REDIS_URL"]["found"]
    assert "3 workers, integrated" in findings["profile"]["found"]


def test_one_of_a_kind_is_not_several(tmp_path: Path) -> None:
    """Nouns follow their number."""
    findings = findings_of(Service(tmp_path, {"RQ_WORKER_COUNT": "1"}))
    assert "; 1 worker, integrated" in findings["profile"]["found"]
    assert findings["connections"]["found"].startswith("1 process with up to 22 database connect")


def test_what_is_wrong_comes_with_what_to_do(tmp_path: Path) -> None:
    """A database and a Redis that are away, a describer that isn't there, a misspelt name."""
    settings = {
        "DATABASE_URL": f"postgresql://a:b@127.0.0.1:{free_port()}/x",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "DESCRIBER": "ollama",
        "OLLAMA_URL": f"http://127.0.0.1:{free_port()}",
        "RQ_WORKER_COUNTS": "3",
    }
    findings = findings_of(Service(tmp_path, settings))
    wrong = {what for what, row in findings.items() if row["state"] != "ok"}
    assert wrong == {"DATABASE_URL", "REDIS_URL", "DESCRIBER", "settings"}
    assert {what for what, row in findings.items() if row["fix"]} == wrong
    assert "altwright redis use URL" in findings["REDIS_URL"]["fix"]
    lines = Service(tmp_path, settings).command("check").stdout.splitlines()
    remedies = {f"{what}: {findings[what]['fix']}" for what in wrong}
    assert {line.strip() for line in lines} >= remedies
