"""A picture that is there already gets the text that its owner gave it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text
from tests.support_domain import Bench, PictureServer, World, jpeg
from tests.support_images import saved, scene

from altwright.accounts.context import AccountContext
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_filter import DraftFilter
from altwright.domain.caption import DraftStatus
from altwright.platforms.port import Post

MIA = "My cat Mia asleep on the piano."


@dataclass
class Twins:
    """Two posts with a picture each; the older one's has a text that its owner has approved."""

    bench: Bench
    world: World
    pictures: PictureServer
    post: Callable[..., Post]

    def first(self, data: bytes, *, approved: bool = True, **options: str) -> Draft:
        """Post the first picture, have it described, and write its text by hand."""
        world = self.world
        self.pictures.answers["/1-0.jpg"] = (200, data)
        world.platform.add(replace(self.post(1, ""), **options))  # type: ignore[arg-type]
        self.bench.captions()
        (draft,) = world.drafts.find(world.user.id).drafts
        if approved:
            world.drafts.approve(draft.id, world.user.id, text=MIA)
        return draft

    def second(self, data: bytes, **settings: object) -> Draft:
        """Post the second picture, and have the account's pictures described."""
        self.pictures.answers["/2-0.jpg"] = (200, data)
        self.world.platform.add(self.post(2, ""))
        self.bench.captions(**settings)
        return self.draft("p2")

    def draft(self, post: str) -> Draft:
        """Return the draft of a post's picture."""
        found = self.world.drafts.find(self.world.user.id, limit=200).drafts
        return next(one for one in found if one.post.remote_id == post)

    def say(self, **context: object) -> None:
        """Change what the account's owner has said."""
        wanted = replace(AccountContext(), **context)  # type: ignore[arg-type]  # by its names
        self.world.accounts.contexts.put(self.world.account.id, self.world.user.id, wanted)


@pytest.fixture
def twins(bench: Bench, world: World, pictures: PictureServer, post: Callable[..., Post]) -> Twins:
    """Return them, not posted yet."""
    return Twins(bench, world, pictures, post)


@pytest.mark.every_database
def test_the_same_picture_has_its_text_already(twins: Twins) -> None:
    """No describer is asked; the draft says which post it is from, and is a sure one."""
    data = saved(scene(), "JPEG")
    first = twins.first(data)
    draft = twins.second(data)
    assert len(twins.bench.describer.requests) == 1
    assert (draft.text, draft.status, draft.level) == (MIA, DraftStatus.DRAFT, "high")
    assert (draft.describer, draft.language) == ("reused", "en")
    assert draft.evidence["reused"] == {
        "url": first.post.url,
        "posted_at": first.post.posted_at.isoformat(),
        "is_same": True,
    }
    wanted = DraftFilter(task_id=draft.task_id)
    assert twins.world.drafts.approve_matching(twins.world.user.id, wanted) == [draft.id]


@pytest.mark.every_database
def test_a_picture_that_is_nearly_the_same_is_for_a_person_to_compare(twins: Twins) -> None:
    """Made smaller and compressed anew: its draft is unsure, and nobody approves it unread."""
    twins.first(saved(scene((1200, 900)), "JPEG", quality=95))
    draft = twins.second(saved(scene((1200, 900)).resize((600, 450)), "JPEG", quality=70))
    assert (draft.text, draft.level) == (MIA, "low")
    assert draft.evidence["reused"]["is_same"] is False
    drafts, user_id = twins.world.drafts, twins.world.user.id
    (other,) = twins.world.draft(twins.post(3, ""))
    assert drafts.approve_matching(user_id, DraftFilter()) == [other.id]
    drafts.reopen(other.id, user_id)
    assert drafts.approve_many(user_id, [draft.id, other.id]) == [other.id]
    assert drafts.approve(draft.id, user_id).status is DraftStatus.APPROVED


def test_plain_pictures_are_the_same_or_not(twins: Twins) -> None:
    """The hash of one colour is that of any other."""
    twins.first(jpeg(640, 480, "red"))
    draft = twins.second(jpeg(640, 480, "darkred"))
    assert draft.text == "A tabby cat on a red sofa, number 2."


def test_what_its_owner_has_put_on_the_server_counts_too(twins: Twins) -> None:
    """Words by which they have replaced a draft there; a file's name is no such words."""
    data = saved(scene(), "JPEG")
    twins.first(data, approved=False)
    twins.world.platform.describe("p1", {"m1-0": "IMG_2034.jpg"})
    twins.bench.captions(reprocess_existing=True)
    assert twins.second(data).describer == "fake"
    twins.world.platform.describe("p1", {"m1-0": MIA})
    twins.bench.captions(reprocess_existing=True)
    twins.pictures.answers["/3-0.jpg"] = (200, data)
    twins.world.platform.add(twins.post(3, ""))
    twins.bench.captions()
    assert (twins.draft("p3").text, twins.draft("p3").describer) == (MIA, "reused")


@pytest.mark.parametrize(
    ("first", "said", "settings"),
    [
        ({"approved": False}, {}, {}),
        ({"language": "de"}, {}, {}),
        ({"visibility": "private"}, {}, {}),
        ({}, {"reuse_texts": False}, {}),
        ({}, {}, {"language": "de"}),
        ({}, {}, {"reprocess_existing": True}),
        ({}, {}, {"max_caption_length": 50, "language": "fr"}),
    ],
    ids=[
        *("not approved", "its post in another language", "for fewer people", "not wanted"),
        *("another language is asked for", "described again", "both"),
    ],
)
def test_a_text_that_does_not_fit_is_not_taken(
    twins: Twins, first: dict[str, str], said: dict[str, object], settings: dict[str, object]
) -> None:
    """The picture is described, as if there were no other."""
    data = saved(scene(), "JPEG")
    twins.first(data, **first)  # type: ignore[arg-type]  # by its names
    twins.say(**said)
    draft = twins.second(data, **settings)
    assert draft.describer == "fake"
    assert draft.text.startswith("A tabby cat")


def test_texts_go_from_one_account_to_another_unless_nobody_may_be_named(twins: Twins) -> None:
    """An account that says so takes its own alone; so does somebody else's."""
    world, bench = twins.world, twins.bench
    data = saved(scene(), "JPEG")
    twins.first(data)
    world.platform.posts.clear()
    world.platform.acct = "anna@other.example"
    other = world.accounts.add(world.user.id, "mastodon", "https://other.example", "token")
    careful = AccountContext(never_name_people=True)
    described = []
    for number, context in ((2, AccountContext()), (3, careful)):
        world.accounts.contexts.put(other.id, world.user.id, context)
        twins.pictures.answers[f"/{number}-0.jpg"] = (200, data)
        world.platform.add(twins.post(number, ""))
        bench.submit("captions", account_id=other.id)
        bench.attempt()
        described.append(twins.draft(f"p{number}").describer)
    assert described == ["reused", "fake"]
    bob = world.users.create("bob", "correct horse")
    his = world.accounts.add(bob.id, "mastodon", "https://other.example", "token-of-bob")
    bench.submit("captions", user=bob.ref, account_id=his.id)
    bench.attempt()
    assert {one.describer for one in world.drafts.find(bob.id).drafts} == {"fake"}


def test_pictures_from_before_are_known_by_their_copies(twins: Twins) -> None:
    """They have no hash: an older version has described them."""
    data = saved(scene(), "JPEG")
    twins.first(data)
    with twins.world.database.begin() as connection:
        connection.execute(text("DELETE FROM picture_hashes"))
    assert twins.second(data).text == MIA


def test_a_copy_that_was_given_up_is_still_known(twins: Twins) -> None:
    """Retention takes the file away, and not what the picture is known by."""
    data = saved(scene(), "JPEG")
    twins.first(data)
    with twins.world.database.begin() as connection:
        connection.execute(text("UPDATE pictures SET file = '', thumbnail = ''"))
    assert twins.second(data).text == MIA


def test_describing_again_asks_the_describer(twins: Twins) -> None:
    """Who asks for another text gets another one."""
    data = saved(scene(), "JPEG")
    twins.first(data)
    draft = twins.second(data)
    twins.bench.submit("description", settings={"draft_id": draft.id, "hint": ""})
    twins.bench.attempt()
    assert twins.draft("p2").describer == "fake"
