"""Tokens of the REST API: whose they are, and what is kept of them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from tests.support_domain import QUICK

from altwright.accounts.users import UserStore
from altwright.db.session import Database
from altwright.db.tables import ID_MOST, TokenRow
from altwright.errors import InvalidInput, NotFound


@pytest.fixture
def users(database: Database) -> UserStore:
    """Return the store; making a strong hash takes long."""
    return UserStore(database, QUICK)


@pytest.mark.req("11.2", "encrypted")
@pytest.mark.every_database
def test_a_token_is_known_by_its_hash_only(users: UserStore, database: Database) -> None:
    """The database holds nothing from which a token could be made."""
    anna = users.create("anna", "correct horse")
    token = users.make_token(anna.id, "laptop")
    assert token.startswith("aw_")
    assert len(token) == len("aw_") + 43
    assert users.by_token(token) == anna
    with database.read() as session:
        row = session.scalars(select(TokenRow)).one()
    assert token not in row.token_hash
    assert token[3:] not in row.token_hash


@pytest.mark.parametrize("token", ["", "aw_", "aw_" + "x" * 43, "bearer", "aw_\ud800"])
def test_another_token_is_nobodys(users: UserStore, token: str) -> None:
    """Whatever is sent as a token is answered."""
    users.make_token(users.create("anna", "correct horse").id, "laptop")
    assert users.by_token(token) is None


def test_a_token_needs_a_user_and_a_name(users: UserStore, database: Database) -> None:
    """Tokens hang on users and are told apart by name."""
    with pytest.raises(NotFound, match="no such user"):
        users.make_token(1, "laptop")
    anna = users.create("anna", "correct horse")
    for name in ("  ", "x" * 65):
        with pytest.raises(InvalidInput, match="needs a name") as refused:
            users.make_token(anna.id, name)
        assert refused.value.fields == {"name": "should have 1 to 64 characters"}
    for name in ("x", f" {'y' * 64} "):
        assert users.by_token(users.make_token(anna.id, name)) == anna
    with database.read() as session:
        kept = session.scalars(select(TokenRow.name).order_by(TokenRow.id)).all()
    assert kept == ["x", "y" * 64]


def test_a_token_is_revoked_by_its_own_user_alone(users: UserStore) -> None:
    """Others' are as if there were none; those left are listed in the order they were made."""
    anna, bob = users.create("anna", "correct horse"), users.create("bob", "correct horse")
    secret, *_ = [users.make_token(anna.id, name) for name in ("laptop", "a phone", "tablet")]
    users.make_token(bob.id, "desk")
    first, *others = users.tokens(anna.id)
    assert [first.name, *(one.name for one in others)] == ["laptop", "a phone", "tablet"]
    for user_id, token_id in ((bob.id, first.id), (anna.id, ID_MOST + 1), (anna.id, 99)):
        with pytest.raises(NotFound, match="no such token"):
            users.revoke_token(user_id, token_id)
    assert users.by_token(secret) == anna
    assert users.revoke_token(anna.id, first.id) == first
    assert users.by_token(secret) is None
    assert users.tokens(anna.id) == others
    assert [one.name for one in users.tokens(bob.id)] == ["desk"]
