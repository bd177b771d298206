"""What the replaced system's administrators have set already counts here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support_domain import FERNET_KEY
from tests.support_service import Service
from tests.support_takeover import fill
from tests.support_vedfolnir import Vedfolnir

from altwright import config
from altwright.builders.options import limits_of, options_of
from altwright.domain.limits import Limits
from altwright.domain.task import Priority

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/how-to/take-over.md"
#: Every name that it has, and a value that is no default here.
ENVIRONMENT: dict[str, Any] = {
    "REDIS_URL": "redis://127.0.0.1:6390/2",
    "DATABASE_URL": "mysql+pymysql://anna:sesame@127.0.0.1/altwright",
    "PLATFORM_ENCRYPTION_KEY": FERNET_KEY,
    "FLASK_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "WORKER_MODE": "hybrid",
    "RQ_WORKER_COUNT": 3,
    "RQ_QUEUE_PREFIX": "vedfolnir:rq:",
    "RQ_DEFAULT_TIMEOUT": 1800,
    "RQ_RESULT_TTL": 7200,
    "RQ_JOB_TTL": 14400,
    "RQ_HEALTH_CHECK_INTERVAL": 30,
    "RQ_FAILURE_THRESHOLD": 5,
    "RQ_MAX_RETRIES": 4,
    "RQ_RETRY_BASE_DELAY": 30,
    "RQ_RETRY_MAX_DELAY": 900,
    "RQ_SHUTDOWN_TIMEOUT": 20,
    "RQ_ENABLE_AUTO_SCALING": True,
    "RQ_COMPLETED_TASKS_TTL": 86401,
    "RQ_FAILED_TASKS_TTL": 604800,
    "RQ_WORKER_MEMORY_LIMIT": 512,
    "RQ_ALERT_WEBHOOK_URL": "https://chat.example/hooks/1",
    "OLLAMA_URL": "http://127.0.0.1:11435",
    "OLLAMA_MODEL": "llava:13b",
    "OLLAMA_TIMEOUT": 60,
    "CAPTION_MAX_LENGTH": 255,
    **{f"RQ_MIN_{one.name}_WORKERS": 1 for one in Priority},
    **{f"RQ_MAX_{one.name}_WORKERS": 2 for one in Priority},
}


def test_each_name_is_a_setting_that_something_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, from the environment; none is taken for a slip of the fingers."""
    assert len(ENVIRONMENT) == 33
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, str(value))
    settings = config.load()
    assert {name: getattr(settings, name.lower()) for name in ENVIRONMENT} == ENVIRONMENT
    assert config.misspelt() == []
    # Those of priorities are put together from the priority's name.
    each = dict.fromkeys(Priority, 1)
    twice = dict.fromkeys(Priority, 2)
    assert limits_of(settings) == Limits(most=twice, kept=each)
    code = "".join(
        path.read_text()
        for path in sorted((ROOT / "src").rglob("*.py"))
        if path.name != "config.py"
    )
    read = {name.upper() for name in re.findall(r"\b(?:settings|current|changed)\.(\w+)", code)}
    # These two stand behind properties of the settings, which say what holds without them.
    resolved = {"REDIS_URL": "RESOLVED_REDIS_URL", "DATABASE_URL": "RESOLVED_DATABASE_URL"}
    named = {name for name in ENVIRONMENT if not name.endswith("_WORKERS")}
    assert {name for name in named if resolved.get(name, name) not in read} == set()
    queue = options_of(settings).queue
    assert (queue.result_ttl_s, queue.failure_ttl_s, queue.job_ttl_s) == (86401, 604800, 14400)


def test_each_name_stands_in_the_guide() -> None:
    """With what is to be said of it."""
    names = set(re.findall(r"`([A-Z_]+)`", GUIDE.read_text()))
    assert ENVIRONMENT.keys() - names == set()


def test_its_own_database_is_left_alone(tmp_path: Path) -> None:
    """Whoever leaves DATABASE_URL as it was is told; no table is made or changed there."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/old.db")
    old = Vedfolnir(engine).make()
    fill(old)
    rows, tables = old.everything(), sa.inspect(engine).get_table_names()
    service = Service(tmp_path, {"DATABASE_URL": old.url})
    for words in ("db upgrade", "serve", "check"):
        done = service.command(*words.split())
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode != 0, words
        assert "this is Vedfolnir's database; give Altwright one of its own" in said, said
        assert "Traceback" not in said
    assert (old.everything(), sa.inspect(engine).get_table_names()) == (rows, tables)
    engine.dispose()
