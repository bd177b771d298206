"""Platforms: reading an account's posts and writing alt texts, on servers of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support_leaves import (
    OTHER_TOKEN,
    TOKEN,
    MastodonServer,
    mastodon_server,
)
from tests.support_publishing import Memory

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
from altwright.platforms.publishing.outcomes import Publication
from altwright.platforms.publishing.text_comparison import AltText
from altwright.platforms.reading import paging
from altwright.platforms.refusals import PlatformForbids

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=30)
#: For a server that never answers; long enough for the answers that come before.
HASTY = Outbound(frozenset({"127.0.0.1"}), timeout_s=3)


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
    profile = platform.introduction().profile
    host = server.url.removeprefix("http://")
    assert (profile.acct, profile.display_name) == (f"ada@{host}", "Ada")


def test_a_server_introduces_itself(server: MastodonServer, platform: Platform) -> None:
    """Who the account is, how long alt texts may be, and what the server runs."""
    introduced = platform.introduction()
    assert introduced.profile.acct == f"ada@{server.url.removeprefix('http://')}"
    assert (introduced.max_alt_length, introduced.platform) == (1500, "mastodon")
    assert introduced.software == platform.software
    platform.probe()


def test_a_server_without_a_limit_gets_mastodons(platform: Platform) -> None:
    """Where the server doesn't say how long an alt text may be, it is 1,500 characters."""
    assert platform.introduction().max_alt_length == 1500


def test_all_pages_are_read_newest_first(
    server: MastodonServer, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posts behind the first page are found too: ten posts on pages of three."""
    query = paging.FIRST_QUERY.replace("limit=40", "limit=3")
    monkeypatch.setattr(paging, "FIRST_QUERY", query)
    posted = [server.post(f"Post {number}", [server.upload()]) for number in range(10)]
    pages = list(platform.pages())
    assert [post.remote_id for page in pages for post in page.posts] == posted[::-1]
    assert [len(page.posts) for page in pages[:3]] == [3, 3, 3]
    # A page's cursor leads on from there, in another process too.
    rest = list(platform.pages(pages[1].next_cursor))
    assert [post.remote_id for page in rest for post in page.posts] == posted[3::-1]


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
    assert [post.remote_id for page in platform.pages() for post in page.posts] == [mine]


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
    found = platform.publish_alt_texts(status_id, {media[2]: AltText(alt)}, Memory())
    assert found == Publication(published=frozenset({media[2]}))
    after = platform.post(status_id)
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


def test_a_picture_that_is_gone_is_not_written_to(
    server: MastodonServer, platform: Platform
) -> None:
    """A picture that the author has removed meanwhile is named."""
    status_id = server.post("Here", [server.upload()])
    found = platform.publish_alt_texts(status_id, {"404": AltText("A door.")}, Memory())
    assert found == Publication(missing=frozenset({"404"}))


# --- faults ---


FAULTS: list[tuple[dict[str, Any], type[AltwrightError], Category]] = [
    ({"type": "status", "status": 500}, PlatformUnavailable, Category.SERVICE_DOWN),
    ({"type": "status", "status": 503}, PlatformUnavailable, Category.SERVICE_DOWN),
    ({"type": "ratelimit"}, RateLimited, Category.RATE_LIMIT),
    ({"type": "status", "status": 401}, PlatformRefused, Category.AUTHENTICATION),
    ({"type": "status", "status": 403}, PlatformForbids, Category.BAD_INPUT),
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
    # Only what isn't to answer gets no time: on a busy machine others need it.
    outbound = HASTY if effect["type"] == "timeout" else OUTBOUND
    connection = connect("mastodon", server.url, TOKEN, outbound)
    server.fault(f"/api/v1/statuses/{status_id}", effect, method=method)
    with pytest.raises(error) as caught:
        connection.publish_alt_texts(status_id, {media: AltText("A door.")}, Memory())
    assert caught.value.category is category
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_in_s == 300


@pytest.mark.req("11.6", "shown to users")
def test_errors_carry_no_token(server: MastodonServer) -> None:
    """A refused token is named as refused, never shown."""
    connection = connect("mastodon", server.url, "secret-token-of-nobody", OUTBOUND)
    with pytest.raises(PlatformRefused) as caught:
        connection.introduction()
    assert caught.value.category is Category.AUTHENTICATION
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
