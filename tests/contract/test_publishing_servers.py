"""Publishing on pretend servers that do what real ones do: visibility × server × way.

Promise: nobody sees a post who didn't before, and nothing but the alt text is changed, or it is said.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.pretend_servers import (
    EVERY_SERVER,
    WRITING,
    Akkoma,
    GoToSocial,
    Mastodon40,
    Mastodon43,
    Mastodon45,
    Pixelfed,
    PretendServer,
    Snac,
    Takahe,
    TurncoatMastodon,
    UnknownMastodon,
    UnknownSnac,
    UnknownTakahe,
    UnknownWidener,
    WordPress,
    poll,
)
from tests.support_leaves import TOKEN, serving

from altwright.errors import PermanentError, PlatformRefused
from altwright.interrupts import Interrupt, interruptible
from altwright.outbound import Outbound
from altwright.platforms.api import PlatformGone
from altwright.platforms.comparing import is_wider
from altwright.platforms.connect import connect
from altwright.platforms.outcomes import (
    AltTextsFixed,
    Learned,
    PostLeftAlone,
    Publication,
    VisibilityWidened,
)
from altwright.platforms.port import Platform
from altwright.platforms.texts import AltText
from altwright.platforms.ways import Way

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=5)
VISIBILITIES = ("public", "unlisted", "private", "direct")
TEXT = 'Tom & Jerry: "1 < 2", it\'s said;\ntwo lines 🐈‍⬛ مساء'


class PassingTime(Interrupt):
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def wait(self, seconds: float) -> None:
        """Let it pass."""
        self.waited_s += seconds


@dataclass
class Memory:
    """What was learned, as the database keeps it."""

    known: dict[str, Learned] = field(default_factory=dict)

    def recall(self, host: str) -> Learned | None:
        """Return it."""
        return self.known.get(host)

    def remember(self, host: str, learned: Learned) -> None:
        """Keep it."""
        self.known[host] = learned

    @property
    def way(self) -> Way | None:
        """Return the one server's way."""
        return next((one.way for one in self.known.values()), None)


@dataclass
class Ada:
    """An account on a pretend server."""

    server: PretendServer
    connect: Callable[[], Platform]
    time: PassingTime
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.platform = self.connect()

    def publish(self, post_id: str, *texts: str, seen: str = "") -> Publication:
        """Publish texts for the first pictures of a post."""
        media = self.server.media_ids(post_id)
        wanted = {one: AltText(text, seen) for one, text in zip(media, texts, strict=False)}
        return self.platform.publish_alt_texts(post_id, wanted, self.memory)

    def another_day(self) -> None:
        """Open the account anew; what was learned stays."""
        self.platform = self.connect()


@contextmanager
def ada_on(server: PretendServer, platform: str = "mastodon") -> Iterator[Ada]:
    """Connect to a pretend server, in a thread in which no waiting takes time."""
    passing = PassingTime()
    with serving(server.respond) as local, interruptible(passing):
        yield Ada(server, lambda: connect(platform, local.url, TOKEN, OUTBOUND), passing)


def without_texts(post: dict[str, Any]) -> dict[str, Any]:
    """Return all of a post that publishing may not change."""
    seen = copy.deepcopy(post) | {"edited_at": None}
    for medium in seen["media"]:
        medium.pop("description")
        medium.pop("uploaded", None)
    return seen


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
            except VisibilityWidened as alarm:
                alarms += 1
                assert f"“{visibility}”" in str(alarm)
                assert f"https://pretend.example/@ada/{post_id}" in str(alarm)
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
        again = ada.publish(post_id, TEXT)
        assert again.published == found.published
    assert without_texts(server.posts[post_id]) == before
    assert server.texts(post_id)[1] == "A red door."
    assert len(server.edits) <= 1
    assert len(server.described) <= 1


@pytest.mark.parametrize("kind", [Mastodon43, Mastodon45, GoToSocial])
def test_an_edit_takes_four_requests(kind: type[PretendServer]) -> None:
    """Source, status, edit, status; and two for a post that has the texts already."""
    server = kind()
    first, second = server.add(), server.add()
    with ada_on(server) as ada:
        ada.publish(first, "A door.")
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
    first, second = server.add(), server.add(texts=("", "", ""))
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
        assert ada.memory.way is Way.DESCRIBE
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
        for post_id in (first, second):
            with pytest.raises(AltTextsFixed, match="the people mentioned"):
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
            with pytest.raises(AltTextsFixed, match="doesn't keep them"):
                ada.publish(post_id, "A door.")
            ada.another_day()
    assert server.edits == posts[:1]


@pytest.mark.parametrize(
    ("kind", "reason"), [(Snac, "snac can't change"), (Mastodon40, r"from version 4\.1 on")]
)
def test_known_software_that_cannot_is_not_tried(kind: type[PretendServer], reason: str) -> None:
    """No post is edited in vain."""
    server = kind()
    with ada_on(server) as ada, pytest.raises(AltTextsFixed, match=reason):
        ada.publish(server.add(), "A door.")
    assert server.edits == server.described == []


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
        assert "“private”" in str(alarm.value)
        assert "“public”" in str(alarm.value)
        for post_id in posts[1:]:
            ada.another_day()
            with pytest.raises(AltTextsFixed, match="more people"):
                ada.publish(post_id, "A door.")
    assert server.edits == posts[:1]


def test_an_alarm_that_an_earlier_attempt_owes_is_raised() -> None:
    """The worker died between the edit and the look at it: the texts are there, and it is public."""
    server = Mastodon43()
    post_id = server.add("public", texts=("A door.",))
    with ada_on(server) as ada:
        wanted = {server.media_ids(post_id)[0]: AltText("A door.")}
        with pytest.raises(VisibilityWidened, match="“unlisted”"):
            ada.platform.publish_alt_texts(post_id, wanted, ada.memory, visibility="unlisted")


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
    with ada_on(server) as ada, pytest.raises(VisibilityWidened):
        ada.publish(server.add("direct"), "A door.")


# --- texts ---


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
        seen = ada.publish(post_id, "A door.", seen="By hand & heart")
    assert seen.published == {first}
    assert server.texts(post_id)[0] == "A door."


def test_a_removed_picture_blocks_nobody() -> None:
    """The texts of the other pictures are published."""
    server = Mastodon43()
    post_id = server.add()
    first, second = server.media_ids(post_id)
    with ada_on(server) as ada:
        del server.posts[post_id]["media"][0]
        wanted = {first: AltText("A door."), second: AltText("Another.")}
        found = ada.platform.publish_alt_texts(post_id, wanted, ada.memory)
    assert (found.missing, found.published) == ({first}, {second})


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
