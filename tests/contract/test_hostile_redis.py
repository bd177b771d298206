"""A stranger at Redis calls nothing, sends nothing, and costs at most a job that is set aside."""

from __future__ import annotations

import inspect
import json
import re
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from redis import Redis
from rq.job import Job
from tests.support_engine import BERT, ROOT, Rig

from altwright.domain.task import Priority, Status
from altwright.tasks.rq.job_records import MOST_BYTES, MOST_LOOKS

#: Fields of a job's hash that the installed RQ reads or writes, and what each is for: a new one
#: fails the test below, until somebody has looked at what a worker would do with it.
FIELDS = {
    "when": {"created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat"},
    "kept for": {"timeout", "ttl", "result_ttl", "failure_ttl"},
    "read by us": {"data"},
    "said of it": {"description", "origin", "status", "worker_name", "meta", "result", "exc_info"},
    "would be acted on": {
        "allow_dependency_failures",
        "dependency_id",
        "dependency_ids",
        "enqueue_at_front",
        "enqueue_at_front_on_retry",
        "failure_callback_name",
        "failure_callback_timeout",
        "group_id",
        "number_of_retries",
        "rate_limit_concurrency",
        "rate_limit_key",
        "repeat_intervals",
        "repeats_left",
        "retries_left",
        "retry_intervals",
        "stopped_callback_name",
        "stopped_callback_timeout",
        "success_callback_name",
        "success_callback_timeout",
        "webhooks",
    },
}
ALL_FIELDS = sorted(set().union(*FIELDS.values()))
TRAP = "tests.contract.test_hostile_redis.sprung"
#: What a stranger may write into any of them.
BAD_VALUES = (
    b"",
    b"\x00\xff\xfe",
    b"-1",
    b"1e999",
    b"null",
    TRAP.encode(),
    b"x" * (MOST_BYTES + 1),
    json.dumps(["urgent", 0, None]).encode(),
)
calls: list[Any] = []


def sprung(*arguments: Any) -> None:
    """Note that something of a job's hash was called."""
    calls.append(arguments)


def test_every_field_of_the_installed_rq_is_known() -> None:
    """RQ's job reads and writes no other fields than those that are tried below."""
    source = inspect.getsource(Job.restore) + inspect.getsource(Job.to_dict)
    found = set(re.findall(r"""obj(?:\.get\(|\[)['"](\w+)['"]""", source))
    assert found <= set(ALL_FIELDS), found - set(ALL_FIELDS)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """Return the address of a server, and the paths that it was asked for."""
    asked: list[str] = []

    class Notes(BaseHTTPRequestHandler):
        """Notes each request."""

        def do_GET(self) -> None:
            """Note it."""
            asked.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815 - its name in http.server

    server = HTTPServer(("127.0.0.1", 0), Notes)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()
    thread.join()


def instructions(address: str) -> dict[str, str]:
    """Return fields that make RQ's own worker call, send, try again and repeat."""
    hook = {"url": address, "job_status": "finished", "method": "GET", "headers": {}}
    return {
        **{f"{name}_callback_name": TRAP for name in ("success", "failure", "stopped")},
        "webhooks": json.dumps([hook, {**hook, "job_status": "failed"}]),
        "retries_left": "1000000",
        "repeats_left": "1000000",
        "repeat_intervals": "[0]",
        "number_of_retries": "1",
        "dependency_ids": json.dumps(["another"]),
        "group_id": "group",
    }


@pytest.mark.parametrize("payload", ["ours", "garbage"])
@pytest.mark.parametrize("moment", ["queued", "running", "finished"])
def test_instructions_in_a_job_are_not_followed(
    rig: Rig, listener: tuple[str, list[str]], moment: str, payload: str
) -> None:
    """No callback, webhook, retry or repeat, whether the job is ours or not."""
    address, asked = listener
    client = rig.health.client
    task = rig.submit()
    written: dict[Any, Any] = dict(instructions(address))
    if payload == "garbage":
        written["data"] = b"nothing of ours"

    def write(*_: object) -> None:
        client.hset(f"rq:job:{task.id}-0", mapping=written)

    if moment == "running":
        rig.kind.meet = write
    if moment == "queued":
        write()
    assert rig.drain_rq() == int(moment != "queued" or payload == "ours")
    if moment == "finished":
        write()
        client.rpush("rq:queue:normal", f"{task.id}-0")
    rig.drain_rq()
    assert (calls, asked) == ([], [])
    assert rig.job_count() == 0
    is_set_aside = moment == "queued" and payload == "garbage"
    status = rig.store.get(task.id, None).status
    assert status is (Status.QUEUED if is_set_aside else Status.COMPLETED)
    assert not list(client.scan_iter("rq:scheduled:*"))


@pytest.mark.parametrize("field", ALL_FIELDS)
def test_no_value_of_any_field_stops_a_worker(rig: Rig, field: str) -> None:
    """Whatever stands there, the job is worked on or set aside, and the next one too."""
    client = rig.health.client
    for value in BAD_VALUES:
        task = rig.submit(None)
        client.hset(f"rq:job:{task.id}-0", field, value)
    last = rig.submit(BERT)
    rig.drain_rq()
    assert calls == []
    assert rig.store.get(last.id, None).status is Status.COMPLETED
    done = len(rig.store.recent(None, Status.COMPLETED))
    assert done == 1 + (0 if field == "data" else len(BAD_VALUES))
    assert rig.job_count() == 0


def test_a_bomb_costs_no_memory(rig: Rig) -> None:
    """A payload that grows when it is unpacked, and one that is large as it is, are set aside."""
    client = rig.health.client
    bomb, large = rig.submit(None), rig.submit(None)
    client.hset(f"rq:job:{bomb.id}-0", "data", zlib.compress(bytes(2_000_000)))
    client.hset(f"rq:job:{large.id}-0", "data", bytes(2_000_000))
    client.hset(f"rq:job:{large.id}-0", "exc_info", bytes(2_000_000))
    last = rig.submit()
    assert rig.drain_rq() == 1
    assert rig.store.get(last.id, None).status is Status.COMPLETED
    assert not client.exists(f"rq:job:{large.id}-0")


def test_a_job_moved_out_of_a_paused_queue_holds_up_no_other(rig: Rig) -> None:
    """It isn't worked on, isn't given back to where a stranger put it, and waits for its own."""
    client = rig.health.client
    moved = rig.submit(None, priority="low")
    rig.dispatcher.tick()
    assert client.lmove("rq:queue:low", "rq:queue:urgent", "LEFT", "LEFT")
    rig.administration.pause(Priority.LOW, by=ROOT)
    task = rig.submit()
    rig.drain_rq()
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    assert client.llen("rq:queue:urgent") == 0
    rig.administration.resume(Priority.LOW, by=ROOT)
    rig.dispatcher.tick()
    rig.drain_rq()
    assert rig.store.get(moved.id, None).status is Status.COMPLETED


def test_junk_ids_cost_one_look_each(rig: Rig) -> None:
    """Many ids of no job in a more urgent queue delay the next task by a few trips."""
    client: Redis = rig.health.client
    junk = [f"junk-{number}" for number in range(5 * MOST_LOOKS)]
    client.rpush("rq:queue:urgent", *junk, b"\xff\x00", b"x" * (MOST_BYTES + 1), "")
    task = rig.submit()
    client.config_resetstat()
    assert rig.drain_rq() == 1
    trips = int(client.info("commandstats")["cmdstat_evalsha"]["calls"])
    assert rig.store.get(task.id, None).status is Status.COMPLETED
    assert client.llen("rq:queue:urgent") == 0
    assert trips < 20
