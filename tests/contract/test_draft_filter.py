"""What drafts are like, as every database counts it, and what makes it old."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import support_drafts
from tests.support_domain import World, make_post

from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft_filter import DraftFilter
from altwright.db.tables import DraftRow
from altwright.domain.caption import DraftStatus as D
from altwright.web.pages.review_filter import asked_drafts

world = support_drafts.world
pytestmark = pytest.mark.every_database


def warned(world: World) -> list[str]:
    """Return the texts that a filter finds warnings in."""
    page = world.drafts.find(world.user.id, wanted=DraftFilter((), has_warnings=True))
    return sorted(one.text for one in page.drafts)


def test_what_drafts_could_be_asked_for_is_counted(world: World) -> None:
    """Each choice says what it would leave, beside what is asked already; empty ones are none's."""
    world.draft(make_post(1, "", ""), "Image of a cat")
    world.draft(make_post(2, ""), "A red bicycle leans on a wall.")
    (rewritten,) = world.draft(make_post(3, ""), "A wall.")
    world.drafts.approve(rewritten.id, world.user.id, text="A wall of red bricks, by hand.")
    found = world.drafts.facets(world.user.id, DraftFilter(()))
    assert found.levels == {"high": 3, "": 1}
    assert found.warnings == {"opening": 2, "": 2}
    assert (found.with_warnings, found.kinds, found.languages) == (2, {"": 4}, {"en": 4})
    asked = DraftFilter((), warnings=("opening",), levels=("high",))
    found = world.drafts.facets(world.user.id, asked)
    assert (found.levels, found.warnings) == ({"high": 2}, {"opening": 2, "": 1})
    assert world.drafts.counts(world.user.id, asked)[D.DRAFT] == 2
    assert world.drafts.counts(world.user.id, replace(asked, warnings=("links",)))[D.DRAFT] == 0


def test_what_was_found_follows_the_text_the_post_and_the_limit(world: World) -> None:
    """Moves keep it; a text, another post and another limit make it anew, older processes too."""
    post = make_post(1, "", text="Hello")
    (draft,) = world.draft(post, "A red bicycle leans on a wall.")
    other, _ = world.draft(make_post(2, "", ""), "A blue bicycle leans on a wall.")
    world.drafts.approve_many(world.user.id, [draft.id, other.id])
    assert warned(world) == []
    with world.database.write() as session:
        draft_writes.save_posts(session, world.account.id, [replace(post, text=draft.text)])
    assert warned(world) == [draft.text]
    world.drafts.edit(draft.id, world.user.id, text="A bicycle, red as rust.")
    assert warned(world) == []
    with world.database.write() as session:  # as a process does that knows of no findings
        row = session.get_one(DraftRow, other.id)
        row.text, row.version = "IMG_2034.jpg", row.version + 1
    assert warned(world) == ["IMG_2034.jpg"]
    world.platform.limit = 25
    world.accounts.add(world.user.id, "mastodon", "https://social.example", "token-of-anna")
    assert warned(world) == ["A blue bicycle leans on a wall.", "IMG_2034.jpg"]


def test_a_text_that_says_less_than_the_server_s_is_to_be_looked_at(world: World) -> None:
    """Until the one there is another."""
    post = make_post(1, "A grey cat sleeps on the blue sofa beside a pile of books.")
    (draft,) = world.draft(post, "A sofa, blue as the sea.")
    assert [one.code for one in draft.warnings] == ["poorer"]
    assert warned(world) == [draft.text]
    with world.database.write() as session:
        draft_writes.save_posts(session, world.account.id, [make_post(1, "Sofa")])
    assert warned(world) == []


def test_a_text_that_was_published_says_no_less_than_the_server_s(world: World) -> None:
    """It stands there itself; what a person writes afterwards is compared with it."""
    post = make_post(1, "A grey cat sleeps on the blue sofa beside a pile of books.")
    short, other = "A sofa, blue as the sea.", make_post(2, "")
    (draft,), (untouched,) = world.draft(post, short), world.draft(other, "IMG_2034.jpg")
    world.drafts.approve_many(world.user.id, [draft.id])
    assert warned(world) == [short, untouched.text]
    with world.database.write() as session:
        (taken,) = draft_writes.begin_publishing(session, world.user.id, draft.post.id, [draft.id])
        draft_writes.published(session, [taken])
    assert warned(world) == [untouched.text]


def test_what_cannot_be_asks_no_database(world: World) -> None:
    """PostgreSQL refuses NUL; a filter that is faulty is said to be, and isn't asked for."""
    for name in ("kind", "language", "level", "warning"):
        asked = asked_drafts({name: "a\0"}, world.user.id)
        assert list(asked.faults) == [name]
        world.drafts.facets(world.user.id, asked.of_view("draft"))
