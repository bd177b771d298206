"""Users: who may be created, who is let in."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from altwright.accounts.users import UserStore
from altwright.db.session import Database
from altwright.db.tables import TokenRow, UserRow
from altwright.domain.caption import Role
from altwright.errors import InvalidInput, NotFound, NotSignedIn


@pytest.fixture
def users(database: Database) -> UserStore:
    """Return the store."""
    return UserStore(database)


@pytest.mark.every_database
def test_a_user_is_found_by_id_and_by_name_in_any_case(users: UserStore) -> None:
    """What was created can be read back, and "Anna" is "anna" on every database."""
    anna = users.create("Anna", "correct horse", role=Role.ADMIN, email="anna@example.org")
    assert users.get(anna.id) == users.by_name("anna") == anna
    assert anna.ref.is_admin
    assert users.get(anna.id + 1) is None
    assert users.by_name("bob") is None


def test_users_are_listed_in_the_order_in_which_they_came(users: UserStore) -> None:
    """The list has every user once."""
    made = [users.create(name, "correct horse") for name in ("zoe", "bob", "ann.e")]
    assert users.all() == made


@pytest.mark.parametrize("again", ["anna", "ANNA"])
@pytest.mark.every_database
def test_a_name_can_be_taken_once(users: UserStore, again: str) -> None:
    """A second user of the same name is refused, naming the field."""
    users.create("anna", "correct horse")
    with pytest.raises(InvalidInput) as refused:
        users.create(again, "correct horse")
    assert "username" in refused.value.fields


@pytest.mark.parametrize("name", ["a", "", "an na", "änna", "a" * 65, "anna\n", "a/b"])
def test_a_wrong_name_is_refused(users: UserStore, name: str) -> None:
    """Names are 2 to 64 plain characters."""
    with pytest.raises(InvalidInput) as refused:
        users.create(name, "correct horse")
    assert "username" in refused.value.fields
    assert users.all() == []


def test_every_fault_is_named_at_once(users: UserStore) -> None:
    """Nobody fixes a form one field at a time."""
    with pytest.raises(InvalidInput) as refused:
        users.create("a", "short", email="nowhere")
    assert set(refused.value.fields) == {"username", "password", "email"}
    for odd in ("a@" + "b" * 300, "a@b\0", "a@b\n"):
        with pytest.raises(InvalidInput) as refused:
            users.create("anna", "correct horse", email=odd)
        assert set(refused.value.fields) == {"email"}


def test_the_right_password_signs_in_and_is_noted(users: UserStore, database: Database) -> None:
    """Signing in returns the user and sets last_login_at."""
    anna = users.create("anna", "correct horse")
    assert users.authenticate("Anna", "correct horse") == anna
    with database.read() as session:
        row = session.get_one(UserRow, anna.id)
    assert row.last_login_at is not None
    assert "correct horse" not in row.password_hash


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong horse"), ("bob", "correct horse"), ("anna", "")]
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(
    users: UserStore, name: str, password: str
) -> None:
    """The answer doesn't tell whether there is such a user."""
    users.create("anna", "correct horse")
    with pytest.raises(NotSignedIn, match=r"^The user name or the password is wrong\.$"):
        users.authenticate(name, password)


def test_a_deactivated_user_is_shut_out_by_password_and_token(users: UserStore) -> None:
    """Deactivating closes both doors; activating opens them."""
    anna = users.create("anna", "correct horse")
    token = users.make_token(anna.id, "laptop")
    users.deactivate(anna.id)
    assert users.by_token(token) is None
    with pytest.raises(NotSignedIn):
        users.authenticate("anna", "correct horse")
    users.activate(anna.id)
    assert users.by_token(token) == users.authenticate("anna", "correct horse") == anna


@pytest.mark.every_database
def test_a_changed_password_replaces_the_old_one(users: UserStore) -> None:
    """The old password is worth nothing after a change; a short one changes nothing."""
    anna = users.create("anna", "correct horse")
    with pytest.raises(InvalidInput):
        users.set_password(anna.id, "short")
    users.set_password(anna.id, "battery staple")
    assert users.authenticate("anna", "battery staple") == anna
    with pytest.raises(NotSignedIn):
        users.authenticate("anna", "correct horse")
    with pytest.raises(NotFound):
        users.set_password(anna.id + 1, "battery staple")


@pytest.mark.parametrize("method", ["scrypt", "pbkdf2:sha256:1000"])
@pytest.mark.every_database
def test_a_password_of_the_replaced_system_is_taken_over(
    users: UserStore, database: Database, method: str
) -> None:
    """A Werkzeug hash lets its owner in once, and is one of ours from then on."""
    anna = users.create("anna", "unused word")
    with database.write() as session:
        row = session.get_one(UserRow, anna.id)
        row.password_hash = generate_password_hash("correct horse", method=method)
    with pytest.raises(NotSignedIn):
        users.authenticate("anna", "wrong horse")
    assert users.authenticate("anna", "correct horse") == anna
    with database.read() as session:
        assert session.get_one(UserRow, anna.id).password_hash.startswith("$argon2id$")
    assert users.authenticate("anna", "correct horse") == anna


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


def test_a_token_needs_a_user_and_a_name(users: UserStore) -> None:
    """Tokens hang on users and are told apart by name."""
    with pytest.raises(NotFound):
        users.make_token(1, "laptop")
    with pytest.raises(InvalidInput):
        users.make_token(users.create("anna", "correct horse").id, "  ")
