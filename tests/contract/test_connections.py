"""Accounts: connecting, opening, forgetting."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select
from tests.support_domain import FERNET_KEY, FakePlatform, World, make_post, make_world

from altwright.accounts.connections import AccountStore
from altwright.accounts.servers import ServerStore
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import AccountRow, DraftRow, PictureRow, PostRow
from altwright.errors import Category, InvalidInput, NotFound, PlatformRefused
from altwright.platforms.publishing.outcomes import Learned
from altwright.platforms.publishing.ways import BY_HAND, Way


@pytest.fixture
def world(database: Database) -> World:
    """Return anna with her account."""
    return make_world(database)


def test_an_account_is_what_its_server_says(world: World) -> None:
    """Connecting asks the server who this is and how long alt texts may be."""
    assert world.account.acct == "anna@social.example"
    assert world.account.max_alt_length == 1500
    assert world.accounts.of_user(world.user.id) == [world.account]
    assert world.accounts.get(world.account.id, world.user.id) == world.account
    shown = world.account.to_json()
    assert set(shown) == {
        "id",
        "platform",
        "url",
        "acct",
        "display_name",
        "avatar_url",
        "max_alt_length",
        "software",
        "drafts_only",
        "problem",
        "created_at",
    }


@pytest.mark.req("11.2", "encrypted")
def test_a_token_is_stored_encrypted(world: World) -> None:
    """Who reads the database can't act on the account."""
    with world.database.read() as session:
        stored = session.scalars(select(AccountRow.token)).one()
    assert "token-of-anna" not in stored
    assert world.box.decrypt(stored) == "token-of-anna"


@pytest.mark.every_database
def test_the_same_account_again_gets_the_new_token(world: World) -> None:
    """Reconnecting keeps the account, clears its problem and uses the new token from then on."""
    world.accounts.set_problem(world.account.id, "revoked")
    tokens: list[str] = []

    def connect(_platform: str, _url: str, token: str) -> FakePlatform:
        tokens.append(token)
        return world.platform

    accounts = AccountStore(world.database, world.box, connect)
    again = accounts.add(world.user.id, "mastodon", "social.example/about", " new-token ")
    assert (again.id, again.problem, again.url) == (
        world.account.id,
        "",
        "https://social.example",
    )
    accounts.open(again.id)
    assert tokens == ["new-token", "new-token"]


def test_a_server_that_was_found_to_take_no_texts_is_shown_with_its_accounts(world: World) -> None:
    """As one that is known for it: for each account on it, until it runs something else."""
    servers, account = ServerStore(world.database), world.account
    host = urlsplit(account.url).netloc

    def told() -> str:
        (found,) = world.accounts.of_user(world.user.id)
        said = found.to_json()["drafts_only"]
        assert isinstance(said, str)
        return said

    assert told() == ""
    for software in ("", account.software.title):
        servers.remember(host, Learned(Way.NONE, software, reason="It keeps no edits."))
        assert told() == f"It keeps no edits. {BY_HAND}"
    servers.remember(host, Learned(Way.NONE, "Novum 0.1", reason="It keeps no edits."))
    assert told() == ""
    servers.remember(host, Learned(Way.EDIT, account.software.title, is_proved=True))
    assert told() == ""


@pytest.mark.every_database
def test_two_users_may_connect_the_same_account(world: World) -> None:
    """An account on a server may be looked after by several people, each with rows of their own."""
    bob = world.users.create("bob", "correct horse")
    his = world.accounts.add(bob.id, "mastodon", "https://social.example", "token-of-bob")
    assert his.id != world.account.id
    with pytest.raises(NotFound):
        world.accounts.get(world.account.id, bob.id)
    with pytest.raises(NotFound):
        world.accounts.remove(world.account.id, bob.id)
    assert world.accounts.get(his.id, None) == his


def test_a_refused_token_connects_nothing(world: World) -> None:
    """The server's refusal reaches the user, and no row stays behind."""
    bob = world.users.create("bob", "correct horse")

    def refuse(_: str) -> None:
        raise PlatformRefused("The token is not valid.", category=Category.AUTHENTICATION)

    world.platform.before = refuse
    with pytest.raises(PlatformRefused):
        world.accounts.add(bob.id, "mastodon", "https://social.example", "token")
    assert world.accounts.of_user(bob.id) == []


@pytest.mark.parametrize(
    ("url", "token", "field"),
    [
        ("", "token", "url"),
        ("ftp://social.example", "token", "url"),
        ("https://anna:secret@social.example", "token", "url"),
        ("https://social.example:99999", "token", "url"),
        ("https://so cial.example", "token", "url"),
        ("https://", "token", "url"),
        (f"https://{'a' * 250}.example", "token", "url"),
        ("https://social.example", " ", "token"),
        ("https://social.example", "to ken", "token"),
        ("https://social.example", "token\r\nX-Other: 1", "token"),
    ],
)
def test_a_wrong_address_or_token_is_named(world: World, url: str, token: str, field: str) -> None:
    """What can't be right is refused before anybody is asked."""
    with pytest.raises(InvalidInput) as refused:
        world.accounts.add(world.user.id, "mastodon", url, token)
    assert list(refused.value.fields) == [field]


def test_a_token_of_a_lost_key_asks_for_a_new_connection(world: World) -> None:
    """With another encryption key the account is there, and opening it says what to do."""
    other_key = FERNET_KEY.replace("FvG0", "AvG0")
    accounts = AccountStore(world.database, Box(other_key), lambda *_: world.platform)
    with pytest.raises(PlatformRefused, match="connect it again") as refused:
        accounts.open(world.account.id)
    assert refused.value.category is Category.AUTHENTICATION


@pytest.mark.req("11.4", "integrity kept")
@pytest.mark.every_database
def test_forgetting_an_account_forgets_what_hangs_on_it(world: World) -> None:
    """Posts, pictures and drafts go with their account; the user stays."""
    world.draft(make_post(1, "", ""))
    world.accounts.remove(world.account.id, world.user.id)
    with world.database.read() as session:
        left = [
            session.scalar(select(func.count()).select_from(table))
            for table in (PostRow, PictureRow, DraftRow)
        ]
    assert left == [0, 0, 0]
    assert world.users.get(world.user.id) is not None
    for gone in (world.account.id, 2**70):
        with pytest.raises(NotFound):
            world.accounts.open(gone)


def test_a_problem_is_shown_and_cleared(world: World) -> None:
    """A long problem fits, and "" clears it."""
    world.accounts.set_problem(world.account.id, "no " * 200)
    assert world.accounts.get(world.account.id, None).problem.startswith("no no")
    world.accounts.set_problem(world.account.id, "")
    assert world.accounts.get(world.account.id, None).problem == ""
