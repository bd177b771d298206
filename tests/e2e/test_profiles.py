"""Profiles: what development lets pass, staging and production name and don't start with."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from tests.support_service import Service

KEYS = {
    "PLATFORM_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "FLASK_SECRET_KEY": Fernet.generate_key().decode(),
}
#: What is good enough for trying out only: setting, value, and what mends it.
UNSAFE = {
    "DATABASE_URL": ("postgresql://anna:secret@db.example/x", "sslmode=verify-full"),
    "WORKER_DATABASE_URL": ("postgresql://work:secret@db.example/x", "sslmode=verify-full"),
    "REDIS_URL": ("redis://:secret@redis.example:6379/0", "rediss://"),
    "OLLAMA_URL": ("http://ollama.example:11434", "https://"),
    "RQ_ALERT_WEBHOOK_URL": ("http://hook.example/x", "PLAINTEXT_HOSTS"),
    "SMTP_URL": ("smtp://anna:secret@mail.example:587", "smtp+starttls://"),
    "HOST": ("0.0.0.0", "TRUSTED_PROXIES=1"),  # noqa: S104 - what is refused
    "LOG_LEVEL": ("DEBUG", "set INFO"),
}


def _problems(service: Service) -> dict[str, str]:
    """Return what the start complains about, by the setting's name."""
    done = service.command("serve")
    assert done.returncode == 2, done.stderr
    assert "secret@" not in done.stderr
    assert "Traceback" not in done.stderr
    lines = [line.removeprefix("altwright: ") for line in done.stderr.splitlines()]
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.req("8.3", "profiles")
@pytest.mark.parametrize("profile", ["production", "staging"])
def test_a_start_names_everything_that_is_unsafe(tmp_path: Path, profile: str) -> None:
    """All at once, each with what mends it; staging bears DEBUG, to see what production will do."""
    settings = {name: value for name, (value, _) in UNSAFE.items()} | {"DESCRIBER": "ollama"}
    service = Service(tmp_path, settings | {"ALTWRIGHT_PROFILE": profile})
    found = _problems(service)
    wanted = {**UNSAFE, "FLASK_SECRET_KEY, PLATFORM_ENCRYPTION_KEY": ("", "`altwright key`")}
    if profile == "staging":
        del wanted["LOG_LEVEL"]
    assert found.keys() == wanted.keys()
    for name, (_, remedy) in wanted.items():
        assert remedy in found[name], found[name]
    assert not (tmp_path / "var").exists()


@pytest.mark.req("8.3", "profiles")
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://a:b@/x?hostaddr=192.0.2.1",
        "postgresql://a:b@127.0.0.1/x?hostaddr=192.0.2.1",
        "postgresql://a:b@/x?host=127.0.0.1&host=db.example",
        "mysql://a:b@db.example/x?ssl_ca=/nowhere.pem&ssl_disabled=true",
    ],
)
def test_no_other_way_of_naming_a_far_database_gets_by(tmp_path: Path, address: str) -> None:
    """What the driver will do counts: where libpq goes, and that TLS is switched off again."""
    settings = {**KEYS, "DATABASE_URL": address, "ALTWRIGHT_PROFILE": "production"}
    assert "PLAINTEXT_HOSTS" in _problems(Service(tmp_path, settings))["DATABASE_URL"]


@pytest.mark.req("8.3", "profiles")
@pytest.mark.parametrize(
    "settings",
    [
        {"DATABASE_URL": "postgresql://a:b@db.example/x?sslmode=verify-full"},
        {"DATABASE_URL": "mysql://a:b@db.example/x?ssl_ca=/nowhere.pem"},
        {"REDIS_URL": "rediss://:c@redis.example:6379/0"},
        {"REDIS_URL": "rediss+sentinel://s.example/main/0"},
        {"DATABASE_URL": "", "REDIS_URL": ""},  # SQLite and the embedded Valkey
        {"REDIS_URL": "redis://127.0.0.1:6379/0"},
        {"REDIS_URL": "unix:///run/redis.sock"},
        {"REDIS_URL": "redis://valkey:6379/0", "PLAINTEXT_HOSTS": "valkey"},
        {"OLLAMA_URL": "http://ollama.example:11434"},  # which isn't in use
        {"DESCRIBER": "ollama", "OLLAMA_URL": "http://GPU:11434", "PLAINTEXT_HOSTS": "gpu"},
        {"RQ_ALERT_WEBHOOK_URL": "https://hook.example/x", "SMTP_URL": "smtps://mail.example:465"},
        {"HOST": "0.0.0.0", "TRUSTED_PROXIES": "1"},  # noqa: S104 - behind a proxy
    ],
    ids=str,
)
def test_what_is_mended_is_accepted(tmp_path: Path, settings: dict[str, str]) -> None:
    """In production; `settings` needs no server to say what counts."""
    service = Service(tmp_path, {**KEYS, **settings, "ALTWRIGHT_PROFILE": "production"})
    done = service.command("check")
    assert "ALTWRIGHT_PROFILE" not in done.stdout + done.stderr
    assert "profile" in done.stdout


@pytest.mark.req("8.3", "profiles")
def test_development_asks_for_nothing(tmp_path: Path) -> None:
    """It makes its own keys, and starts with settings that others refuse."""
    service = Service(tmp_path, {"LOG_LEVEL": "DEBUG", "HOST": "0.0.0.0"})  # noqa: S104 - the same
    assert service.command("user", "list").returncode == 0
    assert (tmp_path / "var/encryption.key").exists()


@pytest.mark.req("8.3", "profiles")
def test_a_rehearsal_keeps_things_for_a_shorter_time(tmp_path: Path) -> None:
    """Staging's defaults are its own, and what is set wins over them."""
    settings = {**KEYS, "ALTWRIGHT_PROFILE": "staging", "AUDIT_RETENTION_DAYS": "400"}
    shown = {one["name"]: one for one in Service(tmp_path, settings).json("settings", "list")}
    tasks, audit = shown["TASK_RETENTION_DAYS"], shown["AUDIT_RETENTION_DAYS"]
    assert (tasks["value"], tasks["default"], tasks["origin"]) == (7, 7, "default")
    assert (audit["value"], audit["default"], audit["origin"]) == (400, 90, "environment")
    settings["ALTWRIGHT_PROFILE"] = "production"
    shown = {one["name"]: one for one in Service(tmp_path, settings).json("settings", "list")}
    assert shown["TASK_RETENTION_DAYS"]["value"] == 30


@pytest.mark.req("8.3", "profiles")
def test_an_unsafe_redis_comes_in_by_no_other_door(tmp_path: Path) -> None:
    """What a start refuses isn't taken while all runs, either."""
    service = Service(tmp_path, {**KEYS, "ALTWRIGHT_PROFILE": "production"})
    done = service.command("redis", "use", "redis://redis.example:6379/0", "--force")
    assert done.returncode == 2
    assert "rediss://" in done.stderr
