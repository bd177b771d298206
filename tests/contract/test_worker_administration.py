"""Administrators and workers: what is shown, what is wished for, a stack, a take-over."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from sqlalchemy import update
from tests import support_web
from tests.contract.test_admin_pages import moderator, post
from tests.support_engine import ROOT, Counting, Rig, at_once
from tests.support_web import Web, problem

from altwright import bootstrap, config
from altwright.db.task_tables import TaskEventRow, WorkerRow
from altwright.db.types import now
from altwright.domain.worker import StartedBy, WorkerKind
from altwright.domain.worker_mode import WorkerMode
from altwright.errors import TaskStateConflict
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.stack_dumps import FRAMES_MOST, StackDumps, request_row, stack_of
from altwright.tasks.cluster.worker_control import INTEGRATED, POOL, Group, PoolSize
from altwright.tasks.cluster.worker_registry import Tally
from altwright.tasks.store.running_work import RunningWork
from altwright.workers.wishes import ProcessWishes

web = support_web.web


def seen(web: Web) -> None:
    """Let workers of every kind be there, on two hosts."""
    roster = web.services.engine.roster
    roster.seen(
        ["here.a.1.1.integrated1", "here.a.1.1.integrated2"],
        kind=WorkerKind.INTEGRATED,
        host="here",
        pid=1,
        started_by=StartedBy.GUNICORN,
        memory_bytes=120 * 2**20,
        tallies={"here.a.1.1.integrated1": Tally(done=7, failed=2)},
    )
    roster.seen(
        ["there.a.2.1.external1"],
        kind=WorkerKind.EXTERNAL,
        host="there",
        pid=2,
        started_by=StartedBy.SYSTEMD,
    )
    roster.seen(["there.a.3.1.rq1"], kind=WorkerKind.RQ, host="there", pid=3)
    roster.seen(
        ["there.a.4.1.external1"],
        kind=WorkerKind.EXTERNAL,
        host="there",
        pid=4,
        started_by=StartedBy.POOL,
    )
    web.services.engine.control.note_pool(PoolSize("there", 1, 1, 1))


def running(web: Web, worker: str = "here.a.1.1.integrated1") -> dict[str, Any]:
    """Let a worker begin with a task of anna's that has three items; return the task."""
    web.services.engine.kinds["counting"] = Counting()
    task = web.services.queue.submit(
        "counting", user=web.anna.ref, settings={"known": True, "items": 3}
    )
    assert web.services.engine.claims.claim_next(worker) is not None
    return task.to_json()


def long_ago(web: Web, task_id: str) -> None:
    """Let the attempt at a task have begun an hour ago."""
    with web.services.database.write() as session:
        event = update(TaskEventRow).where(TaskEventRow.task_id == task_id)
        session.execute(event.values(at=now(-3600)))


def shown(web: Web) -> dict[str, dict[str, Any]]:
    """Return the API's workers by their ids."""
    answer = web.by_token(web.root).get("/api/v1/admin/workers").get_json()
    return {worker["id"]: worker for worker in answer["workers"]}


def groups(web: Web) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the API's groups by kind and host."""
    answer = web.by_token(web.root).get("/api/v1/admin/workers").get_json()
    return {(group["kind"], group["host"]): group for group in answer["groups"]}


def done(web: Web) -> list[tuple[str, str, str, str]]:
    """Return what the audit log says of workers, newest first."""
    entries = web.services.audit.recent()
    return [(one.action, one.subject, one.before, one.after) for one in entries]


def test_what_each_worker_does(web: Web) -> None:
    """Its task, whose that is, the item in hand, what it has done, and its process's memory."""
    seen(web)
    task = running(web)
    worker = shown(web)["here.a.1.1.integrated1"]
    assert (worker["state"], worker["done"], worker["failed"]) == ("working", 7, 2)
    assert worker["memory_bytes"] == 120 * 2**20
    assert worker["task"]["id"] == task["id"]
    assert (worker["task"]["user"], worker["task"]["item"]) == ("anna", "Item 0")
    assert not worker["task"]["is_stuck"]
    assert shown(web)["here.a.1.1.integrated2"]["state"] == "idle"
    page = web.by_session(web.root).get("/admin/workers").text
    for words in ("here, process 1", "there, process 4", "Item 0", "120.0 MB", task["id"][:8]):
        assert words in page


def test_one_that_vanished_and_one_that_stops(web: Web) -> None:
    """Neither is shown as at work."""
    seen(web)
    roster = web.services.engine.roster
    rq = "there.a.3.1.rq1"
    roster.seen([rq], kind="rq", host="there", pid=3, tallies={rq: Tally(stopping=True)})
    with web.services.database.write() as session:
        gone = update(WorkerRow).where(WorkerRow.pid == 2)
        session.execute(gone.values(seen_at=now(-60)))
    states = {one["pid"]: one["state"] for one in shown(web).values()}
    assert (states[2], states[3]) == ("vanished", "stopping")
    assert ("external", "there") not in groups(web)  # nothing can be asked of one that is gone


@pytest.mark.req("7.5", "workers")
@pytest.mark.req("7.5", "audit log")
def test_integrated_workers_are_scaled_stopped_and_started_again(web: Web) -> None:
    """The page says what was asked for, by whom, and how far that is; the audit log too."""
    seen(web)
    root = web.by_session(web.root)
    assert groups(web)["integrated", ""]["most"] == 2  # as configured
    form = {"kind": "integrated", "host": ""}
    assert "Integrated workers: 5 wanted." in post(root, "/admin/workers/scale", least="5", **form)
    assert groups(web)["integrated", ""]["most"] == 5
    page = post(root, "/admin/workers/stop", **form)
    assert "Asked to stop by root: 2 workers still there." in page
    assert "Start again" in page
    web.services.engine.roster.gone(["here.a.1.1.integrated1", "here.a.1.1.integrated2"])
    assert groups(web)["integrated", ""]["standing"] == "Asked to stop by root: stopped."
    assert web.services.overview.current()["workers"]["expected"] == 0
    post(root, "/admin/workers/reset", **form)
    assert groups(web)["integrated", ""]["most"] == 2
    assert groups(web)["integrated", ""]["standing"] == ""
    assert done(web) == [
        ("workers as configured", "integrated workers", "0 workers", "as configured"),
        ("workers stopped", "integrated workers", "5 workers", "0 workers"),
        ("workers scaled", "integrated workers", "as configured", "5 workers"),
    ]


def test_a_pool_is_scaled_by_a_program(web: Web) -> None:
    """Between a least and a most; without numbers as configured."""
    seen(web)
    program = web.by_token(web.root)
    path, body = "/api/v1/admin/workers/scale", {"kind": "pool", "host": "there"}
    answer = program.post(path, json=body | {"least": 2, "most": 6}).get_json()
    assert (answer["least"], answer["most"], answer["there"]) == (2, 6, 1)
    assert program.post(path, json=body).get_json()["asked"] == {}
    assert [one[0] for one in done(web)] == ["workers as configured", "workers scaled"]


@pytest.mark.req("7.5", "workers")
def test_those_that_no_page_can_start_say_so(web: Web) -> None:
    """A worker under systemd ends, and systemd starts it again; it can't be scaled from here."""
    seen(web)
    root = web.by_session(web.root)
    page = root.get("/admin/workers").text
    assert "End; systemd starts it again" in page
    assert "End; whatever runs it has to start it again" in page
    form = {"kind": "external", "host": "there"}
    refused = post(root, "/admin/workers/scale", least="3", **form)
    assert "can&#39;t be changed from here" in refused
    page = post(root, "/admin/workers/stop", **form)
    assert "Asked to stop by root: 1 worker still there." in page
    web.services.engine.roster.gone(["there.a.2.1.external1"])
    assert groups(web)["external", "there"]["standing"] == "Asked to stop by root: stopped."
    seen(web)  # systemd has started it again
    assert groups(web)["external", "there"]["standing"] == "Asked to stop by root: stopped."


@pytest.mark.parametrize("kind", sorted(["integrated", "pool", "external", "rq"]))
def test_every_kind_is_restarted(web: Web, kind: str) -> None:
    """The page counts down until each process was replaced."""
    seen(web)
    host = "" if kind == "integrated" else "there"
    program = web.by_token(web.root)
    body = {"kind": kind, "host": host}
    answer = program.post("/api/v1/admin/workers/restart", json=body)
    assert answer.status_code == 200
    assert "to come" in answer.get_json()["standing"]
    assert done(web)[0][0] == "workers restarted"
    old = [one["id"] for one in shown(web).values()]
    web.services.engine.roster.gone(old)
    seen(web)
    assert groups(web)[kind, host]["standing"] == "Asked to restart by root: all were replaced."


def test_what_makes_no_sense_is_refused_in_words(web: Web) -> None:
    """Numbers that are none, hosts that aren't there, ranges of threads."""
    seen(web)
    root, program = web.by_session(web.root), web.by_token(web.root)
    form = {"kind": "integrated", "host": ""}
    assert "in digits" in post(root, "/admin/workers/scale", least="many", **form)
    assert "from 0 to 64" in post(root, "/admin/workers/scale", least="65", **form)
    for number in ("", "-1", "²"):
        assert "in digits" in post(root, "/admin/workers/scale", least=number, **form)
    path = "/api/v1/admin/workers"
    problem(program.post(f"{path}/scale", json=form | {"least": 1, "most": 3}), 422)
    problem(program.post(f"{path}/scale", json=form | {"least": 65}), 422)
    problem(program.post(f"{path}/stop", json={"kind": "pool", "host": "nowhere"}), 404)
    problem(program.post(f"{path}/stop", json={"kind": "odd"}), 404)
    problem(program.post(f"{path}/stack", json={"worker_id": "nobody"}), 404)
    problem(program.get(f"{path}/stack?worker_id=nobody"), 404)
    assert done(web) == []


def test_moderators_look_and_touch_nothing(web: Web) -> None:
    """They see workers without buttons; each action is refused."""
    seen(web)
    mona = web.by_session(moderator(web))
    page = mona.get("/admin/workers").text
    assert "integrated2" in page
    assert "What is it at?" not in page
    assert "/admin/workers/stop" not in page
    for action in ("scale", "reset", "stop", "restart", "stack", "take-over"):
        form = {"csrf_token": mona.headers["X-CSRFToken"]}
        assert mona.post(f"/admin/workers/{action}", data=form).status_code == 403


def test_a_stack_is_asked_for_and_answered(web: Web) -> None:
    """By page and program; the process answers with where its thread is, and no values."""
    seen(web)
    worker = "here.a.1.1.integrated1"
    task = running(web)
    root = web.by_session(web.root)
    assert "answers within two seconds" in post(root, "/admin/workers/stack", worker=worker)
    wishes = wishes_of(web.services.engine, None)
    ends, started = threading.Event(), threading.Event()

    def stand_still(secret: str) -> None:
        started.set()
        assert secret
        ends.wait()

    thread = threading.Thread(target=stand_still, args=["hunter2"])
    thread.start()
    try:
        started.wait()
        assert thread.ident is not None
        wishes.look({worker: thread.ident})
    finally:
        ends.set()
        thread.join()
    page = root.get(f"/admin/workers/stack?worker={worker}").text
    assert "stand_still: ends.wait()" in page
    assert task["id"][:8] in page
    answer = web.by_token(web.root).get(f"/api/v1/admin/workers/stack?worker_id={worker}")
    assert any("stand_still" in line for line in answer.get_json()["lines"])
    assert "hunter2" not in answer.text
    assert done(web)[0][:2] == ("stack asked for", worker)


def wishes_of(engine: Any, group: Group | None, owner: str = "one") -> ProcessWishes:
    """Return what a process follows."""
    stacks = StackDumps(engine.store.database)
    clock = count().__next__  # so that each look is due
    return ProcessWishes(engine.control, group, stacks, engine.leases, owner, clock)


def test_a_stuck_task_is_shown_and_taken_over(web: Web) -> None:
    """Nothing moved for an hour: it says so, and another worker goes on; the late one is fenced."""
    seen(web)
    task = running(web)
    held = web.services.store.get(task["id"], None)
    long_ago(web, task["id"])
    worker = shown(web)["here.a.1.1.integrated1"]
    assert (worker["state"], worker["task"]["is_stuck"]) == ("stuck", True)
    root = web.by_session(web.root)
    page = root.get(f"/admin/tasks/{task['id']}").text
    assert "Its worker lives, but nothing has moved for" in page
    said = post(root, "/admin/workers/take-over", task_id=task["id"], attempt="1")
    assert "another worker goes on" in said
    claims = web.services.engine.claims
    with pytest.raises(TaskStateConflict):
        claims.renew(held.id, held.attempt)
    with pytest.raises(TaskStateConflict):
        claims.complete(held, "")
    again = claims.claim_next("there.a.2.1.external1")
    assert again is not None
    assert (again.id, again.attempt) == (task["id"], 2)
    history = web.services.store.history(task["id"])
    assert [(one.event, one.detail) for one in history][2] == ("rescued", "taken over by root")
    assert done(web)[0][:2] == ("task taken over", task["id"])
    late = post(root, "/admin/workers/take-over", task_id=task["id"], attempt="1")
    assert "Nothing was done" in late
    program = web.by_token(web.root)
    path = "/api/v1/admin/workers/take-over"
    problem(program.post(path, json={"task_id": task["id"], "attempt": 1}), 409)
    assert program.post(path, json={"task_id": task["id"], "attempt": 2}).status_code == 200


# On every database, without HTTP: what processes read and write.


@pytest.mark.every_database
def test_wishes_are_kept_and_followed(rig: Rig) -> None:
    """A process heeds what is asked after its start, whatever was asked before."""
    by = replace(ROOT, is_admin=True)
    control = rig.control
    external = Group(WorkerKind.EXTERNAL, "h" * 48)
    control.end(external, by)
    control.again(external, by)
    first = wishes_of(rig, external)
    first.look({})
    assert not first.leave.is_set()
    control.end(external, by)
    wishes = wishes_of(rig, external)
    wishes.look({})
    assert not wishes.leave.is_set()
    late = replace(ROOT, username="later")
    control.end(external, late)
    wishes.look({})
    assert wishes.leave.is_set()
    control.scale(INTEGRATED, 3, 3, by)
    integrated = wishes_of(rig, INTEGRATED)
    integrated.look({})
    assert integrated.count(2) == 3
    assert control.reset(INTEGRATED, by)
    assert not control.reset(INTEGRATED, by)
    integrated.look({})
    assert integrated.count(2) == 2
    assert set(control.all()) == {external}


@pytest.mark.every_database
def test_what_is_asked_for_several_times_at_once_is_asked_for(rig: Rig) -> None:
    """None of those who ask meets an error, and nobody's entry in the audit log is missing."""
    stacks = StackDumps(rig.database)
    for number in range(5):
        group, host = Group(WorkerKind.EXTERNAL, f"h{number}"), f"p{number}"
        asks: list[Callable[[], None]] = [
            partial(stacks.ask, host, ROOT),
            partial(rig.control.scale, group, 2, 2, ROOT),
            partial(rig.control.note_pool, PoolSize(host, 1, 1, 1)),
        ]
        for ask in asks:
            assert at_once(6, partial(_asked, ask)) == [None] * 6
        asked = stacks.of(host)
        assert asked is not None
        assert asked.by == ROOT.username
        assert [one.host for one in rig.control.pools()][-1] == host
    entries = Counter(one.action for one in Audit(rig.database).recent(1000))
    assert entries == {"stack asked for": 30, "workers scaled": 30}


@pytest.mark.every_database
def test_processes_are_replaced_one_after_the_other(rig: Rig) -> None:
    """While one has its turn, none of the others ends."""
    group = Group(WorkerKind.EXTERNAL, "here")
    both = [wishes_of(rig, group, name) for name in ("one", "two")]
    for one in both:
        one.look({})
    rig.control.again(group, ROOT)
    for _ in range(3):
        for one in both:
            one.look({})
    assert [one.leave.is_set() for one in both] == [True, False]
    rig.later(6)  # it has ended, and doesn't renew its turn any more
    both[1].look({})
    assert both[1].leave.is_set()


@pytest.mark.every_database
def test_pools_say_how_large_they_are(rig: Rig) -> None:
    """One that has gone, or fallen silent, isn't listed."""
    control = rig.control
    control.note_pool(PoolSize("b", 1, 1, 4))
    control.note_pool(PoolSize("a", 2, 1, 4))
    control.note_pool(PoolSize("a", 3, 1, 4))
    assert control.pools() == [PoolSize("a", 3, 1, 4), PoolSize("b", 1, 1, 4)]
    control.pool_gone("a")
    assert control.pools() == [PoolSize("b", 1, 1, 4)]
    assert Group(POOL, "a").words == "worker processes on a"


@pytest.mark.every_database
def test_pools_of_hosts_of_one_name_are_in_nobodys_way(rig: Rig) -> None:
    """None ends because another one was first to say how large it is."""
    together = threading.Barrier(6)

    def note(there: int) -> None:
        together.wait()
        rig.control.note_pool(PoolSize("one", there, 1, 2))

    with ThreadPoolExecutor(6) as pools:
        list(pools.map(note, range(6)))
    assert [one.host for one in rig.control.pools()] == ["one"]


def test_workers_that_were_scaled_are_missing_when_their_host_is(rig: Rig) -> None:
    """Only those that were asked to stop aren't; a wish for threads is none for processes."""

    def expected(mode: WorkerMode) -> int:
        settings = config.load(WORKER_MODE=mode, RQ_WORKER_COUNT="2", EXTERNAL_PROCESSES="1")
        return bootstrap.workers_expected(settings, rig.control)

    rig.control.scale(INTEGRATED, 5, 5, ROOT)
    assert [expected(mode) for mode in (WorkerMode.INTEGRATED, WorkerMode.EXTERNAL)] == [5, 1]
    pool = Group(POOL, "there")
    rig.control.scale(pool, 3, 3, ROOT)
    rig.control.note_pool(PoolSize("there", 3, 3, 3))
    assert expected(WorkerMode.HYBRID) == 8
    rig.control.pool_gone("there")
    assert [expected(mode) for mode in (WorkerMode.INTEGRATED, WorkerMode.EXTERNAL)] == [5, 1]
    rig.control.scale(pool, 0, 0, ROOT)
    assert expected(WorkerMode.EXTERNAL) == 0


def test_the_item_in_hand_and_since_when(rig: Rig) -> None:
    """It changes with each item that ends; one that takes ten times the usual is stuck."""
    rig.submit()
    task, item = rig.begin()
    work = RunningWork(rig.database, patience_s=900)
    [found] = work.all(None)
    assert (found.item, found.items_ended, found.user) == (item.label, 0, "anna")
    assert found.item_since == found.since
    with rig.database.write() as session:
        event = update(TaskEventRow).where(TaskEventRow.task_id == task.id)
        session.execute(event.values(at=now(-70)))
    assert not work.all(None)[0].is_stuck
    assert not work.all(usual_s=8)[0].is_stuck
    assert work.all(usual_s=6)[0].is_stuck


@pytest.mark.every_database
def test_stacks_are_bounded_and_kept_for_a_while(rig: Rig) -> None:
    """A deep stack is cut at its outer end; an answer to an older question is none."""
    stacks = StackDumps(rig.database)
    worker = "w" * 128
    assert stacks.of(worker) is None
    stacks.ask(worker, ROOT)
    [(_, wish)] = rig.control.read([request_row(worker)]).items()
    stacks.answer(worker, wish.id, deep(100))
    found = stacks.of(worker)
    assert found is not None
    assert found.lines is not None
    assert len(found.lines) == FRAMES_MOST
    assert "deep" in found.lines[0]
    stacks.ask(worker, ROOT)
    again = stacks.of(worker)
    assert again is not None
    assert again.lines is None
    assert stack_of(1) == ["The thread has ended."]


def deep(calls: int) -> list[str]:
    """Return this thread's stack from so deep inside."""
    return deep(calls - 1) if calls else stack_of(threading.get_ident())


def test_a_restart_that_is_over_gives_way_to_what_is_asked_later(web: Web) -> None:
    """How many are wanted stands there, not what was done before."""
    root, form = web.by_session(web.root), {"kind": "integrated", "host": ""}
    seen(web)
    post(root, "/admin/workers/restart", **form)
    post(root, "/admin/workers/scale", least="3", **form)
    assert "to come" in groups(web)["integrated", ""]["standing"]
    web.services.engine.roster.gone([one["id"] for one in shown(web).values()])
    seen(web)
    assert groups(web)["integrated", ""]["standing"] == "3 wanted by root."


def _asked(ask: Callable[[], None], _number: int) -> None:
    ask()
