"""Values of settings that can't be meant, each with what it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url
from tests.support import free_port

from altwright import config, telemetry
from altwright.config import Settings
from altwright.errors import ConfigError
from altwright.tasks.rq.redis_client import connect


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.req("11.6", "written to logs")
@pytest.mark.parametrize("letter", [*"#/?@:% ", "%2F"])
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "redis://:{}@127.0.0.1:{}/0"),
        ("REDIS_URL", "redis+sentinel://:{}@127.0.0.1:{}/m/0"),
        ("DATABASE_URL", "postgresql://anna:{}@127.0.0.1:{}/x"),
        ("SMTP_URL", "smtp://anna:{}@127.0.0.1:{}"),
    ],
)
def test_a_password_may_hold_any_letter(
    name: str, url: str, letter: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is read, or the setting is named and how to write it; no part of it is ever shown."""
    value = url.format(f"ses{letter}ame", free_port())
    shown = telemetry.redact(f"at {value} now")
    try:
        settings = config.load(**{name: value})
    except ConfigError as error:
        (problem,) = error.problems
        assert problem.startswith(f"{name}: ")
        assert "%2F" in problem
        shown += problem
    else:
        if name == "REDIS_URL" and "sentinel" not in url:
            client = connect(settings.redis_url)
            given = client.connection_pool.connection_kwargs["password"]
            assert given == unquote(f"ses{letter}ame")
            client.close()
        if name == "DATABASE_URL":
            assert make_url(settings.database_url).password == unquote(f"ses{letter}ame")
    if letter != " ":  # where it ends can't be told in a sentence; as a setting it is refused
        assert "ame@" not in shown
        assert "ses" not in shown.replace("messes", "")


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/services/@team/abc",
        "https://chat.example/hooks?user=a@b.org",
        "https://gw.example:8443/v1/@acct/ns",
        "https://u:p%40ss@gw.example/v1/@acct",
        "http://localhost:8080/@acct",
        "http://[::1]:8080/@acct",
    ],
)
@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OLLAMA_URL", "RQ_ALERT_WEBHOOK_URL"])
def test_an_at_sign_may_follow_the_host(name: str, url: str) -> None:
    """It is an ordinary letter of a path and of a query."""
    assert getattr(config.load(**{name: url}), name.lower()) == url


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize(
    "login", ["u:ses/ame", "u:p@ses/ame", "u:p?ame", "u:1/ame", "a.b:ses/ame", "ses/ame"]
)
@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "RQ_ALERT_WEBHOOK_URL"])
def test_a_login_that_is_cut_is_not_taken_for_a_host(name: str, login: str) -> None:
    """A "/" or "?" in a password: what to do is said, and no part of it."""
    with pytest.raises(ConfigError) as error:
        config.load(**{name: f"https://{login}@gw.example/v1"})
    (problem,) = error.value.problems
    assert problem.startswith(f"{name}: ")
    assert "%2F" in problem
    assert "ses" not in problem
    assert "ame@" not in problem


KEYS = {"FLASK_SECRET_KEY": "x" * 32, "PLATFORM_ENCRYPTION_KEY": Fernet.generate_key().decode()}


#: Settings that could do nothing, or another thing than they say; and the whole sentence.
UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "an address as a private host": (
        {"ALLOWED_PRIVATE_HOSTS": "a.example, http://Host:8080/"},
        (
            "ALLOWED_PRIVATE_HOSTS: http://host:8080/ allows nothing: no host is called so; write "
            "host:8080 (it is 'a.example, http://Host:8080/')"
        ),
    ),
    "a slice that no page of posts fits in": (
        {"TASK_SLICE": 1},
        "TASK_SLICE: should be 60 or more, three times PLATFORM_TIMEOUT, or 0 (it is 1)",
    ),
    "a secret that can be guessed": (
        {**KEYS, "ALTWRIGHT_PROFILE": "production", "FLASK_SECRET_KEY": f"x{' ' * 40}"},
        (
            "FLASK_SECRET_KEY: is short (1 character); ALTWRIGHT_PROFILE=production needs 32 or "
            "more; `altwright key` makes one"
        ),
    ),
    "two that are missing": (
        {"ALTWRIGHT_PROFILE": "staging"},
        (
            "FLASK_SECRET_KEY, PLATFORM_ENCRYPTION_KEY: missing; needed by "
            "ALTWRIGHT_PROFILE=staging; `altwright key` makes one"
        ),
    ),
    "one that is missing": (
        {"DESCRIBER": "openai", "OPENAI_MODEL": "eyes"},
        "OPENAI_BASE_URL: missing; needed by DESCRIBER=openai",
    ),
    "no address": (
        {"RQ_ALERT_WEBHOOK_URL": "chat"},
        "RQ_ALERT_WEBHOOK_URL: should be an address like https://chat.example/hooks/…",
    ),
    "a pool that can't grow": (
        {"RQ_ENABLE_AUTO_SCALING": True, "EXTERNAL_PROCESSES": 6, "WORKER_MODE": "hybrid"},
        "EXTERNAL_PROCESSES_MAX: should be EXTERNAL_PROCESSES (6) or more (it is 4)",
    ),
}


FITS: list[dict[str, Any]] = [
    {"TASK_SLICE": 300, "PLATFORM_TIMEOUT": 120},  # the default, written out
    {"RQ_ENABLE_AUTO_SCALING": True, "EXTERNAL_PROCESSES": 6, "WORKER_MODE": "off"},
]


@pytest.mark.parametrize("settings", FITS, ids=str)
def test_what_has_no_effect_here_is_let_be(settings: dict[str, Any]) -> None:
    """One file of settings serves hosts of every kind."""
    assert config.load(**settings)


@pytest.mark.parametrize("name", ["RQ_FAILED_TASKS_TTL", "RQ_RESULT_TTL"])
def test_rq_keeps_its_jobs_for_some_time(name: str) -> None:
    """One that is gone at once can't be asked about."""
    with pytest.raises(ConfigError, match=f"{name}: should be 1 or more"):
        config.load(**{name: 0})


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize("case", UNFIT)
def test_a_setting_that_could_not_do_what_it_says_is_refused(case: str) -> None:
    """With what it should be, rather than kept without effect or changed unseen."""
    settings, sentence = UNFIT[case]
    with pytest.raises(ConfigError) as error:
        config.load(**settings)
    assert error.value.problems == [sentence]


def test_all_that_is_unfit_together_is_listed_at_once() -> None:
    """What two settings make of each other is no less."""
    with pytest.raises(ConfigError) as error:
        config.load(ALTWRIGHT_PROFILE="production", ALERT_EMAIL_TO="a@b.example", TASK_SLICE=1)
    named = [problem.partition(":")[0] for problem in error.value.problems]
    assert named == ["SMTP_URL", "FLASK_SECRET_KEY, PLATFORM_ENCRYPTION_KEY", "TASK_SLICE"]


NUMBERS = sorted(
    (field.alias or name).upper()
    for name, field in Settings.model_fields.items()
    if field.annotation in {int, float}
)


@pytest.mark.parametrize("value", ["9" * 20, "inf", "nan", "9" * 5000], ids=lambda text: text[:20])
def test_no_number_is_larger_than_what_counts(value: str) -> None:
    """Timers, databases and Redis overflow somewhere; every setting is refused before."""
    with pytest.raises(ConfigError) as error:
        config.load(**dict.fromkeys(NUMBERS, value))
    assert sorted(problem.partition(":")[0] for problem in error.value.problems) == NUMBERS
    assert all(len(problem) < 400 for problem in error.value.problems)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://h/{'9' * 20}",
        f"redis://h/0?max_connections={'9' * 5000}",
        f"redis://h/0?socket_timeout={'9' * 20}.5",
        f"redis+sentinel://h:{'9' * 5000}/m/0",
        f"redis+sentinel://h:1/m/{'9' * 5000}",
    ],
    ids=lambda url: url[:40],
)
def test_no_number_in_an_address_either(url: str) -> None:
    """Of a database, a port, an option."""
    with pytest.raises(ConfigError) as error:
        config.load(REDIS_URL=url)
    assert error.value.problems[0].startswith("REDIS_URL: ")


@pytest.mark.parametrize("host", ["h", "h:1", "10.0.0.5:65535", "::1", "[::1]", "[::1]:80", "a_b"])
def test_a_private_host_is_taken_as_it_is_called(host: str) -> None:
    """A name or an address, with a port or for all."""
    assert config.load(ALLOWED_PRIVATE_HOSTS=f" {host.upper()} ,").allowed_private_hosts == {host}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("http://h:1/x", "h:1"),
        ("https://u:sesame@h", "h"),
        ("//[::1]:80", "[::1]:80"),
        ("h.", "h"),
        ("h:080", "h:80"),
        *((text, "") for text in ("10.0.0.0/8", "*.h", "bücher.example", "h:70000", ":80", "[h]")),
    ],
)
def test_what_no_host_is_called_allows_nothing(text: str, meant: str) -> None:
    """Where it can be told what was meant, that is said."""
    with pytest.raises(ConfigError) as error:
        config.load(ALLOWED_PRIVATE_HOSTS=text)
    assert f"write {meant or 'each host as cloud.example'}" in error.value.problems[0]
