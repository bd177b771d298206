"""How evidence, names and settings read on the pages."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from tests.support_browser import Site

from altwright.domain.task import Status
from altwright.errors import Category
from altwright.web.pages.template_filters import initials, seen, settings_in_words, written_lines


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({}, []),
        (
            {"text": [{"text": "Open", "score": 0.99, "box": [1, 2, 3, 4]}, "8 to 20"]},
            [("Text in the picture", ["Open", "8 to 20"])],
        ),
        ({"objects": [{"name": "cat", "score": 0.941}]}, [("Things", ["cat (94%)"])]),
        ({"objects": ["cat"]}, [("Things", ["cat"])]),
        ({"classes": [["tabby", 0.5]]}, [("It looks like", ["tabby (50%)"])]),
        ({"colours": {"red": 0.25}}, [("Colours", ["red (25%)"])]),
        ({"faces": [{"name": "face"}, {"name": "face"}]}, [("Faces", ["2"])]),
        ({"ms": {"look": 3}, "objects": 7, "text": None}, []),
    ],
)
def test_evidence(evidence: dict[str, Any], words: list[tuple[str, list[str]]]) -> None:
    """Whatever shape a describer's evidence has, what has words is shown and nothing fails."""
    assert seen(evidence) == words


def test_lines_have_their_language() -> None:
    """A screen reader speaks each in its own voice, where the describer was sure of it."""
    evidence = {"text": [{"text": "Άνοιξη", "lang": "el"}, {"text": "Open"}, "8 to 20"]}
    assert written_lines(evidence) == [("Άνοιξη", "el"), ("Open", ""), ("8 to 20", "")]
    assert written_lines({}) == []


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Anna Ahorn", "AA"), ("", "A"), ("🦊 Fox", "F"), ("A B C", "AC"), ("日本", "日")],
)
def test_initials(name: str, letters: str) -> None:
    """Every account has a letter, whatever its name is made of."""
    assert initials({"display_name": name, "acct": "anna@social.example"}) == letters


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/review?account=99999999999999999999&status=none", 200),
        ("/review?task=none", 200),
        ("/review/cards?cursor=none", 422),
        ("/review/99999999999999999999", 404),
        ("/pictures/99999999999999999999", 404),
        ("/tasks/none", 404),
        ("/tasks?before=none", 200),
    ],
)
def test_addresses_that_make_no_sense(site: Site, path: str, status: int) -> None:
    """A mistyped address is answered, and never with an error of ours."""
    assert site.web.by_session(site.web.anna).get(path).status_code == status


def test_a_describer_that_is_not_set_up_is_no_matter_of_the_account(site: Site) -> None:
    """The page of a run without a model sends nobody to reconnect an account that is well."""
    task_id = site.task(Status.FAILED, error=(Category.CONFIGURATION, "It isn't set up."))
    page = site.web.by_session(site.web.anna).get(f"/tasks/{task_id}").text
    assert "The administrator has to act" in unescape(page)
    assert "econnect" not in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("status=drafts", "There is no state “drafts”."),
        ("account=99", "There is no account of yours with the number “99”."),
        ("account=none", "There is no account of yours with the number “none”."),
        ("task=none", "There is no run “none”."),
        ("since=yesterday", "There is no time “yesterday”."),
    ],
)
def test_a_filter_of_review_that_cannot_be_shows_nothing(
    site: Site, query: str, words: str
) -> None:
    """It is said, instead of showing more than was asked for."""
    site.fill()
    client = site.web.by_session(site.web.anna)
    page = unescape(client.get(f"/review?{query}").text)
    assert words in page
    assert 'class="draft"' not in page + client.get(f"/review/cards?{query}").text
    assert 'class="draft"' in client.get("/review?status=all").text


@pytest.mark.parametrize(
    ("category", "total", "words", "is_offered"),
    [
        (Category.SERVICE_DOWN, 1, "Try again later.", True),
        (Category.BAD_INPUT, 1, "Trying again will not change this.", False),
        (Category.BAD_INPUT, 9, "The rest of the run was not tried", True),
    ],
)
def test_nobody_is_asked_to_try_what_can_not_help(
    site: Site, category: Category, total: int, *, words: str, is_offered: bool
) -> None:
    """A failed run is offered to be queued again where that does something."""
    task_id = site.task(Status.FAILED, failed=1, total=total, error=(category, "It is so."))
    page = unescape(site.web.by_session(site.web.anna).get(f"/tasks/{task_id}").text)
    assert words in page
    assert ("Queue again" in page) is is_offered


def test_a_run_s_language_is_said_by_its_name(site: Site) -> None:
    """To its user and to administrators; where none was chosen, that is said."""
    web = site.web
    web.services.live.change({"DESCRIBER": "ollama"}, by=web.root.ref)
    for language, words in (("pt-BR", "Portuguese (pt-BR)"), (None, "each post's own")):
        task = web.services.queue.submit(
            "captions",
            user=web.anna.ref,
            account_id=web.account_id,
            settings={"language": language},
        )
        for path, who in ((f"/tasks/{task.id}", web.anna), (f"/admin/tasks/{task.id}", web.root)):
            page = unescape(web.by_session(who).get(path).text)
            assert f"<dt>Language</dt><dd>{words}</dd>" in page
        web.services.store.cancel(task.id, user_id=web.anna.id, actor="anna")


def test_settings_of_other_tasks() -> None:
    """A task that isn't a run over an account shows no settings."""
    assert settings_in_words({"draft_ids": [1]}) == []
