"""Platforms on servers whose every answer a test decides: Pixelfed, odd servers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support import free_port
from tests.support_leaves import TOKEN, Exchange, PixelfedServer, serving

from altwright.errors import (
    Category,
    InvalidInput,
    OutboundRefused,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from altwright.net.http import Outbound
from altwright.platforms.connect import PLATFORMS, connect
from altwright.platforms.reading.html_text import plain_text

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
        elif exchange.path.endswith("/accounts/verify_credentials"):
            exchange.answer(200, {"id": "1", "acct": "ada"})
        else:
            exchange.answer(404, {"error": "Record not found"})

    with serving(respond) as local:
        assert connect("mastodon", local.url, TOKEN, OUTBOUND).introduction().max_alt_length == 5000


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
        posts = [post for page in connection.pages() for post in page.posts]
        introduced = connection.introduction()
        assert (introduced.max_alt_length, introduced.profile.acct) == (
            420,
            "ada@pixel.example",
        )
    assert [post.remote_id for post in posts] == mine[::-1]
    assert (posts[0].text, posts[0].language) == ("Post 4", None)
    assert (posts[0].media[0].width, posts[0].media[0].height) == (640, 480)


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
        ({"Retry-After": "31536000"}, 86_400),
        ({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, 86_400),
        (
            {
                "X-RateLimit-Reset": "2027-03-01T10:00:00.000000Z",
                "Date": "Sun, 01 Mar 2026 10:00:00 GMT",
            },
            86_400,
        ),
        ({"Retry-After": f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"}, 60),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999"}, 60),
        ({"Retry-After": "Mon, 01 Jan 0001 00:00:00 -0000"}, 0),
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
        connect("mastodon", local.url, TOKEN, OUTBOUND).introduction()
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
        with pytest.raises((PlatformUnavailable, PlatformRefused), match="server's answer"):
            connection.introduction()
        with pytest.raises((PlatformUnavailable, PlatformRefused), match="server's answer"):
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
        connect("mastodon", local.url, "keys", OUTBOUND).introduction()
    assert local.calls[0].headers["Authorization"] == "Bearer keys"


def test_a_private_address_is_refused() -> None:
    """A user can't make the service call its own network."""
    closed = Outbound(frozenset(), timeout_s=30)
    with (
        serving(lambda exchange: exchange.answer(200, {})) as local,
        pytest.raises(OutboundRefused, match="private network"),
    ):
        connect("mastodon", local.url, TOKEN, closed).introduction()
    assert local.calls == []


@pytest.mark.parametrize("url", ["http://m.invalid", "http://M.invalid:8080", "http://1.1.1.1"])
def test_no_token_is_sent_in_clear(url: str) -> None:
    """Unless the operator has named the host; nothing is called before."""
    with pytest.raises(InvalidInput) as error:
        connect("mastodon", url, TOKEN, OUTBOUND).introduction()
    assert "should begin with https://" in error.value.fields["url"]
    named = Outbound(frozenset({urlsplit(url).netloc.lower()}), timeout_s=30)
    assert not named.is_overheard(url)
    assert not OUTBOUND.is_overheard(url.replace("http:", "https:"))


@pytest.mark.parametrize("url", ["http://müller.example", "http://XN--mller-kva.example."])
def test_a_named_host_is_known_in_each_spelling(url: str) -> None:
    """The setting has the one in which it is called."""
    assert not Outbound(frozenset({"xn--mller-kva.example"}), timeout_s=30).is_overheard(url)
    assert OUTBOUND.is_overheard(url)


@pytest.mark.parametrize(
    ("platform_name", "url", "token", "field"),
    [
        ("myspace", "https://m.example", "abc", "platform"),
        ("mastodon", "ftp://m.example", "abc", "url"),
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
