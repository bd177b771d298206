"""Publishing on servers that answer oddly: nothing is lost, and nothing is a fault of ours."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from tests.pretend_servers import PretendServer, without_texts
from tests.pretend_software import Mastodon43, Mastodon45, Takahe, UnknownTakahe
from tests.support_leaves import Exchange
from tests.support_publishing import ada_on

from altwright.errors import PermanentError
from altwright.platforms.publishing.outcomes import (
    PostLeftAlone,
    Publication,
    VisibilityWidened,
)
from altwright.platforms.publishing.text_comparison import AltText

ODD: list[dict[str, Any]] = [
    {"mentions": [None, "bob", {}]},
    {"mentions": "bob"},
    {"poll": "yes"},
    {"poll": {"options": [None]}},
    {"quote_approval": ["public"]},
    {"quote_approval": {"automatic": "public", "manual": None}},
    {"edited_at": "yesterday"},
    {"visibility": 7},
    {"media_attachments": None},
    {"media_attachments": 7},
    {"media_attachments": "picture"},
    {"url": "\0javascript:alert(1)", "uri": ["x"]},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
@pytest.mark.parametrize("kind", [Mastodon45, Takahe])
def test_an_odd_answer_is_no_fault_of_ours(kind: type[PretendServer], odd: dict[str, Any]) -> None:
    """Whatever stands where something else should: the post is published, or left alone."""

    class Odd(kind):  # type: ignore[valid-type, misc] # mypy knows no class that is a parameter
        """Says odd things."""

        def entity(self, post: dict[str, Any]) -> dict[str, Any]:
            return {**super().entity(post), **odd}

    server = Odd()
    post_id = server.add()
    with ada_on(server) as ada, contextlib.suppress(PermanentError):
        found = ada.publish(post_id, "A door.")
        assert found.published or found.missing
    assert len(server.media_ids(post_id)) == 2


@pytest.mark.parametrize("lacking", ["text", "spoiler_text"])
def test_what_a_source_leaves_out_is_not_blanked(lacking: str) -> None:
    """An edit carries the whole post: without its text none is made."""

    class Reticent(Mastodon43):
        """Leaves something out of its sources."""

        def answer_source(self, exchange: Exchange, post: dict[str, Any]) -> None:
            super().answer_source(exchange, {key: post[key] for key in post if key != lacking})

    server = Reticent()
    post_id = server.add()
    before = without_texts(server.posts[post_id])
    with ada_on(server) as ada, contextlib.suppress(PostLeftAlone):
        ada.publish(post_id, "A door.")
    assert without_texts(server.posts[post_id]) == before
    assert server.edits == ([] if lacking == "text" else [post_id])


def test_the_alarms_words_can_be_stored_whatever_the_server_says() -> None:
    """They come into sentences, short and without control characters."""

    class Wordy(Mastodon43):
        """Has words of its own."""

        def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
            post["visibility"] = "ev\0ery\nbody " * 10_000
            return super().edit(post, edit)

    server = Wordy()
    with ada_on(server) as ada, pytest.raises(VisibilityWidened) as alarm:
        ada.publish(server.add("private"), "A door.")
    assert str(alarm.value).isprintable()
    assert len(str(alarm.value)) < 500


def test_an_unknown_server_that_shows_texts_late_is_not_edited() -> None:
    """It has taken the description of the picture; an edit would lose who is mentioned."""
    server = UnknownTakahe(lag_reads=5)  # as many as publishing waits for
    post_id = server.add(texts=("", "By hand.", "Lost."))
    first, second, lost = server.media_ids(post_id)
    with ada_on(server) as ada:
        wanted = {one: AltText("A door.") for one in (first, second, lost)}
        del server.posts[post_id]["media"][2]
        found = ada.platform.publish_alt_texts(post_id, wanted, ada.memory)
    assert found == Publication(
        frozenset({first}), theirs={second: "By hand."}, missing=frozenset({lost})
    )
    assert server.edits == []


@pytest.mark.parametrize(
    ("date", "edited_at", "reads"),
    [
        ("Mon, 01 Jan 2024 00:00:00 -0000", "2023-12-31T23:59:59.999Z", 1),
        ("Mon, 01 Jan 2024 00:00:00 -0000", "2024-01-01T00:00:00.000Z", 2),
        (f"Mon, 01 Jan {'9' * 20}", "2023-06-01T10:00:00.000Z", 2),
    ],
)
def test_a_server_whose_clock_says_odd_things_is_published_to(
    date: str, edited_at: str, reads: int
) -> None:
    """A date without a zone is UTC's; one that can't be is none: then nobody knows what came first.

    Nor does anybody within a second, so source and post are read again.
    """

    class OddClock(Mastodon43):
        """Dates its answers so."""

        def answer_source(self, exchange: Exchange, post: dict[str, Any]) -> None:
            exchange.date_time_string = lambda _timestamp=None: date  # type: ignore[assignment, method-assign]
            super().answer_source(exchange, post)

    server = OddClock()
    post_id = server.add(edited_at=edited_at)
    with ada_on(server) as ada:
        assert ada.publish(post_id, "A door.").published
    assert server.requests.count(f"GET /api/v1/statuses/{post_id}/source") == reads


def test_a_picture_that_cannot_be_read_is_not_lost_by_an_edit() -> None:
    """An edit keeps the pictures that it names; so a post with one that has no id isn't edited."""

    class Nameless(Mastodon43):
        """Leaves the second picture's id out."""

        def medium(self, medium: dict[str, Any]) -> dict[str, Any]:
            shown = super().medium(medium)
            return shown | {"id": None} if medium["id"].endswith("1") else shown

    server = Nameless()
    post_id = server.add()
    with ada_on(server) as ada, pytest.raises(PostLeftAlone, match="can't be read"):
        ada.publish(post_id, "A door.")
    assert server.edits == []
