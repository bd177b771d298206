"""What an edit of a post carries, and what is said of one that came back different."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from altwright.platforms.publishing.comparing import (
    POLL_END_SLACK_S,
    differences,
    is_public,
    visibility,
    widened,
)
from altwright.platforms.publishing.editing import whole_edit
from altwright.platforms.publishing.outcomes import PostLeftAlone
from altwright.platforms.publishing.text_comparison import AltText, Look, look, same, shown
from altwright.platforms.publishing.ways import Habits, Way

END = datetime(2026, 5, 4, 12, tzinfo=UTC)
ALL = Habits(
    Way.EDIT,
    keeps_running_poll=True,
    keeps_ended_poll=True,
    resets_quote_policy=True,
)
Change = Callable[[dict[str, Any]], object]


def post(**fields: Any) -> dict[str, Any]:
    """Return a post with two pictures and a poll, as a server sends it."""
    return {
        "id": "1",
        "visibility": "public",
        "content": "<p>Words</p>",
        "spoiler_text": "",
        "sensitive": False,
        "language": "en",
        "in_reply_to_id": None,
        "mentions": [{"id": "3"}, {"id": "4"}],
        "quote_approval": {"automatic": ["public"], "manual": []},
        "media_attachments": [
            {"id": "m1", "description": "A & B", "meta": {"focus": {"x": 0.5, "y": -0.1}}},
            {"id": "m2", "description": None},
        ],
        "poll": {
            "expired": False,
            "multiple": False,
            "expires_at": END.isoformat(),
            "options": [{"title": "Yes", "votes_count": 1}, {"title": "No", "votes_count": 0}],
        },
        **fields,
    }


def said(change: Change, *, is_edit: bool = True, **fields: Any) -> list[str]:
    """Return what is said of a post that a change was made to while m1's text was written."""
    before, after = post(**fields), copy.deepcopy(post(**fields))
    change(after)
    return differences(before, after, {"m1": "New"}, escapes=False, is_edit=is_edit)


def sets(**fields: Any) -> Change:
    """Return what sets a post's fields."""
    return lambda status: status.update(fields)


def of_poll(**fields: Any) -> Change:
    """Return what sets a poll's fields."""
    return lambda status: status["poll"].update(fields)


def of_picture(number: int, **fields: Any) -> Change:
    """Return what sets a picture's fields."""
    return lambda status: status["media_attachments"][number].update(fields)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (sets(visibility="private"), "the visibility (public, now private)"),
        (sets(content="<p>Other words</p>"), "the text"),
        (sets(spoiler_text="Careful"), "the content warning"),
        (sets(sensitive=True), "the mark as sensitive"),
        (sets(language="de"), "the language"),
        (sets(language=None), "the language"),
        (sets(mentions=[{"id": "3"}]), "the people mentioned"),
        (sets(in_reply_to_id="5"), "the post that it answers"),
        (sets(quote_approval={"automatic": [], "manual": []}), "who may quote it"),
        (sets(quote_approval=None), "who may quote it"),
        (
            sets(quote_approval={"automatic": ["public"], "manual": ["followers"]}),
            "who may quote it",
        ),
        (sets(poll=None), "the poll"),
        (of_poll(options=[{"title": "Yes"}, {"title": "Nay"}]), "the poll"),
        (of_poll(multiple=True), "the poll"),
        (of_poll(expired=True), "the poll"),
        (of_poll(options=[{"title": "Yes", "votes_count": None}, {"title": "No"}]), "the poll"),
        (of_poll(expires_at=None), "the end of the poll"),
        (
            of_poll(expires_at=(END + timedelta(seconds=POLL_END_SLACK_S + 1)).isoformat()),
            "the end of the poll",
        ),
        (
            of_poll(expires_at=(END - timedelta(seconds=POLL_END_SLACK_S + 1)).isoformat()),
            "the end of the poll",
        ),
        (lambda status: status["media_attachments"].reverse(), "the pictures or their order"),
        (lambda status: status["media_attachments"].pop(), "the pictures or their order"),
        (
            lambda status: status["media_attachments"].append({"id": "m3"}),
            "the pictures or their order",
        ),
        (of_picture(1, description="Theirs"), "the alt text of picture 2"),
        (of_picture(0, meta={}), "the focal point of picture 1"),
        (of_picture(0, meta={"focus": {"x": 0.5, "y": 0.1}}), "the focal point of picture 1"),
    ],
)
def test_whatever_changed_is_named(change: Change, words: str) -> None:
    """One thing is named for one change, in words that its owner reads."""
    assert said(change) == [words]


@pytest.mark.parametrize(
    "change",
    [
        sets(),
        sets(content=" <p>Words</p>\r\n"),
        sets(mentions=[{"id": "4"}, {"id": "3"}]),
        sets(favourites_count=5, edited_at="2026-05-04"),
        of_poll(expires_at=(END + timedelta(seconds=POLL_END_SLACK_S)).isoformat()),
        of_poll(expires_at=END.astimezone(timezone(timedelta(hours=2))).isoformat()),
        of_poll(expires_at=END.replace(tzinfo=None).isoformat()),
        of_poll(votes_count=9),
        of_picture(0, description="New"),
        of_picture(0, description="Something else"),
        of_picture(1, description=" \r\n"),
        of_picture(1, meta={"focus": {"x": 0, "y": 0}}),
    ],
)
def test_what_an_edit_may_bring_along_is_not_named(change: Change) -> None:
    """Blanks, orders that mean nothing, counts, the texts that were written."""
    assert said(change) == []


def test_without_an_edit_the_order_of_pictures_is_the_servers_own() -> None:
    """Takahē has none; a picture that is gone counts all the same."""
    assert said(lambda status: status["media_attachments"].reverse(), is_edit=False) == []
    gone = said(lambda status: status["media_attachments"].pop(), is_edit=False)
    assert gone == ["the pictures or their order"]


def test_two_things_are_named_each() -> None:
    """A picture that is new doesn't hide what became of those behind it."""

    def change(status: dict[str, Any]) -> None:
        status["media_attachments"].insert(0, {"id": "m3"})
        status["media_attachments"][2]["description"] = "Theirs"

    assert said(change) == ["the pictures or their order", "the alt text of picture 3"]


def test_rules_on_quoting_where_there_were_none_are_named() -> None:
    """Also those that let nobody quote."""
    rules: dict[str, list[str]] = {"automatic": [], "manual": []}
    assert said(sets(quote_approval=rules), quote_approval=None) == ["who may quote it"]


def test_the_results_of_a_poll_that_has_ended_hide_nothing() -> None:
    """A server that counts them late has changed no setting."""
    ended = {"expired": True, "options": [{"title": "Yes", "votes_count": None}]}
    assert said(of_poll(options=[{"title": "Yes", "votes_count": 3}]), poll=ended) == []


def test_a_language_may_be_filled_in() -> None:
    """Where there was none the server can't be told to leave it so."""
    assert said(sets(language="de"), language=None) == []


def test_posts_without_polls_differ_in_none() -> None:
    """Nor do two whose polls never end."""
    assert said(sets(), poll=None) == []
    assert said(sets(), poll={"options": [{"title": "Yes"}], "expires_at": None}) == []


@pytest.mark.parametrize("escapes", [True, False])
def test_entities_are_signs_where_a_server_keeps_html(*, escapes: bool) -> None:
    """On others "&amp;" is what its readers see."""
    after = post()
    after["media_attachments"][0]["description"] = "A &amp; B"
    found = differences(post(), after, {}, escapes=escapes, is_edit=True)
    assert found == ([] if escapes else ["the alt text of picture 1"])
    assert same("A &amp; B", "A & B", escapes=escapes) is escapes


@pytest.mark.parametrize(
    ("before", "after", "is_wider"),
    [
        ({"visibility": "unlisted"}, {"visibility": "public"}, True),
        ({"visibility": "direct"}, {"visibility": "private"}, True),
        ({"visibility": "local"}, {"visibility": "direct"}, True),
        ({"visibility": "direct"}, {"visibility": "circle"}, True),
        ({"visibility": "public"}, {"visibility": "unlisted"}, False),
        ({"visibility": "circle"}, {"visibility": "circle"}, False),
        ({"local_only": True}, {"local_only": False}, True),
        ({"local_only": True}, {"local_only": True}, False),
        ({"local_only": False}, {"local_only": True}, False),
        ({"visibility": "direct"}, {"visibility": "direct", "mentions": [{"id": "9"}]}, True),
        ({"visibility": "direct"}, {"visibility": "direct", "mentions": [{"id": "3"}]}, False),
        ({"visibility": "private"}, {"visibility": "private", "mentions": [{"id": "9"}]}, False),
    ],
)
def test_more_people_see_it(
    before: dict[str, Any], after: dict[str, Any], *, is_wider: bool
) -> None:
    """By its visibility, by leaving the server, by one who is mentioned; or nobody knows."""
    assert widened(post(**before), post(**after)) is is_wider


def test_what_everybody_may_see() -> None:
    """A post that stays on its server is nobody else's."""
    assert is_public(post())
    assert not is_public(post(local_only=True))
    assert not is_public(post(visibility="unlisted"))
    assert not is_public({})
    assert visibility({}) == visibility({"visibility": None}) == ""


SOURCE = {"text": "Words", "spoiler_text": "Careful"}


def test_an_edit_is_the_whole_post_with_its_new_texts() -> None:
    """What is left out would be lost on some server."""
    status = post(poll=None, sensitive=True)
    assert whole_edit(status, SOURCE, {"m2": "New"}, ALL) == {
        "status": "Words",
        "spoiler_text": "Careful",
        "sensitive": True,
        "language": "en",
        "media_ids": ["m1", "m2"],
        "media_attributes": [
            {"id": "m1", "description": "A & B", "focus": "0.5,-0.1"},
            {"id": "m2", "description": "New"},
        ],
        "visibility": "public",
        "quote_approval_policy": "public",
    }


def test_what_a_post_hasnt_its_edit_hasnt_either() -> None:
    """Empty fields are not made up; a content type goes along; the warning is the status's."""
    bare = {"media_attachments": [{"id": "m1", "meta": {"focus": {"x": 1, "y": None}}}]}
    edit = whole_edit(bare, {"text": "", "content_type": "text/markdown"}, {}, ALL)
    assert edit == {
        "status": "",
        "spoiler_text": "",
        "sensitive": False,
        "language": None,
        "media_ids": ["m1"],
        "media_attributes": [{"id": "m1", "description": ""}],
        "content_type": "text/markdown",
    }
    warned = whole_edit(bare | {"spoiler_text": "Careful"}, {"text": ""}, {}, ALL)
    assert warned["spoiler_text"] == "Careful"


@pytest.mark.parametrize(
    ("approval", "policy"),
    [
        ({"automatic": ["public"], "manual": []}, "public"),
        ({"automatic": ["followers"], "manual": []}, "followers"),
        ({"automatic": [], "manual": []}, "nobody"),
        ({"automatic": "public", "manual": None}, "nobody"),
        ({"automatic": ["public", "followers"], "manual": []}, None),
        ({"automatic": ["friends"], "manual": []}, None),
        ({"automatic": ["public"], "manual": ["followers"]}, None),
        ({"automatic": [], "manual": ["followers"]}, None),
    ],
)
def test_who_may_quote_is_kept_or_the_post_left_alone(
    approval: dict[str, Any], policy: str | None
) -> None:
    """An edit has names for some rules only."""
    status = post(quote_approval=approval, poll=None)
    if policy is None:
        with pytest.raises(PostLeftAlone, match="who may quote it"):
            whole_edit(status, SOURCE, {}, ALL)
    else:
        assert whole_edit(status, SOURCE, {}, ALL)["quote_approval_policy"] == policy
    assert "quote_approval_policy" not in whole_edit(status, SOURCE, {}, Habits(Way.EDIT))


def test_a_running_poll_ends_when_it_would_have() -> None:
    """Its options, whether several may be chosen, and whether results are hidden go along."""
    status = post()
    assert whole_edit(status, SOURCE, {}, ALL)["poll"]["hide_totals"] is False
    end = datetime.now(UTC) + timedelta(hours=1)
    status["poll"].update(expires_at=end.isoformat(), multiple=True)
    status["poll"]["options"][0]["votes_count"] = None
    poll = whole_edit(status, SOURCE, {}, ALL)["poll"]
    left_s = (end - datetime.now(UTC)).total_seconds()
    assert left_s <= poll.pop("expires_in") <= 3600
    assert poll == {"options": ["Yes", "No"], "multiple": True, "hide_totals": True}
    past = datetime.now(UTC) - timedelta(hours=1)
    status["poll"].update(expires_at=past.isoformat())
    assert whole_edit(status, SOURCE, {}, ALL)["poll"]["expires_in"] == 1
    status["poll"].update(expires_at=None)
    assert "expires_in" not in whole_edit(status, SOURCE, {}, ALL)["poll"]


def test_a_poll_that_has_ended_is_sent_without_an_end() -> None:
    """Nothing is hidden in it any more."""
    status = post()
    status["poll"].update(expired=True)
    assert whole_edit(status, SOURCE, {}, ALL)["poll"] == {
        "options": ["Yes", "No"],
        "multiple": False,
    }


@pytest.mark.parametrize(
    ("change", "source", "habits", "words"),
    [
        (of_poll(expired=True), SOURCE, Habits(Way.EDIT, keeps_running_poll=True), "has ended"),
        (sets(), SOURCE, Habits(Way.EDIT, keeps_ended_poll=True), "is running"),
        (of_poll(options=[]), SOURCE, ALL, "poll can't be read"),
        (of_poll(options=[{"title": "Yes"}, 5]), SOURCE, ALL, "poll can't be read"),
        (sets(), {}, ALL, "text can't be read"),
        (sets(), {"text": None}, ALL, "text can't be read"),
        (sets(media_attachments=[{"id": "m1"}, {"id": None}]), SOURCE, ALL, "pictures can't be"),
        (sets(media_attachments=[{"id": "m1"}, 5]), SOURCE, ALL, "pictures can't be"),
    ],
)
def test_what_an_edit_would_lose_is_left_alone(
    change: Change, source: dict[str, Any], habits: Habits, words: str
) -> None:
    """The post's owner reads why."""
    status = post()
    change(status)
    with pytest.raises(PostLeftAlone, match=words):
        whole_edit(status, source, {}, habits)


def test_texts_are_there_wanted_theirs_or_their_picture_is_gone() -> None:
    """Only what nobody wrote, or what its owner saw, is replaced."""
    present = {
        "a": "A door. ",
        "b": " ",
        "c": "Seen",
        "d": "By hand\r\n",
        "e": "Not asked",
        "f": "",
    }
    texts = {
        "a": AltText("A door."),
        "b": AltText("New b."),
        "c": AltText("New c.", seen="Seen"),
        "d": AltText("New d.", seen="Something else"),
        "f": AltText("New f.", seen="What was there"),
        "z": AltText("Gone."),
    }
    assert look(present, texts, escapes=False) == Look(
        there=frozenset("a"),
        wanted={"b": "New b.", "c": "New c.", "f": "New f."},
        theirs={"d": "By hand"},
        missing=frozenset("z"),
    )


@pytest.mark.parametrize(
    ("kept", "readers_see"),
    [
        (" A\r\nB \rC\t\nD ", "A\nB\nC\nD"),
        ("Cafe\u0301", "Café"),
        ("  ", ""),
    ],
)
def test_what_readers_see_of_a_text(kept: str, readers_see: str) -> None:
    """Servers trim, change line ends and compose letters."""
    assert shown(kept, escapes=False) == readers_see
    assert same(kept, readers_see, escapes=False)
