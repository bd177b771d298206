"""Alt texts on pretend servers: what counts as the same, whose stays, and how long it takes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.pretend_servers import PretendServer
from tests.pretend_software import (
    WRITING,
    Akkoma,
    GoToSocial,
    Mastodon43,
    Pixelfed,
    Takahe,
    UnknownTakahe,
)
from tests.support_publishing import ada_on

from altwright.errors import PlatformRefused, RateLimited
from altwright.platforms.publishing.outcomes import Publication
from altwright.platforms.publishing.text_comparison import AltText
from altwright.platforms.refusals import PlatformGone

# --- texts ---


def test_markdown_stays_markdown() -> None:
    """Akkoma and glitch-soc name what a post was written as, and an edit without it is plain."""
    server = Akkoma()
    post_id = server.add(content_type="text/markdown")
    with ada_on(server) as ada:
        ada.publish(post_id, "A door.")
    assert server.posts[post_id]["content_type"] == "text/markdown"


@pytest.mark.parametrize("text", ["Tom & Jerry", "a < b > c", 'He said "no".', "One\ntwo", "it's"])
def test_pixelfeds_html_is_no_other_text(text: str) -> None:
    """A text that it keeps with entities and CRLF is there, and isn't written again."""
    server = Pixelfed()
    post_id = server.add()
    with ada_on(server, "pixelfed") as ada:
        for _ in range(2):
            assert len(ada.publish(post_id, text).published) == 1
            ada.another_day()
        assert ada.platform.post(post_id).media[0].description == text
    assert len(server.described) == 1


@pytest.mark.parametrize("kind", WRITING)
def test_a_text_that_nobody_has_seen_stays_and_its_neighbours_are_published(
    kind: type[PretendServer],
) -> None:
    """Somebody wrote "By hand & heart" meanwhile; only what was seen is replaced."""
    server = kind()
    post_id = server.add(
        texts=("By hand &amp; heart" if kind is Pixelfed else "By hand & heart", "")
    )
    first, second = server.media_ids(post_id)
    with ada_on(server) as ada:
        found = ada.publish(post_id, "A door.", "Another.")
        assert found.theirs == {first: "By hand & heart"}
        assert found.published == {second}
        assert "By hand" in server.texts(post_id)[0]
        assert ada.publish(post_id, "A door.", "Another.") == found
        seen = ada.publish(post_id, "A door.", seen="By hand & heart")
    assert seen.published == {first}
    assert server.texts(post_id)[0] == "A door."


def test_what_a_server_makes_of_a_text_is_told_as_its_readers_see_it() -> None:
    """It has taken the text, and kept the beginning."""

    class Cutting(Pixelfed):
        """Keeps little."""

        def describe(self, post: dict[str, Any], medium: dict[str, Any], text: str) -> None:
            super().describe(post, medium, text[:5])

    server = Cutting()
    post_id = server.add()
    with ada_on(server, "pixelfed") as ada:
        found = ada.publish(post_id, "A & B and more.")
    assert found.unkept == {server.media_ids(post_id)[0]: "A & B"}
    assert (found.published, found.missing) == (frozenset(), frozenset())


def test_a_picture_that_an_edit_loses_is_missing() -> None:
    """Its text is neither published nor another; that the picture is gone is said as well."""

    class Losing(Mastodon43):
        """Keeps one picture."""

        def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
            answer = super().edit(post, edit)
            del post["media"][1:]
            return answer

    server = Losing()
    post_id = server.add()
    first, second = server.media_ids(post_id)
    with ada_on(server) as ada:
        found = ada.publish(post_id, "A door.", "Another.")
    assert found == Publication(
        published=frozenset({first}),
        missing=frozenset({second}),
        changed=("the pictures or their order",),
    )


def test_a_removed_picture_blocks_nobody() -> None:
    """The texts of the other pictures are published."""
    server = Mastodon43()
    post_id = server.add()
    first, second = server.media_ids(post_id)
    with ada_on(server) as ada:
        del server.posts[post_id]["media"][0]
        wanted = {first: AltText("A door."), second: AltText("Another.")}
        found = ada.platform.publish_alt_texts(post_id, wanted, ada.memory)
        assert ada.platform.publish_alt_texts(post_id, wanted, ada.memory) == found
    assert found == Publication(published=frozenset({second}), missing=frozenset({first}))


def test_a_deleted_post_is_gone() -> None:
    """It is told apart from a refusal."""
    server = Mastodon43()
    post_id = server.add()
    with ada_on(server) as ada:
        media = server.media_ids(post_id)
        del server.posts[post_id]
        with pytest.raises(PlatformGone):
            ada.platform.publish_alt_texts(post_id, {media[0]: AltText("A.")}, ada.memory)


def test_an_empty_text_is_never_published() -> None:
    """It would take away what is there."""
    server = Mastodon43()
    with ada_on(server) as ada, pytest.raises(PlatformRefused, match="empty"):
        ada.publish(server.add(), " \n")
    assert server.requests == []


# --- time ---


@pytest.mark.parametrize("kind", [Mastodon43, GoToSocial, Pixelfed, Akkoma, UnknownTakahe])
@pytest.mark.parametrize("lag_reads", [1, 4])
def test_a_read_that_lags_behind_is_waited_for(kind: type[PretendServer], lag_reads: int) -> None:
    """It is read again some times, and never written twice."""
    server = kind(lag_reads=lag_reads)
    post_id = server.add()
    with ada_on(server) as ada:
        assert ada.publish(post_id, "A door.").published
    assert len(server.edits) <= 1
    assert len(server.described) <= 1
    assert 0 < ada.time.waited_s <= 15


def test_a_text_that_does_not_show_is_no_success_and_no_second_edit() -> None:
    """On a server that has shown others before."""
    server = Mastodon43()
    first, second = server.add(), server.add()
    with ada_on(server) as ada:
        ada.publish(first, "A door.")
        server.lag_reads = 99
        found = ada.publish(second, "A door.")
    assert found.unkept == {server.media_ids(second)[0]: ""}
    assert server.edits == [first, second]
    assert not any("/media/" in one for one in server.requests)


def test_an_edit_between_source_and_status_is_noticed() -> None:
    """The author's new words win: both are read again, and go into the edit."""
    server = Mastodon43()
    post_id = server.add()

    def edit_once(_method: str, path: str) -> None:
        if path.endswith(f"/{post_id}") and not server.edits:
            server.before = lambda *_: None
            post = server.posts[post_id]
            server.edit(post, {"status": "New words", "media_ids": server.media_ids(post_id)})

    with ada_on(server) as ada:
        server.before = edit_once
        assert ada.publish(post_id, "A door.").published
    assert server.posts[post_id]["text"] == "New words"


def test_a_post_that_is_edited_all_the_time_is_left_as_it_is() -> None:
    """Rather than undoing what its author does just now."""
    server = Mastodon43()
    post_id = server.add()

    def edit_always(_method: str, path: str) -> None:
        if path.endswith(f"/{post_id}"):
            media = server.media_ids(post_id)
            server.edit(server.posts[post_id], {"status": "Again", "media_ids": media})

    with ada_on(server) as ada:
        server.before = edit_always
        with pytest.raises(PlatformRefused, match="edited elsewhere"):
            ada.publish(post_id, "A door.")
    assert server.edits == []
    assert server.requests.count(f"GET /api/v1/statuses/{post_id}") == 3


@pytest.mark.parametrize(
    ("kind", "needed"), [(Mastodon43, 4), (Takahe, 4), (Akkoma, 8), (UnknownTakahe, 8)]
)
def test_no_post_is_begun_that_could_not_be_ended(kind: type[PretendServer], needed: int) -> None:
    """A refusal after the text is written would cost the proof that nothing else was changed."""
    server = kind()
    post_id = server.add()
    with ada_on(server) as ada:
        assert ada.platform.software.name
        for left in (needed - 1, needed):
            server.leave(left + 1)
            ada.platform.post(post_id)
            server.requests.clear()
            if left < needed:
                with pytest.raises(RateLimited):
                    ada.publish(post_id, "A door.", "Another.")
                assert server.requests == []
            else:
                assert len(ada.publish(post_id, "A door.", "Another.").published) == 2
                assert len(server.requests) <= needed
    assert server.refused == 0


def test_pixelfed_that_allows_no_more_edits_is_asked_a_minute_later() -> None:
    """The first picture's text is kept, and the next attempt writes the second's only."""
    server = Pixelfed()
    post_id = server.add()
    second = f"/api/v1/media/{server.media_ids(post_id)[1]}"
    server.refusals["PUT", second] = 429, {"error": "Too many attempts."}
    with ada_on(server, "pixelfed") as ada:
        with pytest.raises(RateLimited) as caught:
            ada.publish(post_id, "A door.", "Another.")
        assert caught.value.retry_in_s == 60
        server.refusals.clear()
        ada.publish(post_id, "A door.", "Another.")
    assert server.described == server.media_ids(post_id)
