"""Keys are rotated while all runs: what an old key has encrypted is encrypted anew."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import event, insert, text
from tests.support_domain import FERNET_KEY, make_world
from tests.support_engine import NOWHERE

from altwright.accounts import key_check
from altwright.crypto import Box
from altwright.db import reencryption
from altwright.db.reencryption import Found, reencrypt
from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import Status
from altwright.errors import ConfigError
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.rq.url_override import RedisAddress
from altwright.tasks.store.imported_tasks import sealed
from altwright.tasks.task import settings_of

NEW_KEY = Fernet.generate_key().decode()
OLD, NEW, BOTH = Box(FERNET_KEY), Box(NEW_KEY), Box(f"{NEW_KEY},{FERNET_KEY}")
WISH = {"max_posts": 7}


def _fill(database: Database, accounts: int = 3) -> None:
    """Write tokens, a task and a changed address of Redis with the old key."""
    world = make_world(database)
    for number in range(1, accounts):
        world.platform.acct = f"anna@s{number}.example"
        world.accounts.add(
            world.user.id, "mastodon", f"https://s{number}.example", f"token-{number}"
        )
    with database.begin() as connection:
        task = {"id": "t", "kind": "captions", "status": Status.COMPLETED}
        connection.execute(insert(TaskRow).values(task | {"settings": sealed(WISH, OLD)}))
    key_check.accept(database, OLD)
    RedisAddress(ServiceState(database), OLD, NOWHERE, print).use("redis://:secret@r.example/0")


def _tokens(database: Database, box: Box) -> list[str]:
    with database.connect() as connection:
        rows = connection.execute(text("SELECT token FROM accounts ORDER BY id"))
        return [box.decrypt(row.token) for row in rows]


@pytest.mark.req("11.2", "keys rotate")
@pytest.mark.every_database
def test_the_old_key_can_be_dropped(database: Database) -> None:
    """Not before it is done; then the new one alone opens all that the old one had closed."""
    _fill(database)
    with pytest.raises(ConfigError):
        key_check.verify(database, NEW)
    found = reencrypt(database, BOTH)
    assert (found.counts[Found.RENEWED], found.unreadable) == (6, [])
    key_check.verify(database, NEW)
    assert _tokens(database, NEW) == ["token-of-anna", "token-1", "token-2"]
    with database.connect() as connection:
        kept = connection.scalar(text("SELECT settings FROM tasks"))
    assert settings_of(kept, NEW) == WISH
    address = RedisAddress(ServiceState(database), NEW, NOWHERE, print)
    assert address.current() == "redis://:secret@r.example/0"
    again = reencrypt(database, NEW)
    assert again.counts == {Found.CURRENT: 6}


@pytest.mark.req("11.2", "keys rotate")
def test_one_that_was_broken_off_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done stays done; until all is, the old key is asked for."""
    monkeypatch.setattr(reencryption, "BATCH", 1)
    _fill(database)
    written = []

    def break_off(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        written.extend([statement] if statement.startswith("UPDATE accounts") else [])
        if len(written) == 2:
            raise KeyboardInterrupt

    event.listen(database.engine, "before_cursor_execute", break_off)
    with pytest.raises(KeyboardInterrupt):
        reencrypt(database, BOTH)
    event.remove(database.engine, "before_cursor_execute", break_off)
    with pytest.raises(ConfigError):
        key_check.verify(database, NEW)
    found = reencrypt(database, BOTH)
    assert found.counts == {Found.CURRENT: 1, Found.RENEWED: 5}
    key_check.verify(database, NEW)


def test_a_token_that_is_changed_meanwhile_stays_changed(database: Database) -> None:
    """An account is connected anew between the read and the write."""
    _fill(database, accounts=1)
    changed: list[str] = []

    def meanwhile(_connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE accounts") and not changed:
            changed.append(statement)
            fresh = OLD.encrypt("token-9")
            cursor.execute("UPDATE accounts SET token = ?", [fresh])  # type: ignore[attr-defined]

    event.listen(database.engine, "before_cursor_execute", meanwhile)
    reencrypt(database, BOTH)
    event.remove(database.engine, "before_cursor_execute", meanwhile)
    assert _tokens(database, OLD) == ["token-9"]
    reencrypt(database, BOTH)
    assert _tokens(database, NEW) == ["token-9"]


def test_what_no_key_opens_is_named_and_left(database: Database) -> None:
    """Its key may be found again."""
    _fill(database, accounts=2)
    lost = Box(Fernet.generate_key().decode()).encrypt("token-0")
    with database.begin() as connection:
        update = text("UPDATE accounts SET token = :token WHERE id = 1")
        connection.execute(update, {"token": lost})
    found = reencrypt(database, BOTH)
    assert found.unreadable == ["token of account 1"]
    with database.connect() as connection:
        assert connection.scalar(text("SELECT token FROM accounts WHERE id = 1")) == lost
