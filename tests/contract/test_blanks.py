"""Drafts without words: where too little was seen, a person writes a sentence or skips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support_domain import (
    Bench,
    BlankDescriber,
    PictureServer,
    World,
    make_post,
    make_world,
    picture_server,
)

from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_filter import DraftFilter
from altwright.captions.tasks.publishing import start_publishing
from altwright.db.session import Database
from altwright.describers.port import why_blank
from altwright.domain.caption import DraftStatus
from altwright.errors import Conflict, InvalidInput, NotFound

D = DraftStatus


@dataclass
class Run:
    """A bench whose describer sees colours only, and what it has left to a person."""

    bench: Bench
    world: World
    describer: BlankDescriber
    pictures: PictureServer
    user: int

    @property
    def draft(self) -> Draft:
        """Return the draft of the newest post."""
        return self.world.drafts.find(self.user).drafts[0]

    def outcome(self) -> tuple[str, str]:
        """Make an attempt at the task that waits; return how its item ended, and why."""
        ((_, status, reason),) = self.bench.outcomes(self.bench.attempt())
        return status, reason


@pytest.fixture
def run(database: Database, tmp_path: Path) -> Iterator[Run]:
    """Return a run over one picture, which has ended with a blank."""
    with picture_server() as pictures:
        world, describer = make_world(database), BlankDescriber()
        bench = Bench(world, pictures, tmp_path, describer=describer)
        world.platform.add(make_post(1, "", host=pictures.host))
        task = bench.captions()
        assert task.step == "Described 0 of 1 picture. 1 waits for a sentence of yours."
        yield Run(bench, world, describer, pictures, world.user.id)


def test_a_blank_is_a_draft_that_says_what_was_seen(run: Run) -> None:
    """It waits for review like any other, with a hint in place of words."""
    blank = run.draft
    assert (blank.status, blank.text, blank.described_text) == (D.DRAFT, "", "")
    assert [one.code for one in blank.warnings] == ["empty"]
    assert why_blank(blank.evidence).endswith("Picture, mostly in blue.")
    assert run.world.drafts.counts(run.user)[D.DRAFT] == 1


def test_no_blank_is_approved_or_published(run: Run) -> None:
    """Neither alone nor among many, by no filter, and from no state."""
    drafts, blank = run.world.drafts, run.draft
    for _ in range(2):
        with pytest.raises(InvalidInput) as refused:
            drafts.approve(blank.id, run.user)
        assert refused.value.fields == {"text": "is empty"}
        assert drafts.approve_many(run.user, [blank.id]) == []
        for wanted in (DraftFilter(), DraftFilter(levels=["low"]), DraftFilter(statuses=list(D))):
            assert drafts.approve_matching(run.user, wanted) == []
            assert drafts.count_matching(run.user, wanted)[0] == 0
        with pytest.raises((Conflict, NotFound)):
            start_publishing(drafts, run.bench.queue, run.world.user.ref, [blank.id], None)
        drafts.skip(blank.id, run.user)
    assert run.draft.status is D.SKIPPED


def test_a_person_s_sentence_makes_it_a_text(run: Run) -> None:
    """Approved as any other; and as it was, the blank can be had back until then."""
    drafts, blank = run.world.drafts, run.draft
    drafts.edit(blank.id, run.user, text="The sea at night.")
    written, first = drafts.texts(blank.id, run.user)
    assert (written.text, first.text) == ("The sea at night.", "")
    assert drafts.restore(blank.id, run.user, first.id).text == ""
    drafts.restore(blank.id, run.user, written.id)
    approved = drafts.approve(blank.id, run.user)
    assert (approved.status, approved.text) == (D.APPROVED, "The sea at night.")
    with pytest.raises(InvalidInput):
        drafts.restore(blank.id, run.user, first.id)
    assert run.draft == approved


def test_a_blank_takes_no_text_away(run: Run) -> None:
    """Neither a person's, nor a describer's, nor what stands on the server."""
    drafts, blank = run.world.drafts, run.draft
    run.describer.says = "The sea at night, with one boat."
    run.bench.submit("description", settings={"draft_id": blank.id})
    assert run.outcome() == ("done", "")
    described = run.draft
    run.describer.says = ""
    for kind in ("description", "captions"):
        if kind == "captions":
            status, reason = _over_all(run)
        else:
            run.bench.submit(kind, settings={"draft_id": blank.id})
            status, reason = run.outcome()
        assert status == "skipped"
        assert reason.endswith("mostly in blue. The text stays as it is.")
        assert run.draft == described
    assert drafts.count_blanks(described.task_id or "", run.user) == 0


def test_what_stands_on_the_server_gets_no_blank(run: Run) -> None:
    """A run over described pictures as well leaves those alone of which it can say nothing."""
    run.world.drafts.skip(run.draft.id, run.user)
    run.world.platform.posts.clear()
    run.world.platform.add(make_post(2, "A boat at sea.", host=run.pictures.host))
    status, _ = _over_all(run)
    assert status == "skipped"
    assert len(run.world.drafts.find(run.user).drafts) == 1


def _over_all(run: Run) -> tuple[str, str]:
    task = run.bench.captions(reprocess_existing=True)
    ((_, status, reason),) = run.bench.outcomes(task)
    return status, reason
