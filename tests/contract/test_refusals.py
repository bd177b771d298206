"""What a server's refusals are taken for: this post's, the token's, the moment's."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from tests.pretend_reading import (
    OWN_ID,
    WALL,
    PretendServer,
    raw,
    said,
    status,
)
from tests.support_leaves import TOKEN, Exchange, serving

from altwright.errors import (
    AltwrightError,
    Category,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.net.http import Outbound
from altwright.platforms.connect import connect
from altwright.platforms.port import Platform
from altwright.platforms.refusals import PlatformForbids, PlatformGone

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=20)


def _call(server: PretendServer, call: Callable[[Platform], object]) -> AltwrightError:
    with serving(server.respond) as local, pytest.raises(AltwrightError) as caught:
        call(connect("mastodon", local.url, TOKEN, OUTBOUND))
    return caught.value


ME = "/api/v1/accounts/verify_credentials"
POST, STATUSES = "/api/v1/statuses/5", f"/api/v1/accounts/{OWN_ID}/statuses"
HTML = {"Content_Type": "text/html; charset=utf-8"}
A, B, D = Category.AUTHENTICATION, Category.BAD_INPUT, Category.SERVICE_DOWN
REFUSALS: list[tuple[str, str, Callable[[Exchange], None], type[AltwrightError], Category, str]] = [
    # what, path, answer → error, category, words
    ("401 on a post", POST, said(401, {"error": "x"}), PlatformRefused, A, "connect it again"),
    ("403 on a post", POST, said(403, {"error": "Not yours"}), PlatformForbids, B, "Not yours"),
    ("403 on the posts", STATUSES, said(403, {"error": "no"}), PlatformRefused, A, "token: no"),
    ("404 on a post", POST, said(404, {"error": "x"}), PlatformGone, B, "doesn't have it"),
    ("410 on a post", POST, said(410, {}), PlatformGone, B, "doesn't have it"),
    ("422 on a post", POST, said(422, {"error": "odd"}), PlatformRefused, B, r"\(422\): odd"),
    ("500 on a post", POST, said(500, {"error": "x"}), PlatformUnavailable, D, "in trouble"),
    ("a firewall's 403", POST, raw(403, WALL, **HTML), PlatformUnavailable, D, "bot protection"),
    ("a firewall's 503", POST, raw(503, WALL, **HTML), PlatformUnavailable, D, "bot protection"),
    ("a firewall's 200", POST, raw(200, WALL, **HTML), PlatformUnavailable, D, "bot protection"),
    ("a firewall's page as JSON", POST, raw(200, WALL), PlatformUnavailable, D, "bot protection"),
    (
        "a marked 403",
        POST,
        raw(403, "{}", cf_mitigated="challenge"),
        PlatformUnavailable,
        D,
        "bot protection",
    ),
    ("a bare 403", POST, raw(403, "Forbidden"), PlatformUnavailable, D, "bot protection"),
    ("a firewall for me", ME, raw(403, WALL, **HTML), PlatformUnavailable, D, "bot protection"),
    (
        "Takahē's 400",
        ME,
        said(400, {"error": "invalid_token"}),
        PlatformRefused,
        A,
        "invalid_token",
    ),
    ("401 for me", ME, said(401, {}), PlatformRefused, A, "connect it again"),
    ("403 for me", ME, said(403, {"error": "out_of_scope"}), PlatformRefused, A, "out_of_scope"),
    ("snac's 422", ME, said(422, {}), PlatformRefused, A, r"\(422\)"),
    ("429 for me", ME, said(429, {}), RateLimited, Category.RATE_LIMIT, "wait"),
    (
        "words with escapes",
        POST,
        said(400, {"error": "a\x1b[2J\0b\ud83d"}),
        PlatformRefused,
        B,
        r"a\[2Jb\.?$",
    ),
    (
        "words of 500 kB",
        POST,
        said(400, {"error": "ab " * 200_000}),
        PlatformRefused,
        B,
        "^.{50,300}$",
    ),
    (
        "words that are none",
        POST,
        said(400, {"error": [{}]}),
        PlatformRefused,
        B,
        r"refused \(400\)\.$",
    ),
    ("9 MB", POST, raw(200, "[" + " " * 9_000_000 + "]"), PlatformUnavailable, D, "too large"),
    ("deep JSON", POST, raw(200, "[" * 200_000), PlatformUnavailable, D, "isn't what"),
    ("a list of posts as a post", POST, said(200, []), PlatformUnavailable, D, "isn't what"),
    ("a post as a list of posts", STATUSES, said(200, {}), PlatformUnavailable, D, "isn't what"),
    (
        "a redirect without end",
        POST,
        lambda exchange: exchange.answer(302, Location=exchange.path),
        PlatformRefused,
        B,
        "redirected too often",
    ),
]


@pytest.mark.parametrize(
    ("path", "answer", "error", "category", "words"),
    [row[1:] for row in REFUSALS],
    ids=[row[0] for row in REFUSALS],
)
def test_a_refusal_says_whose_fault_it_is(
    path: str,
    answer: Callable[[Exchange], None],
    error: type[AltwrightError],
    category: Category,
    words: str,
) -> None:
    """The post's, the token's, the moment's: each in its own words."""
    server = PretendServer([status(5)], answers={path: answer})
    calls: dict[str, Callable[[Platform], object]] = {
        POST: lambda platform: platform.post("5"),
        STATUSES: lambda platform: list(platform.pages()),
        ME: lambda platform: platform.probe(),
    }
    caught = _call(server, calls[path])
    assert isinstance(caught, error)
    assert caught.category is category
    assert re.search(words, str(caught)), str(caught)
    assert str(caught).isprintable()


def test_a_probe_tells_token_and_server_from_a_post() -> None:
    """It is silent while both work, and its refusals are the token's alone."""
    with serving(PretendServer().respond) as local:
        connect("mastodon", local.url, TOKEN, OUTBOUND).probe()
    for code in (404, 410):
        caught = _call(PretendServer(answers={ME: said(code, {})}), lambda one: one.probe())
        assert isinstance(caught, PlatformUnavailable)


def test_a_token_goes_to_its_own_server_only() -> None:
    """A redirect elsewhere isn't followed; the words say which address to connect."""
    with serving(said(200, {"id": "5"})) as other:
        target = other.url.replace("127.0.0.1", "localhost") + "/5"
        server = PretendServer(answers={POST: lambda one: one.answer(302, Location=target)})
        caught = _call(server, lambda one: one.post("5"))
        assert other.calls == []
    assert f"leads to localhost:{other.port}. Connect that address." in str(caught)


def test_a_redirect_on_the_same_server_is_followed() -> None:
    """With the token; GoToSocial redirects addresses with a slash at the end."""
    server = PretendServer([status(5)], answers={})
    server.answers["/api/v1/statuses/9"] = lambda one: one.answer(301, Location=POST)
    with serving(server.respond) as local:
        assert connect("mastodon", local.url, TOKEN, OUTBOUND).post("9").remote_id == "5"


def test_one_deadline_holds_over_all_redirects() -> None:
    """Each hop begins no time of its own: endless slow hops end as one call does."""
    hops = itertools.count()

    def hop(exchange: Exchange) -> None:
        next(hops)
        exchange.server.closing.wait(0.3)
        exchange.answer(302, Location=exchange.path)

    server = PretendServer(answers={POST: hop})
    hasty = Outbound(frozenset({"127.0.0.1"}), timeout_s=0.7)
    with serving(server.respond) as local, pytest.raises(PlatformUnavailable) as caught:
        connect("mastodon", local.url, TOKEN, hasty).post("5")
    assert caught.value.category is Category.TIMEOUT
    assert next(hops) < 6
