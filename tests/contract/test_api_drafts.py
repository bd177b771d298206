"""/api/v1/drafts and /api/v1/accounts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from tests import support_web
from tests.support_web import Web, problem

from altwright.accounts import connecting
from altwright.captions.drafts import draft_writes
from altwright.db.session import Database, make_engine, utcnow
from altwright.db.tables import DraftRow
from altwright.errors import PlatformRefused, PlatformUnavailable, RateLimited
from altwright.web.api import responses

web = support_web.web


def test_drafts_come_in_pages_with_counts(web: Web) -> None:
    """Drafts are listed page by page, by one or several states, with how many there are of each."""
    drafts = web.drafts(3)
    web.services.drafts.approve(drafts[0].id, web.anna.id)
    anna = web.by_token(web.anna)
    page = anna.get("/api/v1/drafts?limit=2").get_json()
    responses.DraftList.model_validate(page)
    rest = anna.get(f"/api/v1/drafts?limit=2&cursor={page['next_cursor']}").get_json()
    ids = [one["id"] for one in page["drafts"] + rest["drafts"]]
    assert sorted(ids) == sorted(one.id for one in drafts)
    assert rest["next_cursor"] is None
    assert page["counts"] == {
        "draft": 2,
        "approved": 1,
        "publishing": 0,
        "published": 0,
        "skipped": 0,
    }
    for query in ("status=draft,approved", "status=draft&status=approved", "status="):
        assert len(anna.get(f"/api/v1/drafts?{query}").get_json()["drafts"]) == 3
    assert len(anna.get("/api/v1/drafts?status=approved").get_json()["drafts"]) == 1
    assert anna.get("/api/v1/drafts?account_id=999").get_json()["drafts"] == []


def test_a_draft_is_edited_approved_and_reopened(web: Web) -> None:
    """Each change answers with the draft as it is then."""
    (draft,) = web.drafts()
    anna, path = web.by_token(web.anna), f"/api/v1/drafts/{draft.id}"
    edited = anna.call("PATCH", path, json={"text": " A cat. ", "version": draft.version})
    responses.Draft.model_validate(edited.get_json())
    assert edited.get_json()["text"] == "A cat."
    approved = anna.post(f"{path}/approve", json={"text": "A grey cat."}).get_json()
    assert (approved["status"], approved["text"]) == ("approved", "A grey cat.")
    assert anna.post(f"{path}/reopen").get_json()["status"] == "draft"
    assert anna.post(f"{path}/skip").get_json()["status"] == "skipped"
    assert anna.get(path).get_json()["status"] == "skipped"


def test_an_older_version_changes_nothing(web: Web) -> None:
    """Of two people who edit one draft, the second is told."""
    (draft,) = web.drafts()
    anna, path = web.by_token(web.anna), f"/api/v1/drafts/{draft.id}"
    body = {"text": "One", "version": draft.version}
    assert anna.call("PATCH", path, json=body).status_code == 200
    problem(anna.call("PATCH", path, json={**body, "text": "Two"}), 409)
    problem(anna.post(f"{path}/approve", json={"version": draft.version}), 409)
    assert anna.get(path).get_json()["text"] == "One"


def test_broken_json_approves_nothing(web: Web) -> None:
    """A body may be left out, but one that can't be read isn't taken for none."""
    (draft,) = web.drafts()
    anna, path = web.by_token(web.anna), f"/api/v1/drafts/{draft.id}"
    problem(anna.post(f"{path}/approve", data="{", content_type="application/json"), 400)
    problem(anna.post(f"{path}/approve", data="text=A", content_type="text/plain"), 415)
    assert anna.get(path).get_json()["status"] == "draft"


def test_texts_have_their_servers_limit(web: Web) -> None:
    """An empty text and one that the server wouldn't take are refused."""
    (draft,) = web.drafts()
    anna, path = web.by_token(web.anna), f"/api/v1/drafts/{draft.id}"
    for text in ("", "  ", "x" * 1501):
        document = problem(anna.call("PATCH", path, json={"text": text}), 422)
        assert list(document["fields"]) == ["text"]


def test_many_at_once_say_how_many(web: Web) -> None:
    """Several drafts are approved or set aside with one request."""
    ids = [draft.id for draft in web.drafts(3)]
    anna = web.by_token(web.anna)
    assert anna.post("/api/v1/drafts/approve", json={"ids": ids}).get_json()["changed"] == 3
    answer = anna.post("/api/v1/drafts/skip", json={"ids": [*ids[:2], 999]})
    assert answer.get_json() == {"changed": 2, "ids": ids[:2]}
    assert anna.post("/api/v1/drafts/reopen", json={"ids": ids}).get_json()["changed"] == 3
    problem(anna.post("/api/v1/drafts/approve", json={}), 422)


def test_what_would_be_published_is_named_at_once(web: Web) -> None:
    """All that is approved and like a filter, in order, and what would take other words away."""
    ids = [draft.id for draft in web.drafts(3)]
    anna = web.by_token(web.anna)
    anna.post("/api/v1/drafts/approve", json={"ids": ids[1:]})
    replaced = web.services.drafts.get(ids[2], web.anna.id)
    with web.services.database.write() as session:
        draft_writes.note_published(session, replaced.picture.id, "Words of before.")
    listed = anna.get("/api/v1/drafts?status=approved").get_json()["drafts"]
    found = anna.get("/api/v1/drafts/publishable").get_json()
    responses.Publishable.model_validate(found)
    assert found["ids"] == [one["id"] for one in listed]
    assert found["post_ids"] == [one["post"]["id"] for one in listed]
    assert found["replacing"] == [ids[2]]
    assert anna.get("/api/v1/drafts/publishable?kind=map").get_json()["ids"] == []
    assert web.by_token(web.bert).get("/api/v1/drafts/publishable").get_json()["ids"] == []


def test_sure_ones_are_approved_by_what_they_are_like(web: Web) -> None:
    """One request takes exactly the confirmed ones: no unsure, warned, rewritten or newer one."""
    anna, ids = web.by_token(web.anna), [draft.id for draft in web.drafts(6)]
    sure, second, unsure, warned, rewritten, newer = ids
    with web.services.database.write() as session:
        for one in ids:
            row = session.get_one(DraftRow, one)
            row.level = "low" if one == unsure else "high"
            row.text = "IMG_2034.jpg" if one == warned else "A grey cat sleeps on a chair."
            row.described_text = row.text
            row.checked_version = 0  # as a process of an older version leaves it
            row.evidence = {"kind": "photo"} if one == second else {}
    web.services.drafts.edit(rewritten, web.anna.id, text="A grey cat, by hand.")
    path = "/api/v1/drafts/approvable"
    asked = {"level": ["high"], "has_warnings": False}
    found = anna.get(f"{path}?level=high&has_warnings=false").get_json()
    responses.Approvable.model_validate(found)
    assert found["count"] == 3
    assert anna.get(f"{path}?level=low").get_json()["count"] == 0
    assert anna.get(f"{path}?level=low&decision=skip").get_json()["count"] == 1
    assert anna.get(f"{path}?kind=photo&language=en").get_json()["count"] == 1
    assert anna.get(f"{path}?language=de").get_json()["count"] == 0
    assert web.by_token(web.bert).get(path).get_json()["count"] == 0
    web.services.drafts.skip(newer, web.anna.id)
    web.services.drafts.reopen(newer, web.anna.id)
    asked["until"] = found["at"]
    answer = anna.post("/api/v1/drafts/approve", json={"filter": asked})
    responses.Changed.model_validate(answer.get_json())
    assert answer.get_json()["ids"] == sorted([sure, second])
    everything = anna.post("/api/v1/drafts/approve", json={"filter": {}}).get_json()["ids"]
    assert unsure not in everything
    skipped = anna.post("/api/v1/drafts/skip", json={"filter": {"level": ["low"]}}).get_json()
    assert skipped["ids"] == [unsure]


def test_some_drafts_are_listed_by_their_ids(web: Web) -> None:
    """A page asks for the drafts that it shows, and gets no other."""
    first, second, _ = (draft.id for draft in web.drafts(3))
    page = web.by_token(web.anna).get(f"/api/v1/drafts?ids={first},{second}").get_json()
    assert sorted(one["id"] for one in page["drafts"]) == sorted([first, second])


def test_only_approved_drafts_are_published(web: Web) -> None:
    """Publishing is a task; drafts that nobody has approved are refused by their ids."""
    approved, draft = web.drafts(2)
    web.services.drafts.approve(approved.id, web.anna.id)
    anna = web.by_token(web.anna)
    refusal = problem(
        anna.post("/api/v1/drafts/publish", json={"ids": [approved.id, draft.id]}), 409
    )
    assert str(draft.id) in refusal["detail"]
    accepted = anna.post("/api/v1/drafts/publish", json={"ids": [approved.id]})
    assert accepted.status_code == 202
    body = accepted.get_json()
    responses.Publishing.model_validate(body)
    assert body["kind"] == "publishing"
    assert [task["id"] for task in body["tasks"]] == [body["id"]]
    assert body["busy_accounts"] == []
    assert anna.get(accepted.headers["Location"]).status_code == 200


def test_a_picture_is_described_again(web: Web) -> None:
    """A draft's picture is described again by a task of its own, beside one that describes all."""
    (draft,) = web.drafts()
    anna = web.by_token(web.anna)
    web.submit(anna)
    path = f"/api/v1/drafts/{draft.id}/describe"
    document = problem(anna.post(path, json={"hint": "My cat Mia."}), 422)
    assert document["fields"] == {"hint": "should be empty: the built-in describer can't use one"}
    web.services.live.change({"DESCRIBER": "ollama"}, by=web.root.ref)
    accepted = anna.post(path, json={"hint": "My cat Mia."})
    assert accepted.status_code == 202
    assert accepted.get_json()["kind"] == "description"
    document = problem(anna.post(path, json={"hint": "x" * 501}), 422)
    assert list(document["fields"]) == ["hint"]
    document = problem(anna.post(path, json={"describer": "openai"}), 422)
    assert document["fields"] == {"describer": "should be one of ollama"}
    assert anna.post(path, json={"describer": "ollama"}).status_code == 202


def test_what_describers_can_is_told_and_no_more_is_taken(web: Web) -> None:
    """In the order in which they are asked; a run can't ask the first for what it lacks."""
    anna = web.by_token(web.anna)
    answer = anna.get("/api/v1/describers").get_json()
    responses.DescriberList.model_validate(answer)
    (offline,) = answer["describers"]
    assert (offline["name"], offline["languages"], offline["takes_hint"]) == (
        "offline",
        ["en"],
        False,
    )
    body = {"account_id": web.account_id, "settings": {"language": "de", "use_post_text": True}}
    document = problem(anna.post("/api/v1/tasks", json=body), 422)
    assert (
        document["fields"]["language"] == "can't be de: the built-in describer knows English only"
    )
    assert list(document["fields"]) == ["language", "use_post_text"]
    order = {"DESCRIBER": "ollama", "DESCRIBER_FALLBACKS": "offline"}
    web.services.live.change(order, by=web.root.ref)
    found = anna.get("/api/v1/describers").get_json()["describers"]
    assert [(one["name"], one["languages"]) for one in found] == [
        ("ollama", []),
        ("offline", ["en"]),
    ]
    assert anna.post("/api/v1/tasks", json=body).status_code == 202


def test_accounts_are_connected_and_forgotten(web: Web) -> None:
    """An account is connected after its server was asked, listed without its token, and removed."""
    bert = web.by_token(web.bert)
    body = {"platform": "mastodon", "url": "https://social.example", "token": "secret-token"}
    response = bert.post("/api/v1/accounts", json=body)
    assert response.status_code == 201
    account = response.get_json()
    responses.Account.model_validate(account)
    assert account["acct"] == "anna@social.example"
    listed = bert.get("/api/v1/accounts")
    assert listed.get_json() == {"accounts": [account]}
    assert "secret-token" not in listed.text
    assert bert.call("DELETE", f"/api/v1/accounts/{account['id']}").status_code == 204
    assert bert.get("/api/v1/accounts").get_json() == {"accounts": []}


def test_a_drafts_texts_are_listed_and_brought_back(web: Web) -> None:
    """What a person wrote is listed with their name, and the describer's words come back."""
    anna, bert = web.by_token(web.anna), web.by_token(web.bert)
    (draft,) = web.drafts()
    path = f"/api/v1/drafts/{draft.id}"
    edited = anna.call("PATCH", path, json={"text": "By hand."}).get_json()
    found = anna.get(f"{path}/texts").get_json()["texts"]
    assert [(one["kind"], one["text"], one["by"]) for one in found] == [
        ("written", "By hand.", "anna"),
        ("described", draft.text, None),
    ]
    responses.DraftTextList.model_validate({"texts": found})
    restore = f"{path}/texts/{found[1]['id']}/restore"
    problem(bert.post(restore), 404)
    problem(bert.get(f"{path}/texts"), 404)
    problem(anna.post(restore, json={"version": draft.version}), 409)
    problem(anna.post(f"{path}/texts/{2**62}/restore"), 404)
    restored = anna.post(restore, json={"version": edited["version"]})
    assert restored.get_json()["text"] == draft.text


def test_published_pictures_are_counted_beside_drafts_by_state(web: Web) -> None:
    """The list says how many pictures have a text from here, and can be narrowed to them."""
    anna = web.by_token(web.anna)
    web.drafts()
    page = anna.get("/api/v1/drafts?was_published=true").get_json()
    assert (page["drafts"], page["published_pictures"]) == ([], 0)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PlatformRefused("The server doesn't take this token."), 422),
        (PlatformUnavailable("The server does not answer."), 503),
        (RateLimited("The server asks us to wait.", retry_in_s=7.5), 429),
    ],
)
def test_a_servers_trouble_is_passed_on(web: Web, error: Exception, status: int) -> None:
    """What a Fediverse server answers becomes an answer of ours, with its time to wait."""

    def answer(_: str) -> None:
        raise error

    web.platform.before = answer
    body = {"platform": "mastodon", "url": "https://social.example", "token": "token"}
    response = web.by_token(web.anna).post("/api/v1/accounts", json=body)
    assert problem(response, status)["detail"] == str(error)
    if isinstance(error, RateLimited):
        assert response.headers["Retry-After"] == "8"


def test_who_comes_while_many_connect_is_told_when_to_come_again(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more threads wait for servers of others than the service can spare."""
    monkeypatch.setattr(connecting, "CONNECTS_MOST", 0)
    body = {"platform": "mastodon", "url": "https://social.example", "token": "token"}
    response = web.by_token(web.anna).post("/api/v1/accounts", json=body)
    assert problem(response, 503)["type"] == "urn:altwright:problem:busy"
    assert response.headers["Retry-After"] == "10"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://social.example"}, "url"),
        ({"token": ""}, "token"),
        ({"url": "https://a\0b"}, "url"),
    ],
)
def test_wrong_accounts_are_named(web: Web, change: dict[str, str], field: str) -> None:
    """What is wrong with an account to connect is named."""
    body = {"platform": "mastodon", "url": "https://social.example", "token": "token", **change}
    document = problem(web.by_token(web.anna).post("/api/v1/accounts", json=body), 422)
    assert list(document["fields"]) == [field]


def test_the_review_page_is_dated_by_the_clock_of_its_drafts(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web host whose clock is ahead of the database's asks for no drafts of the future."""
    url = web.services.settings.resolved_database_url
    slow = Database(make_engine(url, clock=lambda: utcnow() - timedelta(hours=1)))
    monkeypatch.setattr(web.services.drafts, "database", slow)
    monkeypatch.setattr(web.services.database, "now", slow.now)
    (draft,) = web.drafts()
    web.services.drafts.edit(draft.id, web.anna.id, text="Dated by the database.")
    before = web.services.drafts.get(draft.id, web.anna.id).updated_at
    page = web.by_session(web.anna).get("/review").text
    found = re.search(r'data-at="([^"]+)"', page)
    assert found
    at = datetime.fromisoformat(found[1])
    assert before <= at < utcnow() - timedelta(minutes=50)
    slow.close()


def test_pages_count_what_their_views_show(web: Web) -> None:
    """The review page's tabs and the home page name the same numbers."""
    first, second, third = web.drafts(3)
    web.services.drafts.approve(first.id, web.anna.id)
    web.services.drafts.skip(second.id, web.anna.id)
    with web.services.database.write() as session:
        draft_writes.begin_publishing(session, web.anna.id, first.post.id, [first.id])
    anna = web.by_session(web.anna)
    tabs = re.findall(r'data-tab-count="(\w+)">([\d,]+)<', anna.get("/review").text)
    assert dict(tabs) == {
        "draft": "1",
        "approved": "1",
        "published": "0",
        "skipped": "1",
        "all": "3",
    }
    home = anna.get("/").text
    found = re.findall(r'/review\?status=(\w+)">.*?<strong>([\d,]+)<', home)
    assert found == [(name, count) for name, count in tabs if name != "all"]
    closed, opened = (anna.get(f"/review/{one.id}/card?status=all").text for one in (first, third))
    assert "data-text" in opened
    assert "data-text" not in closed


def test_drafts_are_found_and_counted_by_what_they_are_like(web: Web) -> None:
    """Warnings, level, language, kind: lists, counts and choices agree, and follow each change."""
    anna, ids = web.by_token(web.anna), [draft.id for draft in web.drafts(5)]
    with web.services.database.write() as session:
        for at, one in enumerate(ids):
            row = session.get_one(DraftRow, one)
            row.text = row.described_text = "Image of a cat." if at < 2 else "A grey cat sleeps."
            row.level = "low" if at == 0 else "high"
            row.language = "de" if at == 4 else "en"
            row.evidence = {"kind": "photo" if at else "bar chart"}
            row.checked_version = 0  # as a process of an older version leaves it

    def found(query: str) -> set[int]:
        listed = anna.get(f"/api/v1/drafts?{query}").get_json()["drafts"]
        counted = anna.get(f"/api/v1/drafts/counts?{query}").get_json()
        responses.DraftCounts.model_validate(counted)
        assert sum(counted["counts"].values()) == len(listed)
        return {one["id"] for one in listed}

    assert found("has_warnings=true") == found("warning=opening") == {*ids[:2]}
    assert found("has_warnings=false&language=en") == {*ids[2:4]}
    assert found("level=high&kind=photo&warning=opening,links") == {ids[1]}
    assert found("warning=links") == found("language=fr") == set()
    page = web.by_session(web.anna).get("/review?warning=opening").text
    for choice in (
        "Unsure (1)",
        "Quite sure (1)",
        "None (3)",
        "Any (2)",
        "Photo (1)",
        "English (2)",
    ):
        assert choice in page
    assert "German" not in page
    anna.call("PATCH", f"/api/v1/drafts/{ids[0]}", json={"text": "A grey cat sleeps on a chair."})
    assert found("has_warnings=true") == {ids[1]}
    assert found("level=low") == set()
    anna.post("/api/v1/drafts/skip", json={"filter": {"warning": ["opening"]}})
    assert anna.get("/api/v1/drafts/counts?has_warnings=true").get_json()["counts"]["skipped"] == 1
