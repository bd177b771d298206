"""Redis as far as the engine uses it: keys with a TTL, RQ's lists of job ids and its job hashes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import redis
from rq.job import Job
from tests.simulation.world import World

from altwright.domain.task import Priority


class Server:
    """What the server holds; a restart may lose it or bring an older state back."""

    def __init__(self, world: World) -> None:
        """Begin empty."""
        self.world = world
        self.down_until = 0.0
        self.keys: dict[str, tuple[bytes, float]] = {}
        self.lists: dict[str, list[str]] = {priority.queue: [] for priority in Priority}
        self.jobs: dict[str, tuple[str, int]] = {}
        #: What workers were given since the last flush.
        self.popped: set[tuple[str, int] | None] = set()
        self.saved: Any = None

    def save(self) -> None:
        """Keep a copy of this moment."""
        self.saved = copy.deepcopy((self.keys, self.lists, self.jobs))

    def restore(self) -> None:
        """Come back as it was at the last copy."""
        if self.saved is not None:
            self.keys, self.lists, self.jobs = copy.deepcopy(self.saved)

    def flush(self) -> None:
        """Forget everything."""
        self.keys.clear()
        self.jobs.clear()
        self.popped.clear()
        for some in self.lists.values():
            some.clear()


class Client:
    """One process's connection; each call is a step and fails while the server is down."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def _call(self, what: str = "") -> Server:
        self._server.world.step(what)
        if self._server.down_until > self._server.world.at:
            raise redis.ConnectionError("simulated")
        return self._server

    def eval(self, _script: str, _keys: int) -> int:
        """Show that scripts are allowed."""
        return 1

    def ping(self) -> bool:
        """Answer."""
        self._call()
        return True

    def info(self) -> dict[str, Any]:
        """Return what the health monitor reads."""
        return {"redis_version": "7.2", "maxmemory_policy": "noeviction", "aof_enabled": 1}

    def config_get(self, _name: str) -> dict[str, str]:
        """Return no schedule of snapshots."""
        return {"save": ""}

    def get(self, key: str) -> bytes | None:
        """Return a value that hasn't expired."""
        value, expires_at = self._call().keys.get(key, (None, 0.0))
        return value if expires_at > self._server.world.at else None

    def set(self, key: str, value: str, *, nx: bool = False, px: int | None = None) -> bool | None:
        """Set a value, with ``nx`` only where none is."""
        server = self._call()
        at = server.world.at
        if nx and server.keys.get(key, (b"", 0.0))[1] > at:
            return None
        server.keys[key] = (value.encode(), at + px / 1000 if px else float("inf"))
        return True

    def register_script(self, text: str) -> Any:
        """Return one of the tracker's three scripts, or the one that adds a job."""
        if "llen" in text:
            return self._add
        if "'NX'" in text:
            return self._take
        return self._renew if "'set'" in text else self._release

    def _add(self, keys: list[Any], args: list[Any]) -> int:
        if len(self._call().lists[keys[1]]) >= args[0]:
            return 0
        pipeline = self.pipeline()
        pipeline.hset(keys[2], mapping=dict(zip(args[3::2], args[4::2], strict=True)))
        pipeline.rpush(keys[1], args[2])
        pipeline.execute()
        return 1

    def _take(self, keys: list[str], args: list[Any]) -> bytes:
        task_id = str(args[0])
        if self.set(keys[0], task_id, nx=True, px=args[1]):
            return task_id.encode()
        return self.get(keys[0]) or b""

    def _release(self, keys: list[str], args: list[Any]) -> None:
        server = self._call()
        if server.keys.get(keys[0], (b"",))[0] == str(args[0]).encode():
            del server.keys[keys[0]]

    def _renew(self, keys: list[str], args: list[Any]) -> None:
        server = self._call()
        at, mine = server.world.at, str(args[0]).encode()
        there, expires_at = server.keys.get(keys[0], (mine, 0.0))
        if there == mine or expires_at <= at:
            server.keys[keys[0]] = (mine, at + args[1] / 1000)

    def llen(self, key: str) -> int:
        """Return a list's length."""
        return len(self._call().lists[key])

    def lrange(self, key: str, _first: int, _last: int) -> list[bytes]:
        """Return all of a list."""
        return [job_id.encode() for job_id in self._call().lists[key]]

    def pipeline(self, **_: Any) -> Pipeline:
        """Return what asks for several lengths in one call."""
        return Pipeline(self)

    def pop(self) -> str | None:
        """Do RQ's BLPOP over the queues in their order."""
        server = self._call()
        for priority in Priority:
            if server.lists[priority.queue]:
                job_id = server.lists[priority.queue].pop(0)
                server.popped.add(server.jobs.get(job_id))
                return job_id
        return None

    def fetch(self, job_id: str) -> tuple[str, int] | None:
        """Return what a popped job says; None: its hash is gone."""
        return self._call(f"popped {job_id}").jobs.get(job_id)

    def finish(self, job_id: str) -> None:
        """Do RQ's clean-up of a finished job."""
        self._call().jobs.pop(job_id, None)

    def close(self) -> None:
        """There is nothing to close."""


class Pipeline:
    """Several calls in one, all or nothing: those that ask for lengths, and those of an enqueue."""

    def __init__(self, client: Client) -> None:
        """Take the client."""
        self._client = client
        self._calls: list[Callable[[Server], Any]] = []

    def llen(self, key: str) -> None:
        """Ask for a length."""
        self._calls.append(lambda server: len(server.lists[key]))

    def type(self, _key: str) -> None:
        """Say that a key isn't there: nobody writes strange ones here."""
        self._calls.append(lambda _: b"none")

    def sadd(self, *_: Any) -> None:
        """Do nothing: nobody asks which queues there are."""

    def expire(self, *_: Any) -> None:
        """Do nothing: no job waits for so long here."""

    def hset(self, key: str, mapping: Any) -> None:
        """Write a job over one with the same id."""
        job_id = key.decode() if isinstance(key, bytes) else key
        job_id = job_id.removeprefix(Job.redis_job_namespace_prefix)
        assert mapping["data"]
        task_id, _, attempt = job_id.rpartition("-")
        self._calls.append(lambda server: server.jobs.__setitem__(job_id, (task_id, int(attempt))))

    def rpush(self, key: str, *job_ids: str) -> None:
        """List jobs, once more where they are listed."""
        self._calls.append(lambda server: server.lists[key].extend(job_ids))

    #: Who had a turn goes first; here, where rounds decide, as RQ's enqueue_many put it: last.
    lpush = rpush

    def execute(self) -> list[Any]:
        """Do all."""
        server = self._client._call("push")  # noqa: SLF001 - one thing in two classes
        return [call(server) for call in self._calls]


class FakeQueue:
    """RQ's queue as far as the engine uses it."""

    redis_queues_keys = "queues"

    def __init__(self, name: str, **_: Any) -> None:
        """Take the queue's name."""
        self.key = self.name = name
