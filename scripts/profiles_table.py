"""What each profile sets, and what it doesn't start with: asked of the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from altwright.config import Settings, load
from altwright.errors import ConfigError
from altwright.profiles import DEFAULTS, Profile, cookies_need_tls

PROFILES: tuple[Profile, ...] = get_args(Profile)
#: What a start in earnest has; nothing of it is a secret.
SAFE = {
    "PLATFORM_ENCRYPTION_KEY": "FvG0tPJq1Tn3bTDAZz8mDPMR0WF3m1Xg1n2wq6cQYF0=",
    "FLASK_SECRET_KEY": "x" * 44,
}
OUTSIDE = "0.0.0.0"  # noqa: S104 - what is refused
FAR = "postgresql://altwright@db.example/altwright"
#: What a start may be made with, in words.
TRIED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("keys of yours, all on one host", {}),
    ("SQLite and the embedded Valkey", {"DATABASE_URL": "", "REDIS_URL": ""}),
    ("no `PLATFORM_ENCRYPTION_KEY`", {"PLATFORM_ENCRYPTION_KEY": ""}),
    ("no `FLASK_SECRET_KEY`", {"FLASK_SECRET_KEY": ""}),
    ("a `FLASK_SECRET_KEY` that is short", {"FLASK_SECRET_KEY": "short"}),
    ("a database on another host, without TLS", {"DATABASE_URL": FAR}),
    (
        "the same, its host in `PLAINTEXT_HOSTS`",
        {"DATABASE_URL": FAR, "PLAINTEXT_HOSTS": "db.example"},
    ),
    ("the same, with TLS", {"DATABASE_URL": f"{FAR}?sslmode=verify-full"}),
    ("a Redis on another host, without TLS", {"REDIS_URL": "redis://redis.example:6379/0"}),
    ("the same, with TLS", {"REDIS_URL": "rediss://redis.example:6379/0"}),
    (
        "a model server in use or what gets alerts on another host, without TLS",
        {"DESCRIBER": "ollama", "OLLAMA_URL": "http://ollama.example:11434"},
    ),
    ("a `HOST` that is reached from outside", {"HOST": OUTSIDE}),
    ("the same, behind a proxy (`TRUSTED_PROXIES=1`)", {"HOST": OUTSIDE, "TRUSTED_PROXIES": 1}),
    ("`LOG_LEVEL=DEBUG`", {"LOG_LEVEL": "DEBUG"}),
)


def section() -> Iterator[str]:
    """Yield the lines of the section."""
    yield "## Profiles"
    yield ""
    yield "`ALTWRIGHT_PROFILE` says which environment this is. What it doesn't bear is named at"
    yield "the start, all at once and each with what mends it (exit code 2). Defaults that differ:"
    yield ""
    yield f"| | {' | '.join(PROFILES)} |"
    yield f"|---|{'---|' * len(PROFILES)}"
    names = [name for name in Settings.model_fields if any(name in of for of in DEFAULTS.values())]
    for name in names:
        yield _row(f"`{name.upper()}`", [f"`{_loaded(one).default_of(name)}`" for one in PROFILES])
    ways = {True: "with TLS only", False: "also without TLS"}
    yield _row("sessions' cookies go", [ways[cookies_need_tls(one)] for one in PROFILES])
    yield ""
    yield "What each starts with:"
    yield ""
    yield f"| | {' | '.join(PROFILES)} |"
    yield f"|---|{'---|' * len(PROFILES)}"
    for words, settings in TRIED:
        yield _row(words, ["yes" if _starts(one, settings) else "**no**" for one in PROFILES])
    yield ""
    yield "Keys that are missing are made and kept in `DATA_DIR` by development."
    yield ""


def _row(words: str, cells: list[str]) -> str:
    return f"| {words} | {' | '.join(cells)} |"


def _loaded(profile: Profile, **settings: Any) -> Settings:
    return load(_env_file=None, ALTWRIGHT_PROFILE=profile, **{**SAFE, **settings})


def _starts(profile: Profile, settings: dict[str, Any]) -> bool:
    try:
        _loaded(profile, **settings)
    except ConfigError:
        return False
    return True
