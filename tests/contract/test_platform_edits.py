"""Platforms on servers whose every answer a test decides: edits, Pixelfed, odd servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support import free_port
from tests.support_leaves import TOKEN, Exchange, PixelfedServer, StrictMastodon, serving

from altwright.errors import (
    Category,
    InvalidInput,
    OutboundRefused,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.outbound import Outbound
from altwright.platforms.connect import PLATFORMS, connect
from altwright.platforms.html_text import plain_text

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=30)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One<br>two<br />three</p><p>Four</p>", "One\ntwo\nthree\n\nFour"),
        (
            (
                '<p><a href="//a.example/b"><span class="invisible">https://</span><span>a.exam</span>'
                '<span class="invisible">ple/b</span></a></p>'
            ),
            "https://a.example/b",
        ),
        (
            (
                '<p>Hi <span class="h-card"><a href="https://m.example/@bo">@<span>bo</span></a></span>'
                ' <a href="https://m.example/tags/cats">#<span>cats</span></a></p>'
            ),
            "Hi @bo #cats",
        ),
        ("<p>1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;&#39;&#x1F600;</p>", "1 < 2 && 3 > 2 \"'😀"),
        ("<ul><li>a</li><li>b</li></ul><script>x()</script>", "- a\n\n- b"),
        ("<p>مرحبا<br>بك</p>", "مرحبا\nبك"),
        ("Plain\nsource lines", "Plain source lines"),
        ("", ""),
        ("<p>unclosed &amp <b>bold", "unclosed & bold"),
    ],
)
def test_html_becomes_the_text_that_people_read(html: str, text: str) -> None:
    """Breaks, paragraphs, links, mentions, tags and entities read as on the page."""
    assert plain_text(html) == text


@pytest.mark.parametrize("version", ["/api/v2/instance", "/api/v1/instance"])
def test_the_servers_limit_is_read_from_either_version(version: str) -> None:
    """description_limit counts, whether the server knows version 2 of the description or not."""

    def respond(exchange: Exchange) -> None:
        if exchange.path.startswith(version):
            limits = {"media_attachments": {"description_limit": 5000}}
            exchange.answer(200, {"uri": "m.example", "configuration": limits})
        else:
            exchange.answer(404, {"error": "Record not found"})

    with serving(respond) as local:
        assert connect("mastodon", local.url, TOKEN, OUTBOUND).max_alt_length() == 5000


# --- edits by Mastodon's rules ---


def test_an_edit_carries_all_that_the_post_has() -> None:
    """A server that drops what an edit leaves out keeps everything but the new alt text."""
    mastodon = StrictMastodon(content_type="text/markdown")
    mastodon.status["poll"] = {
        "options": [{"title": "Yes"}, {"title": "No"}],
        "multiple": True,
        "expired": False,
        "expires_at": "2999-01-01T00:00:00.000Z",
    }
    with serving(mastodon.respond) as local:
        connection = connect("mastodon", local.url, TOKEN, OUTBOUND)
        post = connection.publish_alt_texts("5", {"11": "A blue door."})
    edit = next(call for call in local.calls if call.method == "PUT").json
    assert edit["media_ids"] == ["11", "12"]
    assert edit["media_attributes"] == [
        {"id": "11", "description": "A blue door.", "focus": "-0.5,0.25"},
        {"id": "12", "description": "A red door."},
    ]
    assert (edit["status"], edit["spoiler_text"]) == ("Good *morning*", "Doors")
    assert (edit["sensitive"], edit["language"]) == (True, "de")
    assert edit["content_type"] == "text/markdown"
    assert (edit["poll"]["options"], edit["poll"]["multiple"]) == (["Yes", "No"], True)
    assert edit["poll"]["expires_in"] > 3600
    assert [one.description for one in post.media] == ["A blue door.", "A red door."]


def test_what_is_published_already_is_not_edited_again() -> None:
    """A second attempt after a crash makes no second edit for followers to see."""
    mastodon = StrictMastodon()
    with serving(mastodon.respond) as local:
        connection = connect("mastodon", local.url, TOKEN, OUTBOUND)
        post = connection.publish_alt_texts("5", {"12": " A red door.\n"})
    assert [call.method for call in local.calls] == ["GET"]
    assert post.media[1].description == "A red door."


def _cut(status: dict[str, Any]) -> None:
    status["media_attachments"][0]["description"] = "A bl"


def _swap(status: dict[str, Any]) -> None:
    status["media_attachments"].reverse()


def _reveal(status: dict[str, Any]) -> None:
    status.update(sensitive=False, spoiler_text="")


def _translate(status: dict[str, Any]) -> None:
    status["language"] = "en"


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_cut, "the alt text of picture 1"),
        (_swap, "the pictures or their order"),
        (_reveal, "the content warning, the mark as sensitive"),
        (_translate, "the language"),
    ],
)
def test_a_server_that_changes_something_else_is_told_on(spoil: Any, named: str) -> None:
    """What reads back otherwise than it should is refused, naming it, never taken as done."""
    mastodon = StrictMastodon(spoil=spoil)
    with serving(mastodon.respond) as local:
        connection = connect("mastodon", local.url, TOKEN, OUTBOUND)
        with pytest.raises(PlatformRefused, match=named):
            connection.publish_alt_texts("5", {"11": "A blue door."})


def test_an_edit_from_elsewhere_at_the_same_time_wins() -> None:
    """When the post is edited between our looks at it, nothing is written."""

    def edit(status: dict[str, Any]) -> None:
        status["edited_at"] = "2026-03-01T11:00:00.000Z"

    mastodon = StrictMastodon(between=edit)
    with serving(mastodon.respond) as local:
        connection = connect("mastodon", local.url, TOKEN, OUTBOUND)
        with pytest.raises(PlatformRefused, match="edited elsewhere"):
            connection.publish_alt_texts("5", {"11": "A blue door."})
    assert all(call.method == "GET" for call in local.calls)


def test_a_poll_that_has_ended_is_left_alone() -> None:
    """An edit would open an ended poll again, so there is none."""
    poll = {"options": [], "expired": True, "expires_at": "2026-03-01T10:00:00.000Z"}
    mastodon = StrictMastodon(status={"poll": poll})
    with serving(mastodon.respond) as local:
        connection = connect("mastodon", local.url, TOKEN, OUTBOUND)
        with pytest.raises(PlatformRefused, match="poll that has ended"):
            connection.publish_alt_texts("5", {"11": "A blue door."})
    assert all(call.method == "GET" for call in local.calls)


# --- Pixelfed ---


def test_pixelfed_is_read_without_link_headers() -> None:
    """Pages are followed by the last post's id; boosts and foreign posts stay out."""
    pixelfed = PixelfedServer()
    mine = [pixelfed.add(f"<p>Post {number}</p>", None) for number in range(5)]
    pixelfed.add("<p>Boost</p>", None, reblog={"id": "1"})
    pixelfed.add("<p>Foreign</p>", None, account={"id": "78"})
    pixelfed.add("<p>No picture</p>")
    with serving(pixelfed.respond) as local:
        connection = connect("pixelfed", local.url, TOKEN, OUTBOUND)
        posts = list(connection.posts_with_media(50))
        assert (connection.max_alt_length(), connection.profile().acct) == (
            420,
            "ada@pixel.example",
        )
    assert [post.remote_id for post in posts] == mine[::-1]
    assert (posts[0].text, posts[0].language) == ("Post 4", None)
    assert (posts[0].media[0].width, posts[0].media[0].height) == (640, 480)


def test_pixelfed_gets_alt_texts_on_its_media() -> None:
    """Only the pictures that need it are written to; an escaped & counts as the &."""
    pixelfed = PixelfedServer()
    post_id = pixelfed.add("<p>Two</p>", None, "Tom &amp; Jerry")
    with serving(pixelfed.respond) as local:
        connection = connect("pixelfed", local.url, TOKEN, OUTBOUND)
        first, second = (one.remote_id for one in connection.post(post_id).media)
        connection.publish_alt_texts(post_id, {first: "Salt & pepper", second: "Tom & Jerry"})
    assert pixelfed.edits == 1
    media = pixelfed.posts[post_id]["media_attachments"]
    assert [one["description"] for one in media] == ["Salt &amp; pepper", "Tom &amp; Jerry"]


def test_pixelfed_that_loses_an_alt_text_is_told_on() -> None:
    """An edit that Pixelfed accepts and doesn't keep is no success."""
    pixelfed = PixelfedServer(loses_alt_texts=True)
    post_id = pixelfed.add("<p>One</p>", None)
    with serving(pixelfed.respond) as local:
        connection = connect("pixelfed", local.url, TOKEN, OUTBOUND)
        media = connection.post(post_id).media[0]
        with pytest.raises(PlatformRefused, match="alt text of picture 1"):
            connection.publish_alt_texts(post_id, {media.remote_id: "A door."})


def test_pixelfed_that_allows_no_more_edits_is_asked_a_minute_later() -> None:
    """The first picture's text is kept, and the next attempt writes the second's only."""
    pixelfed = PixelfedServer(refuse_edits_after=1)
    post_id = pixelfed.add("<p>Two</p>", None, None)
    with serving(pixelfed.respond) as local:
        connection = connect("pixelfed", local.url, TOKEN, OUTBOUND)
        texts = {one.remote_id: "A door." for one in connection.post(post_id).media}
        with pytest.raises(RateLimited) as caught:
            connection.publish_alt_texts(post_id, texts)
        pixelfed.refuse_edits_after = None
        connection.publish_alt_texts(post_id, texts)
    assert caught.value.retry_in_s == 60
    assert pixelfed.edits == 2


# --- odd servers ---


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "17"}, 17),
        (
            {
                "X-RateLimit-Reset": "2026-03-01T10:05:00.000000Z",
                "Date": "Sun, 01 Mar 2026 10:00:00 GMT",
            },
            300,
        ),
        ({"X-RateLimit-Reset": "soon"}, 60),
        ({}, 60),
    ],
)
def test_the_wait_is_the_servers_own(headers: dict[str, str], wait_s: float) -> None:
    """Retry-After wins, then the reset by the server's own clock, then a minute."""

    def respond(exchange: Exchange) -> None:
        exchange.send_response_only(429)
        for name, value in {"Content-Length": "0", **headers}.items():
            exchange.send_header(name, value)
        exchange.end_headers()

    with serving(respond) as local, pytest.raises(RateLimited) as caught:
        connect("mastodon", local.url, TOKEN, OUTBOUND).profile()
    assert caught.value.retry_in_s == pytest.approx(wait_s, abs=1)


def test_a_server_that_hangs_up_is_unavailable() -> None:
    """A connection that breaks, and one that nobody accepts, are network faults."""
    with (
        serving(lambda exchange: exchange.drop()) as local,
        pytest.raises(PlatformUnavailable) as caught,
    ):
        connect("mastodon", local.url, TOKEN, OUTBOUND).post("1")
    assert caught.value.category is Category.NETWORK
    with pytest.raises(PlatformUnavailable) as caught:
        connect("mastodon", f"http://127.0.0.1:{free_port()}", TOKEN, OUTBOUND).post("1")
    assert caught.value.category is Category.NETWORK


@pytest.mark.parametrize("body", [b"<!doctype html><title>Hi</title>", b"[1]", b'"x"', b"{}"])
def test_what_is_no_such_server_is_told_apart(body: bytes) -> None:
    """A page or JSON of another kind ends in a sentence, not in a fault of ours."""
    with serving(lambda exchange: exchange.answer(200, body)) as local:
        connection = connect("mastodon", local.url, TOKEN, OUTBOUND)
        with pytest.raises(PlatformUnavailable, match="server's answer"):
            connection.profile()
        with pytest.raises(PlatformUnavailable, match="server's answer"):
            connection.post("1")


def test_a_token_is_never_read_as_a_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that happens to be a file's path is sent as it is; the file stays private."""
    (tmp_path / "keys").write_text("contents-of-the-file\n")
    monkeypatch.chdir(tmp_path)
    with (
        serving(lambda exchange: exchange.answer(401, {"error": "no"})) as local,
        pytest.raises(PlatformRefused),
    ):
        connect("mastodon", local.url, "keys", OUTBOUND).profile()
    assert local.calls[0].headers["Authorization"] == "Bearer keys"


def test_a_private_address_is_refused() -> None:
    """A user can't make the service call its own network."""
    closed = Outbound(frozenset(), timeout_s=30)
    with (
        serving(lambda exchange: exchange.answer(200, {})) as local,
        pytest.raises(OutboundRefused, match="private network"),
    ):
        connect("mastodon", local.url, TOKEN, closed).profile()
    assert local.calls == []


@pytest.mark.parametrize(
    ("platform_name", "url", "token", "field"),
    [
        ("myspace", "https://m.example", "abc", "platform"),
        ("mastodon", "ftp://m.example", "abc", "url"),
        ("mastodon", "m.example", "abc", "url"),
        ("mastodon", "https://m.example:port", "abc", "url"),
        ("mastodon", "https://user:pw@m.example", "abc", "url"),
        ("pixelfed", "https://m.example", "a b", "token"),
        ("pixelfed", "https://m.example", "a\r\nX: y", "token"),
        ("pixelfed", "https://m.example", "", "token"),
    ],
)
def test_a_wrong_connection_names_the_field(
    platform_name: str, url: str, token: str, field: str
) -> None:
    """What can't be a connection is refused before anything is called."""
    with pytest.raises(InvalidInput) as caught:
        connect(platform_name, url, token, OUTBOUND)
    assert list(caught.value.fields) == [field]
    assert PLATFORMS == ("mastodon", "pixelfed")
