"""Publishing on pretend servers that do what real ones do: each server, way and visibility.

Promise: nobody sees a post who didn't before, and nothing but the alt text is changed, unsaid.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from tests.pretend_servers import PretendServer, poll, without_texts
from tests.pretend_software import (
    EVERY_SERVER,
    WRITING,
    Akkoma,
    GoToSocial,
    Mastodon40,
    Mastodon43,
    Mastodon45,
    Pixelfed,
    Snac,
    Takahe,
    TurncoatMastodon,
    UnknownMastodon,
    UnknownSnac,
    UnknownTakahe,
    UnknownWidener,
    WordPress,
)
from tests.support_publishing import ada_on

from altwright.errors import Category, PermanentError, PlatformRefused
from altwright.platforms.publishing.comparing import is_wider
from altwright.platforms.publishing.outcomes import (
    AltTextsFixed,
    EditRefused,
    Learned,
    PostLeftAlone,
    Publication,
    VisibilityWidened,
)
from altwright.platforms.publishing.text_comparison import AltText
from altwright.platforms.publishing.ways import Way
from altwright.platforms.refusals import PlatformGone

VISIBILITIES = ("public", "unlisted", "private", "direct")
LONG_AGO = "2023-06-01T10:00:00.000Z"
TEXT = 'Tom & Jerry: "1 < 2", it\'s said;\ntwo lines 🐈‍⬛ مساء'


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("kind", EVERY_SERVER)
def test_no_server_shows_a_post_to_more_people_unsaid(
    kind: type[PretendServer], visibility: str
) -> None:
    """Whatever the way: nothing is widened, or the alarm is raised at the first post."""
    server = kind()
    posts = [server.add(visibility) for _ in range(3)]
    alarms = 0
    with ada_on(server) as ada:
        for post_id in posts:
            try:
                ada.publish(post_id, "A door.")
            except VisibilityWidened:
                alarms += 1
            except PermanentError:
                pass
    widened = [one for one in posts if is_wider(visibility, server.posts[one]["visibility"])]
    assert len(widened) == alarms <= 1
    assert not widened or kind is TurncoatMastodon


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("kind", WRITING)
def test_nothing_but_the_alt_text_changes(kind: type[PretendServer], visibility: str) -> None:
    """Each field of the post is as it was, and each text arrives, whoever may see it."""
    server = kind()
    post_id = server.add(visibility, texts=("", "A red door."))
    before = without_texts(server.posts[post_id])
    with ada_on(server) as ada:
        media = server.media_ids(post_id)
        found = ada.publish(post_id, TEXT)
        assert found == Publication(published=frozenset(media[:1]))
        assert ada.publish(post_id, TEXT) == found
    assert without_texts(server.posts[post_id]) == before
    assert server.texts(post_id)[1] == "A red door."
    assert len(server.edits) <= 1
    assert len(server.described) <= 1


@pytest.mark.parametrize("kind", [Mastodon43, Mastodon45, GoToSocial])
def test_an_edit_takes_four_requests(kind: type[PretendServer]) -> None:
    """Source, status, edit, status; and two for a post that has the texts already."""
    server = kind()
    first, second = server.add(), server.add(edited_at=LONG_AGO)
    with ada_on(server) as ada:
        ada.publish(first, "A door.")
        assert [*ada.memory.known.values()] == [
            Learned(Way.EDIT, ada.platform.software.title, is_proved=True)
        ]
        server.requests.clear()
        ada.publish(second, "A door.", "Another.")
        path = f"/api/v1/statuses/{second}"
        assert server.requests == [
            f"GET {path}/source",
            f"GET {path}",
            f"PUT {path}",
            f"GET {path}",
        ]
        server.requests.clear()
        ada.publish(second, "A door.", "Another.")
        assert len(server.requests) in {2, 4}  # in the second of its edit it is read twice


@pytest.mark.parametrize("kind", [Pixelfed, Takahe, WordPress])
def test_media_take_one_request_each_and_two_reads(kind: type[PretendServer]) -> None:
    """1 + n + 1, and the post itself is never edited."""
    server = kind()
    first, second = server.add(), server.add(texts=("", "", ""), edited_at=LONG_AGO)
    with ada_on(server) as ada:
        ada.publish(first, "A door.")
        server.requests.clear()
        ada.publish(second, "One.", "Two.", "Three.")
    assert [one.split()[0] for one in server.requests] == ["GET", "PUT", "PUT", "PUT", "GET"]
    assert server.edits == []


# --- finding the way ---


def test_the_way_of_unknown_software_is_found_with_one_post_and_remembered() -> None:
    """Without an edit, if it has that; the next task on that server asks nothing more."""
    server = UnknownTakahe()
    posts = [server.add("unlisted") for _ in range(3)]
    with ada_on(server) as ada:
        ada.publish(posts[0], "A door.")
        assert [*ada.memory.known.values()] == [
            Learned(Way.DESCRIBE, ada.platform.software.title, is_proved=True)
        ]
        ada.another_day()
        for post_id in posts[1:]:
            ada.publish(post_id, "A door.")
    assert server.edits == []
    assert len(server.described) == 3


def test_unknown_software_is_edited_for_public_posts_only() -> None:
    """Where media can't be described; whoever posts to fewer is told why nothing happened."""
    server = UnknownMastodon()
    public, closed = server.add("public"), server.add("unlisted")
    with ada_on(server) as ada:
        with pytest.raises(PostLeftAlone, match="isn't public"):
            ada.publish(closed, "A door.")
        ada.publish(public, "A door.")
        ada.another_day()
        with pytest.raises(PostLeftAlone, match="isn't public"):
            ada.publish(closed, "A door.")
    assert (ada.memory.way, server.edits) == (Way.EDIT, [public])
    assert server.texts(closed) == ["", ""]


def test_unknown_software_that_widens_is_edited_for_nobody() -> None:
    """Not even once: what isn't public is left alone, what is public can't be widened."""
    server = UnknownWidener()
    closed = server.add("private")
    with ada_on(server) as ada, pytest.raises(PostLeftAlone):
        ada.publish(closed, "A door.")
    assert server.edits == []


def test_unknown_software_whose_edit_changes_more_is_not_edited_twice() -> None:
    """It loses mentions: the first post tells, no second is touched, today or tomorrow."""
    server = UnknownWidener()
    first, second = server.add("public"), server.add("public")
    with ada_on(server) as ada:
        for post_id, said in ((first, f"/@ada/{first}"), (second, "the people mentioned")):
            with pytest.raises(AltTextsFixed, match=said):
                ada.publish(post_id, "A door.")
            ada.another_day()
    assert server.edits == [first]


def test_a_server_that_keeps_no_alt_text_is_noticed_at_the_first_post() -> None:
    """One edit at most, and a second click doesn't edit again."""
    server = UnknownSnac()
    server.posts.clear()
    posts = [server.add(mentions=[], in_reply_to_id=None) for _ in range(3)]
    with ada_on(server) as ada:
        for post_id in posts:
            with pytest.raises(AltTextsFixed, match=r"doesn't keep them\. Altwright can still"):
                ada.publish(post_id, "A door.")
            ada.another_day()
    assert server.edits == posts[:1]


@pytest.mark.parametrize(("lag_reads", "waits_s"), [(0, 0), (2, 2 + 4)])
def test_where_edits_leave_descriptions_alone_pictures_are_described(
    lag_reads: int, waits_s: float
) -> None:
    """Some servers say that they are Mastodon, and let posted media be described on their own."""

    class Forgetful(Mastodon40):
        """Knows no media_attributes."""

        version = "4.3.2"
        describes = True

    server = Forgetful(lag_reads=lag_reads)
    first, second = server.add(), server.add()
    with ada_on(server) as ada:
        assert ada.publish(first, "A door.").published
        assert ada.time.waited_s == waits_s
        assert ada.publish(second, "A door.").published
        assert [*ada.memory.known.values()] == [
            Learned(Way.DESCRIBE, ada.platform.software.title, is_proved=True)
        ]
    assert server.edits == [first]
    assert server.described == [server.media_ids(one)[0] for one in (first, second)]


def test_a_token_that_an_unknown_server_refuses_says_nothing_of_its_ways() -> None:
    """The post isn't edited instead, and nothing is learned."""
    server = UnknownMastodon()
    post_id = server.add()
    server.refusals["PUT", f"/api/v1/media/{server.media_ids(post_id)[0]}"] = 401, {"error": "no"}
    with ada_on(server) as ada, pytest.raises(PlatformRefused) as caught:
        ada.publish(post_id, "A door.")
    assert caught.value.category is Category.AUTHENTICATION
    assert (server.edits, ada.memory.known) == ([], {})


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Snac, "snac's API can't change.* can still draft"), (Mastodon40, r"from version 4\.1 on")],
)
def test_known_software_that_cannot_is_not_tried(kind: type[PretendServer], reason: str) -> None:
    """No post is edited in vain."""
    server = kind()
    with ada_on(server) as ada, pytest.raises(AltTextsFixed, match=reason):
        ada.publish(server.add(), "A door.")
    assert server.edits == server.described == []


@pytest.mark.parametrize(
    ("kind", "refusal"), [(GoToSocial, EditRefused), (UnknownMastodon, AltTextsFixed)]
)
@pytest.mark.parametrize("lacking", ["source", "edit"])
def test_a_server_without_edits_has_lost_no_post(
    kind: type[PretendServer], refusal: type[PlatformRefused], lacking: str
) -> None:
    """An unknown server lacks the way, for all posts; a known one (GoToSocial before 0.18) for one.

    Of a known server three posts in a row end the task, since a single one says nothing of others.
    """
    server = kind()
    post_id = server.add()
    path = f"/api/v1/statuses/{post_id}"
    gone = 404, {"error": "Not found"}
    missing = ("GET", f"{path}/source") if lacking == "source" else ("PUT", path)
    server.refusals[missing] = gone
    with ada_on(server) as ada:
        for _ in range(2):
            with pytest.raises(refusal, match=r"no way|doesn't let this post be edited"):
                ada.publish(post_id, "A door.")
            ada.another_day()


def test_a_picture_that_cannot_be_described_is_no_lost_post() -> None:
    """WordPress has answers as comments, whose pictures it doesn't find."""
    server = WordPress()
    post_id = server.add()
    server.refusals["PUT", f"/api/v1/media/{server.media_ids(post_id)[0]}"] = 404, {"error": "no"}
    with ada_on(server) as ada, pytest.raises(PlatformRefused, match="doesn't let") as caught:
        ada.publish(post_id, "A door.")
    assert not isinstance(caught.value, PlatformGone)
    assert server.edits == []


def test_an_updated_server_is_tried_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was learned counts for the version that it was learned of."""
    server = UnknownSnac()
    post_id = server.add(mentions=[], in_reply_to_id=None)
    with ada_on(server) as ada:
        with pytest.raises(AltTextsFixed):
            ada.publish(post_id, "A door.")
        monkeypatch.setattr(UnknownSnac, "version", "1.1")
        monkeypatch.setattr(UnknownSnac, "edited_medium", PretendServer.edited_medium)
        ada.another_day()
        assert ada.publish(post_id, "A door.").published


def test_the_alarm_stops_every_later_post() -> None:
    """Also in a task of another day; the post that was widened is named with its link."""
    server = TurncoatMastodon()
    posts = [server.add("private") for _ in range(3)]
    with ada_on(server) as ada:
        with pytest.raises(VisibilityWidened) as alarm:
            ada.publish(posts[0], "A door.")
        for named in ("“private”", "“public”", f"https://pretend.example/@ada/{posts[0]}"):
            assert named in str(alarm.value)
        for post_id in posts[1:]:
            ada.another_day()
            with pytest.raises(AltTextsFixed, match="more people"):
                ada.publish(post_id, "A door.")
    assert server.edits == posts[:1]


def test_an_alarm_that_an_earlier_attempt_owes_is_raised() -> None:
    """The worker died between the edit and the look at it: the text is there, and all see it."""
    server = Mastodon43()
    post_id = server.add("public", texts=("A door.",))
    with ada_on(server) as ada:
        wanted = {server.media_ids(post_id)[0]: AltText("A door.")}
        with pytest.raises(VisibilityWidened, match="“unlisted”"):
            ada.platform.publish_alt_texts(post_id, wanted, ada.memory, visibility="unlisted")


@pytest.mark.parametrize(
    ("kind", "stands", "known"),
    [
        (Mastodon43, "A door.", "unknown"),
        (Mastodon43, "By hand.", "unlisted"),
        (Takahe, "A door.", "unlisted"),
    ],
)
def test_what_no_edit_of_ours_can_have_done_is_no_alarm(
    kind: type[PretendServer], stands: str, known: str
) -> None:
    """Our text isn't there, or no post is edited on this server, or nobody knows how it was."""
    server = kind()
    post_id = server.add("public", texts=(stands,))
    with ada_on(server) as ada:
        wanted = {server.media_ids(post_id)[0]: AltText("A door.")}
        found = ada.platform.publish_alt_texts(post_id, wanted, ada.memory, visibility=known)
    assert bool(found.published) is (stands == "A door.")


# --- what else a post has ---


@pytest.mark.parametrize("policy", [["public"], ["followers"], []])
def test_who_may_quote_is_kept(policy: list[str]) -> None:
    """Mastodon 4.5 resets it when an edit leaves it out."""
    server = Mastodon45()
    post_id = server.add(quote=policy)
    with ada_on(server) as ada:
        assert ada.publish(post_id, "A door.").published
    assert server.posts[post_id]["quote"] == policy


def test_a_quote_policy_that_cannot_be_kept_leaves_the_post_alone() -> None:
    """It is said, and nothing is edited."""
    server = Mastodon45()
    post_id = server.add(quote=["following"])
    with ada_on(server) as ada, pytest.raises(PostLeftAlone, match="who may quote"):
        ada.publish(post_id, "A door.")
    assert server.edits == []


@pytest.mark.parametrize("hide_totals", [False, True])
def test_a_running_poll_keeps_votes_end_and_secrecy(hide_totals: bool) -> None:  # noqa: FBT001 - a case
    """Mastodon shows by missing counts that totals are hidden."""
    server = Mastodon43()
    post_id = server.add(poll=poll(hide_totals=hide_totals))
    before = server.posts[post_id]["poll"]
    with ada_on(server) as ada:
        assert ada.publish(post_id, "A door.").changed == ()
    after = server.posts[post_id]["poll"]
    assert abs((after.pop("expires_at") - before.pop("expires_at")).total_seconds()) < 60
    assert after == before


@pytest.mark.parametrize(
    ("kind", "ends_in_s", "reason"),
    [
        (Mastodon43, -60, "has ended"),
        (GoToSocial, 86_400, "is running"),
        (Akkoma, 86_400, "is running"),
        (UnknownMastodon, -60, "has ended"),
    ],
)
def test_a_poll_that_an_edit_would_change_leaves_the_post_alone(
    kind: type[PretendServer], ends_in_s: float, reason: str
) -> None:
    """An ended one would open again; hidden results would show on GoToSocial."""
    server = kind()
    post_id = server.add(poll=poll(ends_in_s=ends_in_s, hide_totals=True))
    before = copy.deepcopy(server.posts[post_id])
    with ada_on(server) as ada, pytest.raises(PostLeftAlone, match=reason):
        ada.publish(post_id, "A door.")
    assert server.posts[post_id] == before


def test_gotosocial_keeps_an_ended_poll() -> None:
    """No end is sent for it."""
    server = GoToSocial()
    post_id = server.add(poll=poll(ends_in_s=-60, hide_totals=True))
    before = copy.deepcopy(server.posts[post_id]["poll"])
    with ada_on(server) as ada:
        assert ada.publish(post_id, "A door.").changed == ()
    assert server.posts[post_id]["poll"] == before


def _reveal(post: dict[str, Any]) -> None:
    post.update(sensitive=False, spoiler_text="")


SPOILS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (_reveal, "the content warning, the mark as sensitive"),
    (lambda post: post.update(language="en"), "the language"),
    (lambda post: post.update(mentions=[]), "the people mentioned"),
    (lambda post: post.update(in_reply_to_id=None), "the post that it answers"),
    (lambda post: post.update(text="Good morning"), "the text"),
    (lambda post: post.update(quote=["public"]), "who may quote it"),
    (lambda post: post["media"].reverse(), "the pictures or their order"),
    (lambda post: post["media"][1].update(description="Cut"), "the alt text of picture 2"),
    (lambda post: post["media"][0].update(focus=None), "the focal point of picture 1"),
    (lambda post: post.update(visibility="private"), "the visibility (unlisted, now private)"),
    (lambda post: post["poll"].update(hide_totals=False), "the poll"),
    (lambda post: post["poll"].update(multiple=False), "the poll"),
    (lambda post: post["poll"].update(expires_at=None), "the end of the poll"),
]


@pytest.mark.parametrize(("spoil", "named"), SPOILS, ids=[named for _, named in SPOILS])
def test_what_a_server_changes_beside_is_named(
    spoil: Callable[[dict[str, Any]], Any], named: str
) -> None:
    """Field by field; the text counts as published all the same."""

    class Spoiling(Mastodon45):
        """Changes something else with each edit."""

        def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
            answer = super().edit(post, edit)
            spoil(post)
            return answer

    server = Spoiling()
    post_id = server.add("unlisted", texts=("", "A red door."), poll=poll(hide_totals=True))
    first, _ = server.media_ids(post_id)
    with ada_on(server) as ada:
        found = ada.publish(post_id, "A door.")
    assert ", ".join(found.changed) == named
    assert found.published == {first}


def test_somebody_new_in_a_direct_post_is_an_alarm() -> None:
    """Who is mentioned in a direct post can read it."""

    class Inviting(Mastodon43):
        """Mentions somebody with each edit."""

        def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
            post["mentions"] = [*post["mentions"], {"id": "8"}]
            return super().edit(post, edit)

    server = Inviting()
    with ada_on(server) as ada, pytest.raises(VisibilityWidened, match="“direct, for more people”"):
        ada.publish(server.add("direct"), "A door.")


def test_a_visibility_that_is_not_told_any_more_is_an_alarm() -> None:
    """The post is named by the address that there is."""

    class Silent(Mastodon43):
        """Forgets who may see what is edited."""

        def entity(self, post: dict[str, Any]) -> dict[str, Any]:
            return super().entity(post) | {
                "url": None,
                "uri": f"https://pretend.example/{post['id']}",
            }

        def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
            answer = super().edit(post, edit)
            post["visibility"] = None
            return answer

    server = Silent()
    post_id = server.add("private")
    with ada_on(server) as ada, pytest.raises(VisibilityWidened, match="“unknown”") as alarm:
        ada.publish(post_id, "A door.")
    assert f"https://pretend.example/{post_id} " in str(alarm.value)
