"""Connecting to servers that say odd things, or nothing: on each database, and for all users."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import pytest
from tests.pretend_reading import OWN_ID, WALL, PretendServer, raw, said
from tests.support import wait_until
from tests.support_domain import World, make_world
from tests.support_leaves import TOKEN, Exchange, LocalServer, serving

from altwright.accounts import connecting
from altwright.accounts.connections import Account, AccountStore
from altwright.db.session import Database
from altwright.errors import (
    AltwrightError,
    Busy,
    Category,
    Conflict,
    PlatformRefused,
    PlatformUnavailable,
)
from altwright.net.http import Outbound
from altwright.platforms import mastodon
from altwright.platforms.connect import connect
from altwright.platforms.software import Software

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=20)
ME = "/api/v1/accounts/verify_credentials"
INSTANCE = "/api/v2/instance"
HTML = {"Content_Type": "text/html"}
pytestmark = pytest.mark.every_database


@pytest.fixture
def world(database: Database) -> World:
    """Return anna, whose accounts lie on real servers."""
    made = make_world(database)
    made.accounts = AccountStore(database, made.box, partial(connect, outbound=OUTBOUND))
    return made


def _add(world: World, server: PretendServer, platform: str = "mastodon") -> Account:
    with serving(server.respond) as local:
        return world.accounts.add(world.user.id, platform, local.url, TOKEN)


def _limit(value: Any) -> dict[str, Any]:
    return {"configuration": {"media_attachments": {"description_limit": value}}}


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (10**30, 1500),
        (2**63 - 1, 1500),
        (2**31, 1500),
        (10_001, 1500),
        (10_000, 10_000),
        (5000, 5000),
        (1, 1),
        (0, 1500),
        (-1, 1500),
        (True, 1500),
        (420.5, 1500),
        ("420", 420),
        ("many", 1500),
        ("9" * 100_000, 1500),
        (None, 1500),
        ([], 1500),
    ],
    ids=lambda value: f"{value!r:.12}",
)
def test_a_limit_is_believed_within_bounds(world: World, limit: Any, kept: int) -> None:
    """What no alt text is as long as counts as nothing said."""
    server = PretendServer(instance=_limit(limit) | {"domain": "pretend.example"})
    assert _add(world, server).max_alt_length == kept


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ({"id": 7, "acct": "a\ud83dnn\0"}, "ann@pretend.example"),
        ({"id": "7", "acct": "\u202eann"}, "ann@pretend.example"),
        ({"id": "7", "username": "ann"}, "ann@pretend.example"),
        ({"id": "7", "acct": "ann", "display_name": "\x1b[2J\0x" * 100_000}, "ann@pretend.example"),
        ({"id": "7", "acct": "ann", "avatar": "javascript:alert(1)"}, "ann@pretend.example"),
        ({"id": "7", "acct": "ann", "avatar": "https://a/" + "x" * 10**6}, "ann@pretend.example"),
        ({"id": "7", "acct": "x" * 500_000}, None),
        ({"id": "7", "acct": "\0"}, None),
        ({"id": "7", "acct": ["ann"]}, None),
        ({"id": "7"}, None),
        ({"id": "9" * 100_000, "acct": "ann"}, None),
        ({"id": "\0", "acct": "ann"}, None),
        ({"id": None, "acct": "ann"}, None),
        ({"acct": "ann"}, None),
        ({}, None),
    ],
    ids=lambda value: f"{value!r:.40}",
)
def test_an_odd_account_is_cleaned_or_refused(
    world: World, account: dict[str, Any], shown: str | None
) -> None:
    """Each database takes what is kept; nothing is cut to another account's name."""
    server = PretendServer(account=account)
    if shown is None:
        with pytest.raises(PlatformRefused, match="The server's answer names no"):
            _add(world, server)
        return
    added = _add(world, server)
    assert added.acct == shown
    assert len(added.display_name) <= 255
    assert (added.display_name + added.avatar_url + added.acct).isprintable()
    assert not added.avatar_url.startswith("javascript:")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (INSTANCE, said(404, {})),
        (INSTANCE, said(403, {"error": "x"})),
        (INSTANCE, said(500, {})),
        (INSTANCE, raw(200, "<h1>Hello</h1>", **HTML)),
        (INSTANCE, said(200, [])),
        (INSTANCE, said(200, {"domain": 7, "version": [], "configuration": 5})),
        (INSTANCE, said(200, {"domain": None, "version": "x" * 10**6})),
        ("/.well-known/nodeinfo", said(200, {"links": [None, {"href": 5}, {"href": "//["}]})),
        ("/.well-known/nodeinfo", said(200, {"links": [{"href": "x:/nodeinfo/9"}]})),
        ("/.well-known/nodeinfo", raw(200, "[" * 10**6)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server_that_describes_itself_oddly_is_connected(
    world: World, path: str, answer: Callable[[Exchange], None]
) -> None:
    """Domain and limit have defaults, and the software is unknown."""
    server = PretendServer(answers={path: answer}, instance={})
    added = _add(world, server)
    assert added.acct.startswith("anna@")
    assert added.max_alt_length == 1500


REFUSED = [
    (said(400, {"error": "invalid_token"}), "accept this token"),
    (said(401, {"error": "x"}), "accept this token"),
    (said(403, {"error": "out_of_scope_for_token"}), "out_of_scope_for_token"),
    (said(422, {}), "accept this token"),
]


@pytest.mark.parametrize(("answer", "words"), REFUSED)
def test_a_refused_token_is_called_that(
    world: World, answer: Callable[[Exchange], None], words: str
) -> None:
    """Whichever code the server chooses; the words say what a token needs."""
    with pytest.raises(PlatformRefused, match=words) as caught:
        _add(world, PretendServer(answers={ME: answer}))
    assert caught.value.category is Category.AUTHENTICATION
    assert "read and write" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (raw(403, WALL, **HTML), PlatformUnavailable, "bot protection"),
        (said(404, {}), PlatformRefused, "no Mastodon API"),
        (
            lambda one: one.answer(301, Location="https://www.example/api/v1/me"),
            PlatformRefused,
            r"^The server's address leads to www\.example\. Connect that address\.$",
        ),
        (
            lambda one: one.answer(301, Location=one.path),
            PlatformRefused,
            "^The server's address is redirected too often",
        ),
        (raw(200, "<h1>Hello</h1>", **HTML), PlatformUnavailable, "isn't what"),
        (said(500, {}), PlatformUnavailable, "in trouble"),
    ],
)
def test_what_isnt_the_token_isnt_called_so(
    world: World,
    answer: Callable[[Exchange], None],
    error: type[AltwrightError],
    words: str,
) -> None:
    """A firewall, another kind of server, a server in trouble."""
    with pytest.raises(error, match=words) as caught:
        _add(world, PretendServer(answers={ME: answer}))
    assert caught.value.category is not Category.AUTHENTICATION


# --- what the token may do, and what the server can ---

APP = "/api/v1/apps/verify_credentials"
POSTS = f"/api/v1/accounts/{OWN_ID}/statuses"
ODD_SCOPES: tuple[Any, ...] = (None, [], "", 7, {})
PIXELFED = "3.5.3 (compatible; Pixelfed 0.12)"


@pytest.mark.parametrize(
    ("version", "scopes", "missing"),
    [
        ("4.5.0", ["read", "write"], ""),
        ("4.5.0", ["read:accounts", "read:statuses", "write:statuses"], ""),
        ("4.5.0", ["read", "write:media"], "write:statuses"),
        ("4.5.0", ["profile", "write"], "read:statuses"),
        ("4.5.0", ["read:accounts"], "read:statuses, write:statuses"),
        (PIXELFED, ["read", "write:statuses"], "write:media"),
        ("novum 1", "read:statuses", "write:statuses, write:media"),
        ("4.0.2", ["read"], ""),  # nothing is written there anyway
        ("takahe/0.11", ["read", "write", "push"], ""),
    ],
)
def test_a_token_that_lacks_scopes_is_refused_with_their_names(
    world: World, version: str, scopes: Any, missing: str
) -> None:
    """Where the server says what the token's application may do, and of what its way needs."""
    source = "https://github.com/mastodon/mastodon" if version[:2] == "4." else ""
    instance = {"domain": "pretend.example", "version": version, "source_url": source}
    server = PretendServer(answers={APP: said(200, {"scopes": scopes})}, instance=instance)
    if not missing:
        assert _add(world, server).acct == "anna@pretend.example"
        return
    with pytest.raises(PlatformRefused, match=f"needs: {missing}\\. Make one") as caught:
        _add(world, server)
    assert caught.value.category is Category.AUTHENTICATION
    assert len(world.accounts.of_user(world.user.id)) == 1  # make_world's


@pytest.mark.parametrize(
    "answer",
    [
        said(404, {}),
        said(403, {"error": "This action is outside the authorized scopes"}),
        said(429, {}),
        said(500, {}),
        raw(200, "<h1>Hello</h1>", **HTML),
        *(said(200, {"scopes": odd}) for odd in ODD_SCOPES),
    ],
)
def test_a_server_that_names_no_scopes_has_none_missing(
    world: World, answer: Callable[[Exchange], None]
) -> None:
    """What isn't known isn't claimed."""
    assert _add(world, PretendServer(answers={APP: answer})).problem == ""


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [
        (said(403, {"error": "Forbidden: token has insufficient scope permission"}), True),
        (said(401, {"error": "x"}), True),
        (said(404, {}), False),
        (said(429, {}), False),
        (said(500, {}), False),
        (raw(403, WALL, **HTML), False),
    ],
)
def test_a_token_that_cant_read_posts_is_told_at_once(
    world: World,
    answer: Callable[[Exchange], None],
    is_refused: bool,  # noqa: FBT001 - a case
) -> None:
    """On every server: reading is tried. Trouble of the moment is no refusal."""
    server = PretendServer(answers={POSTS: answer})
    if is_refused:
        with pytest.raises(PlatformRefused, match=r"needs: read:statuses\."):
            _add(world, server)
    else:
        assert _add(world, server)


def test_connecting_writes_nothing(world: World) -> None:
    """Whatever it finds out, it asks with GET."""
    with serving(PretendServer().respond) as local:
        world.accounts.add(world.user.id, "mastodon", local.url, TOKEN)
    assert {call.method for call in local.calls} == {"GET"}


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("4.0.0 (not true; really snac/2.94)", "snac's API can't change the alt text"),
        ("4.0.2", "from version 4.1 on; this is 4.0.2"),
        ("4.5.0", ""),
        ("novum 1.0", ""),
    ],
)
def test_a_server_that_takes_no_alt_texts_is_connected_and_says_so(
    world: World, version: str, reason: str
) -> None:
    """At once, with the reason and what is left: texts can be drafted all the same."""
    server = PretendServer(instance={"domain": "pretend.example", "version": version})
    told = _add(world, server).to_json()["drafts_only"]
    assert (reason in told) if reason else told == ""
    assert ("can still draft" in told) == bool(reason)


# --- which server, which account ---


@pytest.mark.parametrize(
    ("version", "chosen", "platform", "software"),
    [
        ("takahe/0.11", "pixelfed", "mastodon", Software("takahe", "0.11")),
        ("4.5.0", "pixelfed", "mastodon", Software("mastodon", "4.5.0")),
        ("3.5.3 (compatible; Pixelfed 0.12)", "mastodon", "pixelfed", Software("pixelfed", "0.12")),
        ("", "pixelfed", "pixelfed", Software("pixelfed", "")),
        ("", "mastodon", "mastodon", Software("", "")),
    ],
)
def test_the_server_tells_which_platform_it_is(
    world: World, version: str, chosen: str, platform: str, software: Software
) -> None:
    """What was picked in the form counts only where the server says nothing."""
    server = PretendServer(instance={"domain": "pretend.example", "version": version})
    added = _add(world, server, chosen)
    assert (added.platform, added.software) == (platform, software)
    assert world.accounts.get(added.id, None).software == software
    assert added.to_json()["software"] == software.title


def test_another_server_cant_take_an_account_over(world: World) -> None:
    """It says that it has the same account; the real one's address and token stay."""
    with serving(PretendServer().respond) as real, serving(PretendServer().respond) as evil:
        added = world.accounts.add(world.user.id, "mastodon", real.url, TOKEN)
        with pytest.raises(Conflict, match="is connected already"):
            world.accounts.add(world.user.id, "mastodon", evil.url, TOKEN)
        assert world.accounts.get(added.id, None) == added
        again = world.accounts.add(world.user.id, "mastodon", real.url, TOKEN)
    assert again.id == added.id


def test_an_account_that_was_renamed_is_the_same(world: World) -> None:
    """Its server's id tells; drafts stay with it."""
    server = PretendServer()
    with serving(server.respond) as local:
        added = world.accounts.add(world.user.id, "mastodon", local.url, TOKEN)
        server.account = {**server.account, "acct": "anna_renamed"}
        again = world.accounts.add(world.user.id, "mastodon", local.url, TOKEN)
    assert (again.id, again.acct) == (added.id, "anna_renamed@pretend.example")


# --- time ---


def test_all_requests_of_a_connect_share_one_deadline(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that lets each of them wait doesn't get a time-out for each."""
    monkeypatch.setattr(mastodon, "CONNECT_S", 1.0)

    def slow(exchange: Exchange) -> None:
        exchange.server.closing.wait(0.4)
        is_me = exchange.path == ME
        exchange.answer(*((200, {"id": "7", "acct": "anna"}) if is_me else (404, {})))

    paths = (ME, INSTANCE, "/api/v1/instance", "/.well-known/nodeinfo")
    server = PretendServer(answers=dict.fromkeys(paths, slow))
    with serving(server.respond) as local:
        with suppress(PlatformUnavailable):  # which request is the last depends on the machine
            world.accounts.add(world.user.id, "mastodon", local.url, TOKEN)
        # Each answer takes less than the time of all: without a common end, none is cut.
        assert len(local.calls) < len(paths)


@contextmanager
def _tarpits(world: World, users: list[int]) -> Iterator[LocalServer]:
    """Let each of these users connect an account on a server that never answers."""
    with ExitStack() as stack:
        tarpit = stack.enter_context(serving(lambda exchange: exchange.wait_for_end()))

        def hang(user_id: int) -> None:
            with pytest.raises(AltwrightError):
                world.accounts.add(user_id, "mastodon", tarpit.url, TOKEN)

        threads = [threading.Thread(target=hang, args=(user_id,)) for user_id in users]
        for thread in threads:
            thread.start()
            stack.callback(thread.join)
        stack.callback(tarpit.hang_up)
        wait_until(lambda: len(tarpit.calls) == len(users), within_s=60)
        yield tarpit


def test_a_user_connects_one_account_at_a_time(world: World) -> None:
    """A second one is told to come again; somebody else isn't kept waiting."""
    bob = world.users.create("bob", "correct horse")
    with _tarpits(world, [world.user.id]), serving(PretendServer().respond) as local:
        with pytest.raises(Busy, match="Another account of yours") as caught:
            world.accounts.add(world.user.id, "mastodon", local.url, TOKEN)
        assert caught.value.retry_in_s
        assert local.calls == []
        assert world.accounts.add(bob.id, "mastodon", local.url, TOKEN).user_id == bob.id


def test_tarpits_get_some_threads_only(world: World) -> None:
    """However many connect to servers that never answer, the service has threads left."""
    many = [
        world.users.create(f"user-{number}", "correct horse").id
        for number in range(connecting.CONNECTS_MOST)
    ]
    with _tarpits(world, many), serving(PretendServer().respond) as local:
        with pytest.raises(Busy, match="Other accounts") as caught:
            world.accounts.add(world.user.id, "mastodon", local.url, TOKEN)
        assert caught.value.status == 503
    with serving(PretendServer().respond) as local:
        world.accounts.add(world.user.id, "mastodon", local.url, TOKEN)
