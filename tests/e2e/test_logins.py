"""Web and workers with a database login each: all works, and neither may more than it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from tests import servers
from tests.support import wait_until
from tests.support_leaves import TOKEN, MastodonServer, mastodon_server, serving
from tests.support_models import ModelServerDouble
from tests.support_service import Service, findings_of, running

from altwright.backup.rows import LEFT_OUT
from altwright.db.session import make_engine
from altwright.db.tables import Base, DraftRow
from altwright.db.task_tables import AuditRow, TaskRow
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status

LONG_AGO, OLD = datetime(2020, 1, 1, tzinfo=UTC), "old"
WEB, WORKER = "altwright_web", "altwright_worker"
#: What would do harm, for each login: none of it may be allowed.
FORBIDDEN = {
    WORKER: (
        "SELECT password_hash FROM users",
        "SELECT session_salt FROM users",
        "SELECT email FROM users",
        "UPDATE users SET role = 'admin'",
        "INSERT INTO users (username, password_hash) VALUES ('eve', 'x')",
        "SELECT token_hash FROM api_tokens",
        "INSERT INTO api_tokens (user_id, name, token_hash) VALUES (1, 'x', 'x')",
        "UPDATE accounts SET token = ''",
        "DELETE FROM accounts",
        "UPDATE audit_entries SET actor = 'nobody'",
        "DELETE FROM task_events",
    ),
    WEB: (
        "UPDATE audit_entries SET actor = 'nobody'",
        "DELETE FROM audit_entries",
        "DELETE FROM task_events",
        "DELETE FROM users",
        "DELETE FROM tasks",
        "INSERT INTO taken_rows (kind, old_id, theirs, ours) VALUES ('x', '1', '', '')",
    ),
}
#: What no login but the owner's may.
FOR_OWNERS = (
    "DROP TABLE users",
    "ALTER TABLE users ADD COLUMN x INTEGER",
    "CREATE TABLE x (id INTEGER)",
    "UPDATE alembic_version SET version_num = '0001'",
)


def _logged_in(url: str, login: str) -> str:
    return (
        sa.make_url(url)
        .set(username=login, password="secret")
        .render_as_string(hide_password=False)
    )


@pytest.fixture(params=["postgresql", "mariadb"])
def owner(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a server; return the address with which its tables' owner comes."""
    with getattr(servers, request.param)() as url:
        yield url


@pytest.fixture
def mastodon(tmp_path: Path) -> Iterator[MastodonServer]:
    """Run a pretend Mastodon server."""
    folder = tmp_path / "mastodon"
    folder.mkdir()
    with mastodon_server(folder) as server:
        yield server


def _set_up(service: Service, owner: str) -> None:
    """Make tables and logins, as docs/how-to/deploy.md has it."""
    service.settings["DATABASE_URL"] = owner
    assert service.command("db", "upgrade").returncode == 0
    mode = service.settings.pop("WORKER_MODE")
    wider = service.command("db", "roles", "--host", "localhost").stdout.splitlines()
    if owner.startswith("postgresql"):  # on MariaDB all is taken away at once
        wider.append(f"GRANT SELECT, UPDATE ON users TO {WORKER}")
    service.settings["WORKER_MODE"] = mode
    printed = service.command("db", "roles", "--host", "localhost")
    assert printed.returncode == 0, printed.stderr
    # What another mode has given before is taken away again.
    again = (line for line in printed.stdout.splitlines() if not line.startswith("-- CREATE"))
    engine = sa.create_engine(owner, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as connection:
        for line in (*wider, *again):
            made_once = line.removeprefix("-- ").replace("'…'", "'secret'")
            connection.exec_driver_sql(made_once.rstrip(";"))
    engine.dispose()


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _logins(owner: str) -> set[str]:
    """Return who is logged in."""
    asked = {
        "postgresql": "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename IS NOT NULL",
        "mariadb": "SELECT DISTINCT user FROM information_schema.processlist",
    }
    with _connected(owner) as connection:
        return set(connection.exec_driver_sql(asked[connection.dialect.name]).scalars())


def _refused(url: str, statement: str) -> bool:
    with _connected(url) as connection:
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            words = str(error.orig)
            assert any(one in words for one in ("denied", "must be owner")), words
            return True
    return False


def _age(owner: str) -> None:
    """Let some of everything that is pruned be old."""
    engine = make_engine(owner)
    with engine.begin() as connection:
        tasks = sa.update(TaskRow).where(TaskRow.status == Status.COMPLETED)
        connection.execute(tasks.values(finished_at=LONG_AGO))
        drafts = sa.update(DraftRow).where(DraftRow.status == DraftStatus.PUBLISHED)
        connection.execute(drafts.values(published_at=LONG_AGO))
        old = {"at": LONG_AGO, "actor": "x", "action": OLD}
        connection.execute(sa.insert(AuditRow).values(old))
    engine.dispose()


def _is_pruned(owner: str) -> bool:
    engine = make_engine(owner)
    with engine.connect() as connection:
        left = [
            connection.scalar(sa.select(DraftRow.id).limit(1)),
            connection.scalar(sa.select(TaskRow.id).where(TaskRow.finished_at == LONG_AGO)),
            connection.scalar(sa.select(AuditRow.id).where(AuditRow.action == OLD)),
        ]
    engine.dispose()
    return not any(left)


@pytest.mark.req("11.5", "least privilege")
def test_a_task_from_end_to_end_and_what_neither_login_may(
    owner: str, mastodon: MastodonServer, tmp_path: Path
) -> None:
    """Drafts, review, publishing and clean-up work; neither login may do what it has no need of."""
    double = ModelServerDouble("openai", "A black cat sleeps on a red chair.")
    with serving(double.respond) as models:
        settings = {
            "WORKER_MODE": "external",
            "DESCRIBER": "openai",
            "OPENAI_BASE_URL": f"{models.url}/v1",
            "OPENAI_MODEL": "eyes:7b",
            "ALLOWED_PRIVATE_HOSTS": urlsplit(mastodon.url).netloc,
            "MAINTENANCE_EVERY": "1",
            "DRAFT_RETENTION_DAYS": "1",
        }
        service = Service(tmp_path, settings)
        _set_up(service, owner)
        web, worker = (_logged_in(owner, login) for login in (WEB, WORKER))
        service.settings |= {"DATABASE_URL": web, "WORKER_DATABASE_URL": worker}
        with running(service, "serve"):
            _work(service, mastodon)
            assert _logins(owner) >= {WEB, WORKER}
            _age(owner)
            wait_until(lambda: _is_pruned(owner))
        for words in ("denied", "Traceback", "must be owner"):
            assert words not in service.log, service.log
        _back_up(service, owner)
    for login, url in ((WEB, web), (WORKER, worker)):
        for statement in (*FORBIDDEN[login], *FOR_OWNERS):
            assert _refused(url, statement), f"{login} may {statement}"
    done = service.command("db", "downgrade", "0015", "--yes")
    assert done.returncode == 1
    assert "`altwright db roles`" in done.stderr
    assert findings_of(service)["DATABASE_URL"]["ok"]
    service.settings["WORKER_DATABASE_URL"] = _logged_in(owner, "nobody")
    found = findings_of(service)["DATABASE_URL"]
    assert "WORKER_DATABASE_URL" in found["found"]
    assert "the setting that is named" in found["fix"]


def _back_up(service: Service, owner: str) -> None:
    """The web's login makes a whole backup, and none where it doesn't see everything."""
    names = sorted(Base.metadata.tables.keys() - LEFT_OUT)
    tables = [Base.metadata.tables[name] for name in names]
    with _connected(owner) as connection:
        counts = [
            connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables
        ]
    assert service.json("backup", "web.backup")["rows"] == sum(one or 0 for one in counts)
    login = WEB if owner.startswith("postgresql") else f"{WEB}@localhost"
    with _connected(owner) as connection, connection.begin():
        taken = f"REVOKE SELECT ON picture_hashes FROM {login}"  # noqa: S608 - no one's input
        connection.exec_driver_sql(taken)
    refused = service.command("backup", "less.backup")
    assert refused.returncode
    assert "`altwright db roles`" in refused.stderr
    assert not (service.folder / "less.backup").exists()


def _work(service: Service, mastodon: MastodonServer) -> None:
    """Describe a picture, approve and publish the text."""
    post = mastodon.post("My cat.", [mastodon.upload()], language="en")
    token = service.command("user", "create", "anna", "--token").stdout.strip()
    account = service.json(
        "account", "add", "--user", "anna", "--url", mastodon.url, "--token", TOKEN
    )
    body = {"account_id": account["id"]}
    assert service.api(token, "POST", "/tasks", json=body).status_code == 202

    def drafts(status: str) -> list[dict[str, Any]]:
        answer = service.api(token, "GET", f"/drafts?status={status}").json()
        found: list[dict[str, Any]] = answer["drafts"]
        return found

    (draft,) = wait_until(lambda: drafts("draft"))
    answer = service.api(token, "PATCH", f"/drafts/{draft['id']}", json={"text": "A cat, asleep."})
    assert answer.ok, answer.text
    assert service.api(token, "POST", f"/drafts/{draft['id']}/approve", json={}).ok
    assert service.api(token, "POST", "/drafts/publish", json={"ids": [draft["id"]]}).ok
    wait_until(lambda: drafts("published"))
    (media,) = mastodon.call("GET", f"/api/v1/statuses/{post}")["media_attachments"]
    assert media["description"] == "A cat, asleep."
