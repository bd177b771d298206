"""Every kind and every state has words, and pages and scripts take them from the same place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests import support_web
from tests.support_web import Web

import altwright
from altwright.cli.tasks import submit
from altwright.domain.caption import DraftStatus
from altwright.domain.task import ACTIVE, ItemStatus, Status
from altwright.web.api.requests import TaskSubmit
from altwright.web.pages.words import (
    DRAFT_STATES,
    KINDS,
    NOTHING_DONE,
    TASK_STATES,
    VIEWS,
    result_link,
    task_state,
)

web = support_web.web

SCRIPTS = Path(altwright.__file__).parent / "web/static/js"


def test_every_kind_and_every_state_has_words(web: Web) -> None:
    """A kind that the service works on, or a state, can't be added without words for it."""
    assert set(KINDS) == set(web.services.engine.kinds)
    assert set(TASK_STATES) == set(Status)
    assert set(DRAFT_STATES) == set(DraftStatus)
    assert all(words.title for words in KINDS.values())
    assert all(TASK_STATES.values())
    assert all(VIEWS.values())


def test_programs_and_commands_submit_a_kind_that_there_is(web: Web) -> None:
    """What the API and the command line take when nobody says otherwise is known to the service."""
    of_command = next(option.default for option in submit.params if option.name == "kind")
    assert {TaskSubmit.model_fields["kind"].default, of_command} <= set(web.services.engine.kinds)


def test_scripts_get_the_words_with_the_page(web: Web) -> None:
    """A page hands its scripts what its templates say, as data and not as code."""
    page = web.by_session(web.anna).get("/")
    block = re.search(r'<script id="words" type="application/json">(.*?)</script>', page.text)
    assert block
    words = json.loads(block[1])
    assert {name: kind["title"] for name, kind in words["kinds"].items()} == {
        name: kind.title for name, kind in KINDS.items()
    }
    assert words["task_states"] == TASK_STATES
    assert words["draft_states"] == DRAFT_STATES
    assert words["active"] == list(ACTIVE)


def test_no_script_has_words_of_its_own() -> None:
    """What the server words isn't written a second time."""
    titles = [words.title for words in KINDS.values()]
    links = [words.result.ended for words in KINDS.values() if words.result]
    said = {
        *titles,
        *links,
        NOTHING_DONE,
        TASK_STATES[Status.QUEUED],
        DRAFT_STATES[DraftStatus.DRAFT],
    }
    twice = [
        f"{script.name}: {words}"
        for script in sorted(SCRIPTS.rglob("*.js"))
        for words in sorted(said)
        if f'"{words}"' in script.read_text()
    ]
    assert twice == []


@pytest.mark.parametrize("status", sorted(Status))
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_link_leads_to_what_a_task_has_done(kind: str, status: Status) -> None:
    """Drafts can be reviewed while a run goes on; what is published is shown once it has ended."""
    task = {"id": "t1", "kind": kind, "status": status, "items": {"done": 1200, "failed": 0}}
    so_far = " so far" if status in ACTIVE else ""
    assert result_link(task) == {
        "captions": ("/review?task=t1", f"Review 1,200 drafts of this run{so_far}"),
        "publishing": None if so_far else ("/review?status=published", "See what is published"),
    }.get(kind)
    assert result_link(task | {"items": {"done": 0, "failed": 0}}) is None


def test_a_task_that_only_failed_is_not_called_done() -> None:
    """Its badge looks like a failed task's."""
    task = {"status": "completed", "items": {ItemStatus.DONE: 0, ItemStatus.FAILED: 3}}
    assert task_state(task) == ("failed", NOTHING_DONE)
    task["items"] = {ItemStatus.DONE: 1, ItemStatus.FAILED: 3}
    assert task_state(task) == ("completed", "Done")
