"""Platforms: reading an account's posts and writing alt texts, on servers of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import free_port
from tests.support_leaves import (
    OTHER_TOKEN,
    TOKEN,
    Exchange,
    MastodonServer,
    PixelfedServer,
    StrictMastodon,
    mastodon_server,
    serving,
)

from altwright.errors import (
    AltwrightError,
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
from altwright.platforms.port import Platform

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=5)
HASTY = Outbound(frozenset({"127.0.0.1"}), timeout_s=0.4)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MastodonServer]:
    """Run one mastodon-mock for the whole module."""
    directory: Path = tmp_path_factory.mktemp("mastodon")
    with mastodon_server(directory) as server:
        yield server


@pytest.fixture
def server(running: MastodonServer) -> MastodonServer:
    """Return a server without posts and faults."""
    running.reset()
    return running


@pytest.fixture
def platform(server: MastodonServer) -> Platform:
    """Return ada's connection."""
    return connect("mastodon", server.url, TOKEN, OUTBOUND)


# --- reading ---


def test_the_profile_names_user_and_host(server: MastodonServer, platform: Platform) -> None:
    """An account's acct is complete, so that two servers' users can be told apart."""
    profile = platform.profile()
    host = server.url.removeprefix("http://")
    assert (profile.acct, profile.display_name) == (f"ada@{host}", "Ada")
    assert profile.url.startswith(server.url)


def test_a_server_without_a_limit_gets_mastodons(platform: Platform) -> None:
    """Where the server doesn't say how long an alt text may be, it is 1,500 characters."""
    assert platform.max_alt_length() == 1500


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


def test_all_pages_are_read_newest_first(
    server: MastodonServer, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts behind the first page are found too: ten posts on pages of three."""
    monkeypatch.setattr("altwright.platforms.api.PAGE_POSTS", 3)
    posted = [server.post(f"Post {number}", [server.upload()]) for number in range(10)]
    assert [post.remote_id for post in platform.posts_with_media(100)] == posted[::-1]
    assert [post.remote_id for post in platform.posts_with_media(4)] == posted[:-5:-1]


def test_only_own_posts_with_media_are_read(server: MastodonServer, platform: Platform) -> None:
    """Boosts, posts without pictures and other people's posts are left alone."""
    files = {"file": ("b.png", b"", "image/png")}
    theirs = server.call("POST", "/api/v2/media", OTHER_TOKEN, files=files)["id"]
    foreign = server.call(
        "POST", "/api/v1/statuses", OTHER_TOKEN, json={"status": "Ben's", "media_ids": [theirs]}
    )["id"]
    server.call("POST", f"/api/v1/statuses/{foreign}/reblog")
    server.post("Only text")
    mine = server.post("Mine", [server.upload()])
    assert [post.remote_id for post in platform.posts_with_media(10)] == [mine]


def test_a_post_is_read_whole(server: MastodonServer, platform: Platform) -> None:
    """Text, warning, language, visibility and the pictures' order and alt texts arrive."""
    media = [server.upload(text) for text in (None, "A cup.", None, None)]
    status_id = server.post(
        "Tea & cake\nfor <all>\n\nhttps://tea.example/?a=1&b=2",
        media,
        spoiler_text="Food",
        sensitive=True,
        language="en",
        visibility="unlisted",
    )
    post = platform.post(status_id)
    assert post.text == "Tea & cake\nfor <all>\n\nhttps://tea.example/?a=1&b=2"
    assert (post.spoiler_text, post.sensitive, post.language) == ("Food", True, "en")
    assert (post.visibility, post.created_at.tzname()) == ("unlisted", "UTC")
    assert [(one.remote_id, one.position, one.description) for one in post.media] == [
        (media[0], 0, ""),
        (media[1], 1, "A cup."),
        (media[2], 2, ""),
        (media[3], 3, ""),
    ]
    assert {one.kind for one in post.media} == {"image"}


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


# --- writing ---


@pytest.mark.parametrize(
    "alt",
    [
        "A door.",
        "قطة سوداء تجلس على كرسي أحمر \u200f(صورة قديمة)\u200f",
        "Zeile eins\nZeile zwei & <drei> “vier” 🐈‍⬛",
        "x" * 1500,
    ],
)
def test_an_alt_text_arrives_and_nothing_else_changes(
    server: MastodonServer, platform: Platform, alt: str
) -> None:
    """Text, warning, mark, language, pictures and other alt texts stay as they were."""
    media = [server.upload(text) for text in (None, "A cup.", None, None)]
    kept = {"spoiler_text": "Food", "sensitive": True, "language": "ar"}
    status_id = server.post("**Tea** & <cake>\n\n مساء", media, **kept)
    before = platform.post(status_id)
    after = platform.publish_alt_texts(status_id, {media[2]: alt})
    assert [one.description for one in after.media] == ["", "A cup.", alt, ""]
    assert [one.remote_id for one in after.media] == media
    assert (after.text, after.language, after.sensitive, after.spoiler_text) == (
        before.text,
        "ar",
        True,
        "Food",
    )
    source = server.call("GET", f"/api/v1/statuses/{status_id}/source")
    assert source["text"] == "**Tea** & <cake>\n\n مساء"


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


def test_a_picture_that_is_gone_is_not_written_to(
    server: MastodonServer, platform: Platform
) -> None:
    """A text for a picture that the author has removed meanwhile is refused."""
    status_id = server.post("Here", [server.upload()])
    with pytest.raises(PlatformRefused, match="isn't in it any more"):
        platform.publish_alt_texts(status_id, {"404": "A door."})


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


# --- faults ---


FAULTS: list[tuple[dict[str, Any], type[AltwrightError], Category]] = [
    ({"type": "status", "status": 500}, PlatformUnavailable, Category.SERVICE_DOWN),
    ({"type": "status", "status": 503}, PlatformUnavailable, Category.SERVICE_DOWN),
    ({"type": "ratelimit"}, RateLimited, Category.RATE_LIMIT),
    ({"type": "status", "status": 401}, PlatformRefused, Category.AUTHENTICATION),
    ({"type": "status", "status": 403}, PlatformRefused, Category.AUTHENTICATION),
    ({"type": "status", "status": 404}, PlatformRefused, Category.BAD_INPUT),
    ({"type": "status", "status": 410}, PlatformRefused, Category.BAD_INPUT),
    ({"type": "status", "status": 422}, PlatformRefused, Category.BAD_INPUT),
    ({"type": "timeout"}, PlatformUnavailable, Category.TIMEOUT),
]
#: What an edit answers isn't read; the post is read back instead.
UNREADABLE: list[tuple[dict[str, Any], type[AltwrightError], Category]] = [
    ({"type": "malformed"}, PlatformUnavailable, Category.SERVICE_DOWN),
    ({"type": "malformed", "truncate": False}, PlatformUnavailable, Category.SERVICE_DOWN),
]


@pytest.mark.parametrize(
    ("method", "effect", "error", "category"),
    [
        *(("GET", *fault) for fault in FAULTS + UNREADABLE),
        *(("PUT", *fault) for fault in FAULTS),
    ],
)
def test_a_fault_says_what_can_be_done(
    server: MastodonServer,
    method: str,
    effect: dict[str, Any],
    error: type[AltwrightError],
    category: Category,
) -> None:
    """Each fault of a server, reading and writing, becomes the error of its remedy."""
    status_id = server.post("Here", [media := server.upload()])
    connection = connect("mastodon", server.url, TOKEN, HASTY)
    server.fault(f"/api/v1/statuses/{status_id}", effect, method=method)
    with pytest.raises(error) as caught:
        connection.publish_alt_texts(status_id, {media: "A door."})
    assert caught.value.category is category
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_in_s == 300


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


@pytest.mark.req("11.6")
def test_errors_carry_no_token(server: MastodonServer) -> None:
    """A refused token is named as refused, never shown."""
    connection = connect("mastodon", server.url, "secret-token-of-nobody", OUTBOUND)
    with pytest.raises(PlatformRefused) as caught:
        connection.profile()
    assert caught.value.category is Category.AUTHENTICATION
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


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
    closed = Outbound(frozenset(), timeout_s=2)
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
