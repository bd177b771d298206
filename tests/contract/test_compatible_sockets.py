"""The replaced system's Socket.IO events, as a program uses them that knows nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio
from tests.servers import RedisServer
from tests.support import PATIENCE_S, wait_until
from tests.support_compatible import Deployment, deployed
from tests.support_domain import picture_server
from tests.support_vedfolnir_client import VedfolnirClient
from tests.support_web import NO_SUCH_TASK, PASSWORD

from altwright.domain.caption import Role
from altwright.errors import PlatformRefused
from altwright.web.realtime import admission

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
#: As the library connects by itself: by polling, and then by WebSocket; or by one of them.
WAYS: dict[str, dict[str, Any]] = {
    "by itself": {},
    "polling": {"transports": ["polling"]},
    "websocket": {"transports": ["websocket"]},
}


@pytest.fixture
def there(tmp_path: Path, valkey: RedisServer) -> Iterator[Deployment]:
    """Return the application in the place of the replaced one; anna has two pictures."""
    with picture_server() as pictures, deployed(tmp_path, valkey, pictures) as made:
        made.post(1, "", "")
        yield made


@pytest.fixture
def anna(there: Deployment) -> VedfolnirClient:
    """Return anna's program."""
    return VedfolnirClient(there.url, "anna", PASSWORD)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_run_is_followed_to_its_results(
    there: Deployment, anna: VedfolnirClient, way: str
) -> None:
    """Its state at once, each step, and the end with the results that the route gives; once."""
    go_on = threading.Event()

    def wait(_: int) -> None:
        go_on.wait(PATIENCE_S)

    there.describer.before = wait
    task_id = anna.send("/caption/start", data={"processing_delay": "0"})["data"]["task_id"]
    with anna.room(**WAYS[way]) as room:
        room.ask("join_task", task_id)
        wait_until(lambda: room.got("progress_update", task_id))
        first = room.got("progress_update", task_id)[0]
        assert (first["user_id"], first["progress_percent"]) == (there.web.anna.id, 0)
        assert first["started_at"] is None
        assert {"current_step", "details", "updated_at"} <= first.keys()
        with there.working():
            wait_until(lambda: any(one["started_at"] for one in room.got("progress_update")))
            go_on.set()
            wait_until(lambda: room.got("task_completed", task_id))
        (done,) = room.got("task_completed")
        path = f"/api/caption_generation/results/{task_id}"
        assert done["results"] == anna.get(path)["results"]
        assert done["results"]["captions_generated"] == 2
        room.ask("join_task", task_id)  # whoever comes too late is told as well
        wait_until(lambda: len(room.got("task_completed", task_id)) == 2)
        percents = [one["progress_percent"] for one in room.got("progress_update")]
        assert percents == sorted(percents)
        assert room.got("error") == []


def test_runs_are_cancelled_and_fail(there: Deployment, anna: VedfolnirClient) -> None:
    """By socket and by route; who has left hears nothing more, and what can't be done is said."""

    def refuse(method: str) -> None:
        raise PlatformRefused("The server has no such account.")

    with anna.room() as room, anna.room() as other:
        first = anna.send("/caption/start")["data"]["task_id"]
        other.ask("join_task", first)
        wait_until(lambda: other.got("progress_update", first))
        other.ask("leave_task", first)
        other.ask("get_task_status", first)
        wait_until(lambda: len(other.got("progress_update", first)) == 2)
        room.ask("cancel_task", first)
        wait_until(lambda: room.got("task_cancelled", first))
        assert room.got("task_cancelled")[0]["message"]
        room.ask("cancel_task", first)
        wait_until(lambda: room.got("error"))

        there.web.platform.before = refuse
        second = anna.send("/caption/start")["data"]["task_id"]
        room.ask("join_task", second)
        with there.working():
            wait_until(lambda: room.got("task_error", second))
        assert room.got("task_error")[0]["error"] == "The server has no such account."
        assert other.got("task_cancelled") == []


def test_own_tasks_only(there: Deployment, anna: VedfolnirClient) -> None:
    """Nobody follows or cancels another user's task; a viewer follows and cancels nothing."""
    task_id = anna.send("/caption/start")["data"]["task_id"]
    bert = VedfolnirClient(there.url, "bert", PASSWORD)
    with bert.room() as room:
        for event in ("join_task", "cancel_task", "get_task_status"):
            room.ask(event, task_id)
        room.ask("join_task", NO_SUCH_TASK)
        room.ask("join_task", "7")
        room.client.emit("join_task", "nonsense")
        room.client.emit("join_task")
        wait_until(lambda: len(room.got("error")) == 7)
        assert {name for name, _ in room.sent} == {"error"}
    web = there.web
    web.services.users.set_role(web.anna.id, Role.VIEWER)
    with anna.room() as room:
        room.ask("join_task", task_id)
        wait_until(lambda: room.got("progress_update", task_id))
        room.ask("cancel_task", task_id)
        wait_until(lambda: room.got("error"))
        assert web.services.store.get(task_id, None).status == "queued"
        web.services.users.set_active(web.anna.id, active=False)
        room.ask("join_task", task_id)
        wait_until(lambda: len(room.got("error")) == 2)


def test_strangers_and_other_sites_are_not_let_in(there: Deployment, anna: VedfolnirClient) -> None:
    """Neither by polling nor by WebSocket."""
    assert requests.get(f"{there.url}{HANDSHAKE}", timeout=60).status_code == 401
    evil = {"Origin": "https://evil.example"}
    answer = anna.session.get(f"{there.url}{HANDSHAKE}", headers=evil, timeout=60)
    assert answer.status_code == 403
    client = socketio.Client(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(there.url)


def test_nobody_keeps_others_out_by_asking_for_connections(
    there: Deployment, anna: VedfolnirClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user gets so many; those that ask for nothing then are closed, others aren't."""

    def asked(client: VedfolnirClient) -> int:
        return client.session.get(f"{there.url}{HANDSHAKE}", timeout=60).status_code

    bert = VedfolnirClient(there.url, "bert", PASSWORD)
    with anna.room() as room:
        most = admission.MOST_OF_USER
        assert [asked(anna) for _ in range(most)] == [200] * (most - 1) + [503]
        assert asked(bert) == 200
        monkeypatch.setattr(admission, "BEGIN_S", 0.0)
        assert [asked(anna) for _ in range(2 * most)] == [200] * (2 * most)
        assert room.client.connected
        room.ask("join_task", "7")
        wait_until(lambda: room.got("error"))
