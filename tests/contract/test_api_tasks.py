"""/api/v1/tasks: what submits, lists, cancels and requeues answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event
from tests import support_web
from tests.servers import RedisServer
from tests.support_web import Web, problem

from altwright.errors import Category
from altwright.tasks.store.items import Planned
from altwright.web.api import responses

web = support_web.web


@pytest.mark.req("10.3", "one documented shape")
def test_a_submit_answers_with_the_task_and_where_it_is(web: Web) -> None:
    """A submit is accepted (202) and says where to watch; both answers have the same shape."""
    anna = web.by_token(web.anna)
    response = anna.post(
        "/api/v1/tasks",
        json={"account_id": web.account_id, "settings": {"max_posts_per_run": 5}},
    )
    assert response.status_code == 202
    task = response.get_json()
    responses.Task.model_validate(task)
    assert (task["kind"], task["status"], task["priority"]) == ("captions", "queued", "normal")
    assert response.headers["Location"] == f"/api/v1/tasks/{task['id']}"
    assert anna.get(response.headers["Location"]).get_json() == task


@pytest.mark.req("3.2", "answers at once")
@pytest.mark.parametrize("redis_is_there", [True, False], ids=["Redis up", "Redis down"])
def test_a_submit_costs_a_few_steps(web: Web, valkey: RedisServer, *, redis_is_there: bool) -> None:
    """What an answer within 10 ms rests on: few round trips, one commit, no wait for Redis.

    `python -m benchmarks.submits` measures the milliseconds.
    """
    anna = web.by_token(web.anna)
    if not redis_is_there:
        valkey.stop()
        web.services.health.check()
        web.services.health.check()
    asked: list[str] = []
    engine = web.services.database.engine

    def executed(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement.split(maxsplit=1)[0])

    def committed(_conn: Any) -> None:
        asked.append("COMMIT")

    before = calls(valkey) if redis_is_there else 0
    event.listen(engine, "before_cursor_execute", executed)
    event.listen(engine, "commit", committed)
    try:
        web.submit(anna)
    finally:
        event.remove(engine, "before_cursor_execute", executed)
        event.remove(engine, "commit", committed)
    assert asked.count("COMMIT") == 1
    assert len(asked) <= 5
    if redis_is_there:
        assert calls(valkey) - before <= 16  # most of them in two scripts


def calls(server: RedisServer) -> int:
    """Return how many commands a server has carried out, the question itself left out."""
    with server.client() as client:
        stats: Any = client.info("commandstats")
    names = ("cmdstat_info", "cmdstat_hello", "cmdstat_client|setinfo", "cmdstat_client")
    return sum(one["calls"] for name, one in stats.items() if name not in names)


@pytest.mark.req("4.6", "refused until the first has ended")
def test_a_second_submit_is_refused_and_names_the_active_task(web: Web) -> None:
    """While a task is active a second one gets 409 with its id; after a cancel it is accepted."""
    anna = web.by_token(web.anna)
    first = web.submit(anna)
    refusal = problem(anna.post("/api/v1/tasks", json={"account_id": web.account_id}), 409)
    assert refusal["task_id"] == first["id"]
    assert refusal["type"] == "urn:altwright:problem:active-task-exists"
    cancelled = anna.post(f"/api/v1/tasks/{first['id']}/cancel").get_json()
    assert cancelled["status"] == "cancelled"
    assert web.submit(anna)["id"] != first["id"]


@pytest.mark.req("4.6", "100 at once")
def test_a_hundred_submits_at_once_make_one_task(web: Web) -> None:
    """Of a hundred submits at the same instant one is accepted, and the rest name it."""

    def submit(_: int) -> Any:
        return web.by_token(web.anna).post("/api/v1/tasks", json={"account_id": web.account_id})

    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(submit, range(100)))
    accepted = [one.get_json()["id"] for one in responses if one.status_code == 202]
    assert len(accepted) == 1
    refused = [one for one in responses if one.status_code != 202]
    assert {problem(one, 409)["task_id"] for one in refused} == {accepted[0]}


def test_a_repeated_submit_gets_its_task_again(web: Web) -> None:
    """A submit sent twice with one Idempotency-Key makes one task, whoever lost the answer."""
    anna, body = web.by_token(web.anna), {"account_id": web.account_id}
    headers = {"Idempotency-Key": "7f3a" * 32}
    first, again = (anna.post("/api/v1/tasks", json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.get_json()["id"] == again.get_json()["id"]
    problem(anna.post("/api/v1/tasks", json=body, headers={"Idempotency-Key": "other"}), 409)


@pytest.mark.parametrize("key", ["", "a" * 129, "a b", "ä"])
def test_a_wrong_idempotency_key_is_named(web: Web, key: str) -> None:
    """A key that can't be kept whole is refused, not cut."""
    response = web.by_token(web.anna).post(
        "/api/v1/tasks", json={"account_id": web.account_id}, headers={"Idempotency-Key": key}
    )
    assert list(problem(response, 422)["fields"]) == ["Idempotency-Key"]


@pytest.mark.req("2.6", "the API answers 422")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"priority": "important"}, "priority"),
        ({"kind": "nonsense"}, "kind"),
        ({"account_id": "1"}, "account_id"),
        ({"account_id": 0}, "account_id"),
        ({"settings": []}, "settings"),
        ({"settings": {"max_posts_per_run": 0}}, "max_posts_per_run"),
        ({"settings": {"nonsense": 1}}, "nonsense"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_wrong_input_is_named(web: Web, change: dict[str, Any], field: str) -> None:
    """What a submit has wrong is named; an unknown priority is wrong here (2.6)."""
    body = {"account_id": web.account_id, **change}
    fields = problem(web.by_token(web.anna).post("/api/v1/tasks", json=body), 422)["fields"]
    assert [name.rpartition(".")[2] for name in fields] == [field]


@pytest.mark.req("2.4", "no more than the role allows")
@pytest.mark.parametrize("priority", ["urgent", "high"])
def test_a_user_gets_no_priority_above_their_role(web: Web, priority: str) -> None:
    """A user who asks for more than their role allows is refused."""
    body = {"account_id": web.account_id, "priority": priority}
    problem(web.by_token(web.anna).post("/api/v1/tasks", json=body), 403)


def test_lists_go_on_where_a_page_ended(web: Web) -> None:
    """Tasks come newest first, page by page, and by status."""
    anna = web.by_token(web.anna)
    ids = []
    for _ in range(3):
        ids.append(web.submit(anna)["id"])
        anna.post(f"/api/v1/tasks/{ids[-1]}/cancel")
    page = anna.get("/api/v1/tasks?limit=2").get_json()
    responses.TaskList.model_validate(page)
    rest = anna.get(f"/api/v1/tasks?before={page['tasks'][-1]['id']}").get_json()
    assert [one["id"] for one in page["tasks"] + rest["tasks"]] == ids[::-1]
    assert len(anna.get("/api/v1/tasks?status=cancelled").get_json()["tasks"]) == 3
    assert anna.get("/api/v1/tasks?status=queued").get_json() == {"tasks": []}


def test_items_and_history_tell_what_happened(web: Web) -> None:
    """A task's pictures and events can be read; a worker's host is not named to users."""
    task = web.submit()
    claimed = web.services.engine.claims.claim_next("secrethost.boot.1.1.test")
    assert claimed is not None
    web.services.engine.items.plan(claimed, [Planned("1-1", "A picture")])
    anna, root = web.by_token(web.anna), web.by_token(web.root)
    items = anna.get(f"/api/v1/tasks/{task['id']}/items").get_json()
    responses.ItemList.model_validate(items)
    assert [one["label"] for one in items["items"]] == ["A picture"]
    path = f"/api/v1/tasks/{task['id']}/history"
    events = anna.get(path).get_json()
    responses.EventList.model_validate(events)
    assert [one["event"] for one in events["events"]][:2] == ["queued", "claimed"]
    assert events["events"][0]["actor"] == "anna"
    assert "secrethost" not in anna.get(path).text
    assert "secrethost" in root.get(path).text


def test_the_category_of_an_error_is_for_administrators(web: Web) -> None:
    """Users read a sentence, on the page too."""
    task = web.failed()
    path = f"/api/v1/tasks/{task['id']}/history"
    details = [
        web.by_token(user).get(path).get_json()["events"][-1]["detail"]
        for user in (web.anna, web.root)
    ]
    assert details == ["It broke.", "fault: It broke."]


def test_a_page_says_in_words_for_how_long_a_task_waits(web: Web) -> None:
    """Without codes."""
    task = web.submit()
    claimed = web.services.engine.claims.claim_next("host.boot.1.1.test")
    assert claimed is not None
    web.services.engine.claims.wait(
        claimed, Category.RATE_LIMIT, "The server asks us to wait.", 960, ""
    )
    page = web.by_session(web.anna).get(f"/tasks/{task['id']}").text
    assert "Waits 16 minutes: The server asks us to wait." in page
    assert "rate_limit:" not in page


@pytest.mark.req("7.3", "one list")
@pytest.mark.req("10.3", "in every mode")
def test_one_list_holds_what_rq_and_the_database_deliver(web: Web, valkey: RedisServer) -> None:
    """An administrator sees both kinds beside each other, in one shape."""
    through_rq = web.submit()
    web.services.queue.cancel(through_rq["id"], by=web.anna.ref)
    valkey.kill()
    without = web.submit()
    listed = web.by_token(web.root).get("/api/v1/tasks?everybody=true").get_json()["tasks"]
    assert [(one["id"], one["delivery"]) for one in listed] == [
        (without["id"], "database"),
        (through_rq["id"], "rq"),
    ]
    assert listed[0].keys() == listed[1].keys()
    for one in (*listed, through_rq, without):
        responses.Task.model_validate(one)


@pytest.mark.req("7.5", "tasks")
def test_a_failed_task_is_requeued(web: Web) -> None:
    """A failed task can be queued again, one that hasn't failed can't."""
    task, anna = web.failed(), web.by_token(web.anna)
    shown = anna.get(f"/api/v1/tasks/{task['id']}").get_json()
    assert shown["error"] == {"category": "fault", "message": "It broke."}
    requeued = anna.post(f"/api/v1/tasks/{task['id']}/requeue")
    assert requeued.get_json()["status"] == "queued"
    refusal = problem(anna.post(f"/api/v1/tasks/{task['id']}/requeue"), 409)
    assert refusal["task_id"] == task["id"]


@pytest.mark.req("1.4", "no request fails")
@pytest.mark.req("4.5", "the same one-per-user rule")
@pytest.mark.req("6.4", "the submit that meets it")
def test_submits_go_on_without_redis(web: Web, valkey: RedisServer) -> None:
    """Redis is killed: the very next submit succeeds, and the one-per-user rule holds."""
    valkey.kill()
    anna = web.by_token(web.anna)
    task = web.submit(anna)
    assert task["delivery"] == "database"
    body = {"account_id": web.account_id}
    assert problem(anna.post("/api/v1/tasks", json=body), 409)["task_id"] == task["id"]
