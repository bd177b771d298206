"""Users: who may be created, who is let in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
from argon2 import PasswordHasher
from tests.support_domain import QUICK
from tests.support_engine import at_once
from werkzeug.security import generate_password_hash

from altwright.accounts.users import NOBODYS, PASSWORD_LEAST, RUNS_MOST, User, UserStore
from altwright.db.session import Database
from altwright.db.tables import ID_MOST, UserRow
from altwright.domain.caption import Role
from altwright.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn


@pytest.fixture
def users(database: Database) -> UserStore:
    """Return the store; making a strong hash takes long."""
    return UserStore(database, QUICK)


@pytest.mark.every_database
def test_a_user_is_found_by_id_and_by_name_in_any_case(users: UserStore) -> None:
    """What was created can be read back, and "Anna" is "anna" on every database."""
    anna = users.create("Anna", "correct horse", role=Role.ADMIN, email="anna@example.org")
    assert users.get(anna.id) == users.by_name("anna") == anna
    assert (anna.username, anna.email, anna.ref.is_admin) == ("Anna", "anna@example.org", True)
    assert users.get(anna.id + 1) is None
    assert users.by_name("bob") is None


def test_who_is_no_administrator_any_more_orders_nothing(users: UserStore) -> None:
    """What an administrator has ordered for later is done only while they are one, and active."""
    boss = users.create("Boss", "correct horse", role=Role.ADMIN)
    users.create("other", "correct horse", role=Role.ADMIN)
    ref = replace(boss.ref, address="192.0.2.7")
    now = users.still_administrator(ref)
    assert (now, now.address) == (ref, "192.0.2.7")
    refusal = "Boss has ordered it, and is no administrator any more."
    users.set_active(boss.id, active=False)
    with pytest.raises(NotAllowed, match=refusal):
        users.still_administrator(ref)
    users.set_active(boss.id, active=True)
    users.set_role(boss.id, Role.MODERATOR)
    with pytest.raises(NotAllowed, match=refusal):
        users.still_administrator(ref)
    with pytest.raises(NotAllowed, match=refusal):
        users.still_administrator(replace(ref, id=boss.id + 2))


def test_users_are_listed_in_the_order_in_which_they_came(users: UserStore) -> None:
    """The list has every user once."""
    made = [users.create(name, "correct horse") for name in ("zoe", "bob", "ann.e")]
    assert users.all() == made
    assert sorted(made, key=lambda user: user.created_at) == made


@pytest.mark.parametrize("again", ["anna", "ANNA"])
@pytest.mark.every_database
def test_a_name_can_be_taken_once(users: UserStore, again: str) -> None:
    """A second user of the same name is refused, naming the field."""
    users.create("anna", "correct horse")
    with pytest.raises(InvalidInput) as refused:
        users.create(again, "correct horse")
    assert str(refused.value) == f"The user name {again} is taken."
    assert refused.value.fields == {"username": "is taken; choose another"}


@pytest.mark.every_database
def test_a_name_is_taken_once_at_the_same_moment_in_any_case(users: UserStore) -> None:
    """Of several who ask for it together one gets it, and the others are told."""
    for name in ("anna", "berta", "clara"):
        spelled = [name, name.upper(), name.title(), f"{name[:2].upper()}{name[2:]}"]

        def create(number: int, spelled: list[str] = spelled) -> User:
            return users.create_without_password(spelled[number])

        results = at_once(4, create)
        refused = [one for one in results if isinstance(one, InvalidInput)]
        assert len(refused) == 3, results
        assert {tuple(one.fields) for one in refused} == {("username",)}
        [made] = [one for one in results if isinstance(one, User)]
        assert users.by_name(name.swapcase()) == made


def test_a_name_of_other_letters_is_found_as_it_is_written(
    users: UserStore, database: Database
) -> None:
    """The replaced system had such, and its users sign in here."""
    with database.write() as session:
        session.add(UserRow(username="Änne", password_hash=QUICK.hash("correct horse")))
    assert users.authenticate("Änne", "correct horse").username == "Änne"


@pytest.mark.parametrize("name", ["a", "", "an na", "änna", "a" * 65, "anna\n", "a/b"])
def test_a_wrong_name_is_refused(users: UserStore, name: str) -> None:
    """Names are 2 to 64 plain characters."""
    with pytest.raises(InvalidInput) as refused:
        users.create(name, "correct horse")
    assert "username" in refused.value.fields
    assert users.all() == []


@pytest.mark.parametrize("name", ["ab", "A.b-c_9", "a" * 64])
def test_a_plain_name_is_taken(users: UserStore, name: str) -> None:
    """The shortest, the longest, and one with all signs; such a user is no administrator."""
    made = users.create(name, "x" * PASSWORD_LEAST, email="a@b" + "c" * 252)
    assert (made.username, made.ref.is_admin, made.is_active) == (name, False, True)
    assert users.get(made.id) == made


@pytest.mark.parametrize("length", [PASSWORD_LEAST - 1, PASSWORD_LEAST, 1024, 1025])
def test_a_password_is_neither_short_nor_endless(users: UserStore, length: int) -> None:
    """The limits themselves are good; beyond them the field is named, by every door."""
    anna = users.create("anna", "correct horse")
    if length in {PASSWORD_LEAST, 1024}:
        users.set_password(anna.id, "x" * length)
        assert users.authenticate("anna", "x" * length) == anna
        return
    for door in (lambda one: users.set_password(anna.id, one), lambda one: users.create("bo", one)):
        with pytest.raises(InvalidInput, match="can't be") as refused:
            door("x" * length)
        assert refused.value.fields == {
            "password": "should have at least 8 characters (at most 1024)"
        }
    assert users.authenticate("anna", "correct horse") == anna


class Meeting(PasswordHasher):
    """Calls something whenever it looks at a password."""

    def __init__(self, meet: Callable[[], None]) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self._meet = meet

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the base's name
        """Call it, then look."""
        self._meet()
        return super().verify(hash, password)


def test_a_password_that_is_changed_during_a_sign_in_stays_changed(
    users: UserStore, database: Database
) -> None:
    """Who signs in with the old one at that moment doesn't bring it back."""
    anna = users.create("anna", "correct horse")
    during = Meeting(lambda: users.set_password(anna.id, "battery staple"))
    UserStore(database, during).authenticate("anna", "correct horse")
    assert users.authenticate("anna", "battery staple") == anna
    with pytest.raises(NotSignedIn):
        users.authenticate("anna", "correct horse")


def test_an_unknown_name_takes_as_long_as_a_known_one(database: Database) -> None:
    """A password is looked at for it as well, as slowly as for any other."""
    looks: list[int] = []
    users = UserStore(database, Meeting(lambda: looks.append(1)))
    users.create("anna", "correct horse")
    for name in ("anna", "bob"):
        with pytest.raises(NotSignedIn):
            users.authenticate(name, "wrong horse")
    assert len(looks) == 2


def test_a_hash_that_is_too_weak_is_made_anew(database: Database) -> None:
    """At the first sign-in, whose session is begun with the new one."""
    anna = UserStore(database, QUICK).create("anna", "correct horse")
    users = UserStore(database)
    begun = users.authenticate("anna", "correct horse")
    now = users.get(anna.id)
    assert now is not None
    assert begun.stamp == now.stamp != anna.stamp
    assert users.authenticate("anna", "correct horse").stamp == now.stamp


def test_every_fault_is_named_at_once(users: UserStore) -> None:
    """Nobody fixes a form one field at a time."""
    with pytest.raises(InvalidInput, match="can't be created") as refused:
        users.create("a", "short", email="nowhere")
    assert refused.value.fields == {
        "username": "should be 2 to 64 of the characters A-Z a-z 0-9 _ . -",
        "email": "should be an e-mail address",
        "password": "should have at least 8 characters (at most 1024)",
    }
    for odd in ("a@" + "b" * 254, "a@b\0", "a@b\n"):
        with pytest.raises(InvalidInput) as refused:
            users.create("anna", "correct horse", email=odd)
        assert set(refused.value.fields) == {"email"}


def test_the_right_password_signs_in_and_is_noted(users: UserStore, database: Database) -> None:
    """It returns the user and sets last_login_at: of nobody else, even with the same hash."""
    anna, bob = users.create("anna", "correct horse"), users.create("bob", "correct horse")
    with database.write() as session:
        same = session.get_one(UserRow, anna.id).password_hash
        session.get_one(UserRow, bob.id).password_hash = same
    assert users.authenticate("Anna", "correct horse") == anna
    with database.read() as session:
        row, other = session.get_one(UserRow, anna.id), session.get_one(UserRow, bob.id)
    assert row.last_login_at is not None
    assert other.last_login_at is None
    assert [one.last_login_at for one in users.all()] == [row.last_login_at, None]
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
    users.set_active(anna.id, active=False)
    assert users.by_token(token) is None
    with pytest.raises(NotSignedIn):
        users.authenticate("anna", "correct horse")
    users.set_active(anna.id, active=True)
    assert users.by_token(token) == users.authenticate("anna", "correct horse") == anna


def test_a_role_is_given_to_one_user(users: UserStore) -> None:
    """It holds from then on, and nobody else has it."""
    anna, bob = users.create("anna", "correct horse"), users.create("bob", "correct horse")
    users.set_role(anna.id, Role.MODERATOR)
    changed = users.get(anna.id)
    assert changed is not None
    assert (changed.role, changed.ref.is_moderator, changed.ref.is_admin) == (
        Role.MODERATOR,
        True,
        False,
    )
    assert users.get(bob.id) == bob
    with pytest.raises(NotFound, match="no such user"):
        users.set_role(bob.id + 1, Role.ADMIN)


@pytest.mark.parametrize("how", ["demoted", "locked out", "one of each"])
@pytest.mark.every_database
def test_administrators_who_remove_each_other_at_once_leave_one(users: UserStore, how: str) -> None:
    """Whoever is last is told; somebody who may nothing anyway can be removed all the same."""
    names = ("ann", "bob", "cid")
    people = [users.create(name, "correct horse", role=Role.ADMIN) for name in names]
    users.set_active(people[2].id, active=False)

    def remove(number: int) -> None:
        one = people[number]
        if how == "demoted" or (how == "one of each" and number):
            users.set_role(one.id, Role.USER)
        else:
            users.set_active(one.id, active=False)

    results = at_once(2, remove)
    [refusal] = [one for one in results if one is not None]
    assert isinstance(refusal, Conflict), refusal
    assert "make somebody else an administrator first" in str(refusal)
    [left] = [one for one in users.all() if one.role is Role.ADMIN and one.is_active]
    users.set_role(people[2].id, Role.USER)
    with pytest.raises(Conflict):
        users.set_role(left.id, Role.MODERATOR)
    with pytest.raises(Conflict):
        users.set_active(left.id, active=False)
    users.set_email(left.id, "a@b.example")
    users.set_role(left.id, Role.ADMIN)


@pytest.mark.every_database
def test_who_is_being_made_an_administrator_counts_when_removed(
    users: UserStore,
) -> None:
    """One transaction makes bob one while another takes everything from him, or from ann."""
    ann = users.create("ann", "correct horse", role=Role.ADMIN)
    bob = users.create("bob", "correct horse")
    steps = ((bob.id, Role.ADMIN), (bob.id, Role.USER), (ann.id, Role.USER))
    for _ in range(5):
        users.set_role(ann.id, Role.ADMIN)
        results = at_once(len(steps), lambda number: users.set_role(*steps[number]))
        assert all(one is None or isinstance(one, Conflict) for one in results), results
        assert [one for one in users.all() if one.role is Role.ADMIN]


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


def test_what_nobody_is_cant_be_changed(users: UserStore) -> None:
    """Each door says so."""
    with pytest.raises(NotFound, match="no such user"):
        users.set_active(7, active=False)
    with pytest.raises(NotFound, match="no such user"):
        users.set_password(7, "correct horse")


def test_users_and_tokens_are_shown_without_what_they_sign_in_with(users: UserStore) -> None:
    """Not even the stamp of their sessions, which follows the password."""
    anna = users.create("anna", "correct horse", email="anna@example.org")
    assert anna.to_json() == {
        "id": anna.id,
        "username": "anna",
        "email": "anna@example.org",
        "role": "user",
        "is_active": True,
        "created_at": anna.created_at.isoformat(),
        "last_login_at": None,
        "runs_per_day": None,
    }
    users.make_token(anna.id, "laptop")
    [token] = users.tokens(anna.id)
    made_at = token.created_at.isoformat()
    assert token.to_json() == {"id": token.id, "name": "laptop", "created_at": made_at}


def test_a_user_without_a_password_is_let_in_with_none(
    users: UserStore, database: Database
) -> None:
    """Not with what stands in its place either, which is another one for each."""
    anna = users.create_without_password("anna")
    assert (anna.role, anna.email) == (Role.USER, None)
    bob = users.create_without_password("bob", role=Role.MODERATOR, email="bob@example.org")
    assert (bob.role, bob.email) == (Role.MODERATOR, "bob@example.org")
    assert anna.stamp != bob.stamp
    with database.read() as session:
        stands = session.get_one(UserRow, anna.id).password_hash
    for password in (stands, stands.removeprefix(NOBODYS), ""):
        with pytest.raises(NotSignedIn):
            users.authenticate("anna", password)
    with pytest.raises(InvalidInput, match="can't be created") as refused:
        users.create_without_password("a", email="nowhere")
    assert set(refused.value.fields) == {"username", "email"}
    users.set_password(anna.id, "correct horse")
    assert users.authenticate("anna", "correct horse") == anna


def test_a_user_without_a_password_is_refused_as_slowly_as_any(database: Database) -> None:
    """As who isn't there: one password is looked at, and what is noted is no sign-in."""
    looks: list[int] = []
    users = UserStore(database, Meeting(lambda: looks.append(1)))
    users.create_without_password("anna")
    for count in (1, 2):
        with pytest.raises(NotSignedIn):
            users.authenticate("anna", "correct horse")
        assert len(looks) == count
    [anna] = users.all()
    assert anna.last_login_at is None


@pytest.mark.every_database
def test_users_are_searched_by_name_and_address(users: UserStore) -> None:
    """In any case, and signs of patterns mean themselves; a page begins after an id."""
    anna = users.create("Anna_B", "correct horse")
    bob = users.create("bob", "correct horse", email="Bob@Anna.example")
    carl = users.create("carl", "correct horse", email="c@x.example")
    assert users.search(limit=3) == [anna, bob, carl]
    assert users.search("aNNA", limit=3) == [anna, bob]
    assert users.search("anna", after_id=anna.id, limit=3) == [bob]
    assert users.search(limit=2) == [anna, bob]
    assert users.search(after_id=bob.id, limit=2) == [carl]
    assert users.search("_", limit=3) == [anna]
    assert users.search("%", limit=3) == users.search("xx", limit=3) == []


def test_a_password_is_replaced_while_it_is_the_one_known(users: UserStore) -> None:
    """Once for each reading of an active user, and nobody else's with it."""
    anna, bob = users.create("anna", "correct horse"), users.create("bob", "correct horse")
    with pytest.raises(InvalidInput, match="can't be used") as refused:
        users.replace_password(anna, "short")
    assert set(refused.value.fields) == {"password"}
    assert users.replace_password(anna, "battery staple")
    assert not users.replace_password(anna, "another staple")
    assert users.authenticate("anna", "battery staple") == anna
    assert users.authenticate("bob", "correct horse").stamp == bob.stamp
    users.set_active(bob.id, active=False)
    assert not users.replace_password(bob, "another staple")
    users.set_active(bob.id, active=True)
    assert users.authenticate("bob", "correct horse") == bob
    assert users.replace_password(bob, "another staple")
    assert users.authenticate("bob", "another staple") == bob


@pytest.mark.every_database
def test_sessions_end_with_a_forgotten_password_or_by_themselves(users: UserStore) -> None:
    """The stamp, by which a session is known, is another one each time; of this user only."""
    anna, bob = users.create("anna", "correct horse"), users.create("bob", "correct horse")
    stamps = {anna.stamp}
    for count in (2, 3):
        users.end_sessions(anna.id)
        stamps.add(users.authenticate("anna", "correct horse").stamp)
        assert len(stamps) == count
    users.forget_password(anna.id)
    forgotten = users.get(anna.id)
    assert forgotten is not None
    assert forgotten.stamp not in stamps
    with pytest.raises(NotSignedIn):
        users.authenticate("anna", "correct horse")
    assert users.authenticate("bob", "correct horse").stamp == bob.stamp


@pytest.mark.parametrize("email", ["a@b", "a@b" + "c" * 252, None])
def test_an_address_is_noted(users: UserStore, email: str | None) -> None:
    """Of one user; None removes it."""
    anna, bob = (users.create(name, "correct horse", email="x@y") for name in ("anna", "bob"))
    users.set_email(anna.id, email)
    assert [one.email for one in users.all()] == [email, "x@y"]
    for wrong in ("", "nowhere", "a@b@c", "a b@c", "a@" + "b" * 254):
        with pytest.raises(InvalidInput, match="address can't be used") as refused:
            users.set_email(anna.id, wrong)
        assert refused.value.fields == {"email": "should be an e-mail address"}
    assert users.get(bob.id) == bob


@pytest.mark.parametrize("runs", [0, 1, RUNS_MOST])
def test_runs_a_day_are_noted(users: UserStore, runs: int) -> None:
    """Of one user, whom others see so; None takes it back."""
    anna, bob = users.create("anna", "correct horse"), users.create("bob", "correct horse")
    users.set_runs_per_day(anna.id, runs)
    for wrong in (-1, RUNS_MOST + 1):
        with pytest.raises(InvalidInput, match="limit can't be used") as refused:
            users.set_runs_per_day(anna.id, wrong)
        assert refused.value.fields == {
            "runs_per_day": "should be a whole number from 0 to 1,000,000"
        }
    assert [one.ref.runs_per_day for one in users.all()] == [runs, None]
    users.set_runs_per_day(anna.id, None)
    assert users.all() == [anna, bob]


def test_no_id_is_too_large_to_ask_for(users: UserStore) -> None:
    """No database has such."""
    assert users.get(ID_MOST + 1) is None
