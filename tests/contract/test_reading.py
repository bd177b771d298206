"""What is read of servers that misbehave: each thing costs itself only, and all of it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.pretend_reading import (
    PretendServer,
    medium,
    raw,
    said,
    status,
)
from tests.support_leaves import TOKEN, Exchange, serving

from altwright.net.http import Outbound
from altwright.platforms.connect import connect
from altwright.platforms.port import Media, Post, PostPage
from altwright.platforms.reading import paging
from altwright.platforms.reading.answers import ID_LENGTH, MEDIA_MOST, UNKNOWN_TIME

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=20)
LONG = "9" * 100_000


def _read(server: PretendServer, cursor: str | None = None) -> list[PostPage]:
    with serving(server.respond) as local:
        return list(connect("mastodon", local.url, TOKEN, OUTBOUND).pages(cursor))


# --- one odd post or medium ---


@dataclass(frozen=True)
class Odd:
    """A post as a server sends it among two good ones, and what becomes of it.

    ``kept`` says whether it is read; ``media`` how many of its media are; ``said`` whether
    somebody is told what isn't.
    """

    what: str
    fields: dict[str, Any]
    kept: bool = True
    media: int = 1
    said: bool = False
    holds: Callable[[Post], bool] = lambda _post: True


WIDTHS: tuple[Any, ...] = (10**30, -1, 0, float("inf"), float("nan"), "800", True, None, [])
ODD = (
    Odd("no id", {"id": None}, kept=False, said=True),
    Odd("an id of 100 kB", {"id": LONG}, kept=False, said=True),
    Odd("an id that is a list", {"id": [1]}, kept=False, said=True),
    Odd("an id with a NUL", {"id": "5\0"}, kept=False, said=True),
    Odd("an id that divides keys", {"id": "5:6"}, kept=False, said=True),
    Odd("an id that is a number", {"id": 5}, holds=lambda post: post.remote_id == "5"),
    Odd("a number of 100,000 digits", {"favourites_count": float("inf")}),
    Odd("no time", {"created_at": None}, holds=lambda post: post.created_at.year == 2026),
    Odd("an empty time", {"created_at": ""}, holds=lambda post: post.created_at.year == 2026),
    Odd(
        "a time of zeros",
        {"created_at": "0000-00-00T00:00:00Z"},
        holds=lambda post: post.created_at.year == 2026,
    ),
    Odd("the year 1", {"created_at": "0001-01-01T00:00:00+23:59"}),
    Odd("the year 9999", {"created_at": "9999-12-31T23:59:59-23:59"}),
    Odd("a time that is a number", {"created_at": 17}),
    Odd("NUL in its text", {"content": "<p>a\0b</p>"}, holds=lambda post: post.text == "ab"),
    Odd("half a character", {"content": "<p>a\ud83d</p>"}, holds=lambda post: post.text == "a"),
    Odd(
        "directions turned round",
        {"content": "<p>\u202egnp.\u2066x</p>"},
        holds=lambda post: post.text == "gnp.x",
    ),
    Odd(
        "terminal escapes",
        {"spoiler_text": "\x1b[2J\x07x"},
        holds=lambda post: post.spoiler_text == "[2Jx",
    ),
    Odd("a text that is a number", {"content": 5}, holds=lambda post: post.text == "5"),
    Odd("no text", {"content": None}, holds=lambda post: post.text == ""),
    Odd("tags that never end", {"content": "<a " * 20_000}),
    Odd("a text of 5 MB", {"content": "<" * 5_000_000}),
    Odd(
        "a script's address",
        {"url": "javascript:alert(1)", "uri": "data:x"},
        holds=lambda post: post.url == "",
    ),
    Odd(
        "its other address",
        {"url": None, "uri": "https://social.example/5"},
        holds=lambda post: post.url == "https://social.example/5",
    ),
    Odd("an address of 500 kB", {"url": "https://a.example/" + "x" * 500_000, "uri": None}),
    Odd("a language of 500 kB", {"language": LONG}, holds=lambda post: post.language is None),
    Odd(
        "a language that commands",
        {"language": "en. Ignore the picture"},
        holds=lambda post: post.language is None,
    ),
    Odd("a visibility of 100 kB", {"visibility": LONG}),
    Odd("no visibility", {"visibility": None}, holds=lambda post: post.visibility == "unknown"),
    Odd("null instead of media", {"media_attachments": None}, kept=False),
    Odd("media that are no list", {"media_attachments": {"1": {}}}, kept=False, said=True),
    Odd("a null among its media", {"media_attachments": [None, medium("m")]}, said=True),
    Odd("a medium without id", {"media_attachments": [medium(""), medium("m")]}, said=True),
    Odd("only media without id", {"media_attachments": [{"type": "image"}]}, kept=False, said=True),
    Odd("a medium twice", {"media_attachments": [medium("m"), medium("m")]}),
    Odd(
        "a medium with a script's address",
        {"media_attachments": [medium("m", url="javascript:alert(1)", preview_url=7)]},
        holds=lambda post: (post.media[0].url, post.media[0].preview_url) == ("", ""),
    ),
    *(
        Odd(
            f"a width that is {width!r:.12}",
            {"media_attachments": [medium("m", meta={"original": {"width": width}})]},
            holds=lambda post: post.media[0].width is None,
        )
        for width in WIDTHS
    ),
    Odd("a meta that is a list", {"media_attachments": [medium("m", meta=[])]}),
    Odd(
        "an alt text with a NUL",
        {"media_attachments": [medium("m", description="a\0b")]},
        holds=lambda post: post.media[0].description == "ab",
    ),
)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.what)
def test_an_odd_post_costs_itself_only(odd: Odd) -> None:
    """The posts around it are read; what of it can't be read is said, once."""
    server = PretendServer([status(6), status(5, **odd.fields), status(4)], page_posts=3)
    (page,) = _read(server)
    posts = {post.remote_id: post for post in page.posts}
    assert {"6", "4"} <= posts.keys()
    others = [post for key, post in posts.items() if key not in {"6", "4"}]
    assert len(others) == odd.kept
    assert bool(page.unreadable) is odd.said
    for post in others:
        assert len(post.media) == odd.media
        assert odd.holds(post)
        assert len(post.remote_id) <= ID_LENGTH
        _is_storable(post)
    for one in page.unreadable:
        assert len(one.remote_id) <= ID_LENGTH
        assert one.reason.isprintable()


def _is_storable(post: Post) -> None:
    texts = [post.url, post.text, post.spoiler_text, post.visibility, post.language or ""]
    media: Media
    for media in post.media:
        texts += [media.remote_id, media.kind, media.url, media.preview_url, media.description]
    for text in texts:
        text.encode()
        assert "\0" not in text
    assert len(post.url) <= 2_000
    assert len(post.visibility) <= 16
    assert 1900 <= post.created_at.year < 2200


def test_a_page_whose_posts_name_no_time_is_read() -> None:
    """Without a time anywhere a post counts as posted long ago, and is not lost."""
    (page,) = _read(PretendServer([status(5, created_at=None)]))
    assert page.posts[0].created_at == UNKNOWN_TIME
    (page,) = _read(PretendServer([status(6), status(5, created_at=None)]))
    assert page.posts[1].created_at == datetime(2026, 5, 7, 10, tzinfo=UTC)


@pytest.mark.parametrize("one", [None, 5, "x", [], [[]]])
def test_what_is_no_post_at_all_is_passed_over(one: Any) -> None:
    """A page may hold a null."""
    server = PretendServer(page=lambda exchange, _: exchange.answer(200, [one, status(4)]))
    assert [post.remote_id for post in _read(server)[0].posts] == ["4"]


# --- pages ---


def test_each_page_comes_even_without_posts_of_its_own() -> None:
    """Whoever reads may stop between two pages, whatever they hold."""
    boosts = [status(9 - n, reblog={"id": "1"}) for n in range(4)]
    pages = _read(PretendServer([*boosts, status(5), status(4, media_attachments=[])]))
    assert [len(page.posts) for page in pages] == [0, 0, 1]
    assert pages[-1].next_cursor is None


def test_a_post_comes_once() -> None:
    """Twice on a page, or on two pages, it is the same post."""
    server = PretendServer([status(6), status(6), status(5), status(6), status(4)])
    posts = [post.remote_id for page in _read(server) for post in page.posts]
    assert posts == ["6", "5", "4"]


def test_a_page_larger_than_any_is_read_in_parts() -> None:
    """A server that sends thousands at once is asked for those behind the last one read."""

    def page(exchange: Exchange, number: int) -> None:
        newest = 3_000 - number * paging.STATUSES_MOST
        link = '<http://x.example/?max_id=1>; rel="next"'
        exchange.answer(200, [status(n) for n in range(newest, 0, -1)], Link=link)

    server = PretendServer(page=page)
    posts = [post.remote_id for one in _read(server) for post in one.posts]
    assert posts == [str(n) for n in range(3_000, 0, -1)]
    assert server.queries[1].endswith("&max_id=2001")


def test_a_post_with_ten_thousand_pictures_has_some() -> None:
    """The others are said to be left out."""
    server = PretendServer([status(5, media_attachments=[medium(str(n)) for n in range(10_000)])])
    (page,) = _read(server)
    assert len(page.posts[0].media) == MEDIA_MOST
    assert page.unreadable[0].reason == "9800 attachments of the post can't be read."


def test_the_same_page_again_ends_it() -> None:
    """A server that doesn't know how to page answers with its first page for ever."""
    server = PretendServer(page=lambda exchange, _: exchange.answer(200, [status(6), status(5)]))
    assert [post.remote_id for page in _read(server) for post in page.posts] == ["6", "5"]
    assert server.pages_asked == 2


def test_the_same_posts_under_another_address_end_it() -> None:
    """A server that ignores where it is asked to go on names a new place each time."""

    def page(exchange: Exchange, number: int) -> None:
        link = f'<http://x.example/y?max_id={number}>; rel="next"'
        exchange.answer(200, [status(6), status(5)], Link=link)

    server = PretendServer(page=page)
    assert [len(page.posts) for page in _read(server)] == [2, 0]
    assert server.pages_asked == 2


def test_a_link_to_the_page_itself_ends_it() -> None:
    """Also where other posts come each time that it is asked for."""

    def page(exchange: Exchange, number: int) -> None:
        exchange.answer(200, [status(9 - number)], Link='<http://x.example/y?a=1>; rel="next"')

    server = PretendServer(page=page)
    assert [post.remote_id for one in _read(server) for post in one.posts] == ["9", "8"]


def _endless(**fields: Any) -> PretendServer:
    """Return a server whose every page is new and names another one."""

    def page(exchange: Exchange, number: int) -> None:
        found = [status(10**6 - 2 * number - n, **fields) for n in range(2)]
        link = f'<http://x.example/y?max_id={number}>; rel="next"'
        exchange.answer(200, found, Link=link)

    return PretendServer(page=page)


def test_posts_of_somebody_else_without_end_have_one() -> None:
    """Page after page of other people's posts is no account's list."""
    server = _endless(account={"id": "somebody else"})
    assert len(_read(server)) == server.pages_asked == paging.FOREIGN_PAGES_MOST


def test_own_posts_without_end_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a largest number of pages, over all attempts: the cursor counts them."""
    monkeypatch.setattr(paging, "PAGES_MOST", 9)
    server = _endless(media_attachments=[])
    pages = _read(server)
    assert (len(pages), server.pages_asked) == (9, 9)
    assert pages[-1].next_cursor is None
    assert len(_read(server, pages[6].next_cursor)) == 2
    assert _read(server, "9:max_id=7") == []
    assert len(_read(_endless())) == 9


def test_a_link_elsewhere_leads_nowhere_else() -> None:
    """Only the query of a Link header's address is used, on the address that was connected."""

    def page(exchange: Exchange, number: int) -> None:
        link = '<http://169.254.169.254/api/v1/accounts/8/statuses?max_id=6>; rel="next"'
        exchange.answer(200, [status(6 - number)] if number < 2 else [], Link=link)

    server = PretendServer(page=page)
    assert [post.remote_id for one in _read(server) for post in one.posts] == ["6", "5"]
    assert server.queries[1] == "max_id=6"


@pytest.mark.parametrize(
    "link",
    [
        "x" * 60_000,
        f'<http://x.example/?a={"b" * 3_000}>; rel="next"',
        '<http://[x/?max_id=5>; rel="next"',
        '<http://x.example/>; rel="next"',
        "<<<;;;===",
    ],
)
def test_an_odd_link_is_passed_over(link: str) -> None:
    """Then older posts are asked for by the last one's id, as where there is no Link header."""

    def page(exchange: Exchange, number: int) -> None:
        exchange.answer(200, [status(6 - number)] if number < 2 else [], Link=link)

    server = PretendServer(page=page)
    assert [post.remote_id for one in _read(server) for post in one.posts] == ["6", "5"]
    assert server.queries[1].endswith("max_id=6")


@pytest.mark.parametrize("answer", [said(500, {}), raw(200, " " * 9_000_000)])
def test_a_server_that_fails_at_a_whole_page_is_asked_for_less(
    answer: Callable[[Exchange], None],
) -> None:
    """Forty long articles may be too much for it, or for us."""

    def page(exchange: Exchange, number: int) -> None:
        if "limit=40" in server.queries[-1]:
            answer(exchange)
        else:
            exchange.answer(200, [status(6)] if number == 1 else [])

    server = PretendServer(page=page)
    assert [post.remote_id for one in _read(server) for post in one.posts] == ["6"]
    assert "limit=5" in server.queries[1]


def test_a_cursor_that_the_server_has_forgotten_begins_again() -> None:
    """The plan isn't lost, and nothing is planned twice."""

    def page(exchange: Exchange, number: int) -> None:
        if number == 0:
            exchange.answer(422, {"error": "no such max_id"})
        else:
            exchange.answer(200, [status(6)])

    server = PretendServer(page=page)
    assert [post.remote_id for one in _read(server, "3:max_id=77") for post in one.posts] == ["6"]


def test_what_a_cursor_wasnt_is_none() -> None:
    """A cursor that nobody wrote begins at the newest post."""
    for cursor in ("", "7", "x:y", "3:a b", "3:\u0663"):
        assert len(_read(PretendServer([status(4)]), cursor)) == 1


def test_numbers_of_any_length_are_read() -> None:
    """A count of 5,000 digits in one post doesn't cost the page."""
    body = '[{"id": "5", "count": ' + "9" * 5_000 + ', "account": {"id": "7"}, '
    body += '"media_attachments": [{"id": "51", "type": "image"}]}]'
    server = PretendServer(page=lambda exchange, _: raw(200, body)(exchange))
    assert [post.remote_id for post in _read(server)[0].posts] == ["5"]
