"""A user with drafts, in any state, and describers' writes to them."""

from __future__ import annotations

import pytest
from tests.support_domain import World, make_post, make_world

from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_writes import Stored, Target
from altwright.db.session import Database
from altwright.describers.port import Description
from altwright.domain.caption import DraftStatus

D = DraftStatus


NEW = Description("A blue door with a brass knocker.", "fake", "fake-2", "low", {"text": "No 5"})


@pytest.fixture
def world(database: Database) -> World:
    """Return anna with her account."""
    return make_world(database)


@pytest.fixture
def draft(world: World) -> Draft:
    """Return a draft of hers."""
    return world.draft(make_post(1, ""))[0]


def put_into(world: World, draft: Draft, status: DraftStatus) -> Draft:
    """Lead a draft into a state by the ways there are."""
    if status is D.SKIPPED:
        return world.drafts.skip(draft.id, world.user.id)
    if status is not D.DRAFT:
        world.drafts.approve(draft.id, world.user.id)
    with world.database.write() as session:
        if status in {D.PUBLISHING, D.PUBLISHED}:
            mine = draft_writes.begin_publishing(session, world.user.id, draft.post.id, [draft.id])
        if status is D.PUBLISHED:
            draft_writes.published(session, mine)
    return world.drafts.get(draft.id, world.user.id)


def seen(world: World, draft: Draft) -> Target:
    """Return the picture as a task sees it now."""
    with world.database.read() as session:
        found = draft_writes.target(
            session, world.account.id, draft.post.remote_id, draft.picture.remote_id
        )
    assert found is not None
    return found


def store(world: World, target: Target) -> bool:
    """Store a new description, as a task does."""
    files = Stored("new.jpg", "new-small.webp", "image/jpeg", 10, 20)
    with world.database.write() as session:
        return draft_writes.store_draft(
            session, target, NEW, files, user_id=world.user.id, task_id="task-2"
        )
