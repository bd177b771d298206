"""UserTaskTracker: one active task per user, asked in Redis before the database decides."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from altwright.errors import RedisUnavailable
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import ACTIVE_KEY
from altwright.tasks.task import Task

#: Enters a task where nothing stands; returns what stands there then ("": nothing of ours).
_TAKE = """
if redis.pcall('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return ARGV[1] end
local there = redis.pcall('get', KEYS[1])
return type(there) == 'string' and there or ''
"""
#: Deletes the key only if it still names this task: another may have taken the place since.
_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""
#: Enters or lengthens: never over another task's entry.
_RENEW = """
local there = redis.call('get', KEYS[1])
if there == false or there == ARGV[1] then
  return redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 0
"""


class UserTaskTracker:
    """A hint with a lease. The unique index over active tasks is what holds (DESIGN.md 1).

    A task's entry is made by its submit, and renewed with each renewal of its worker's lease; its
    end releases it. That of a task which waits long runs out, so that Redis holds nothing for a
    long backlog; the next submit is refused by the index, and enters it again. Without Redis
    nothing is known and nothing entered: the index is enough.
    """

    def __init__(self, health: RedisHealthMonitor, lease_s: float) -> None:
        """Take the seconds that an entry lives without being renewed."""
        self._health = health
        self._lease_ms = round(lease_s * 1000)
        self._take = health.client.register_script(_TAKE)
        self._release = health.client.register_script(_RELEASE)
        self._renew = health.client.register_script(_RENEW)

    def take(self, exclusive_key: str, task_id: str) -> str | None:
        """Enter a task that is about to be submitted, unless another stands there.

        Returns None, or what stands there ("": nothing of ours).

        Raises:
            RedisUnavailable: nothing is known.
        """
        with self._health.guarded():
            holder: Any = self._take(keys=[_key(exclusive_key)], args=[task_id, self._lease_ms])
        if holder == task_id.encode():
            return None
        return str(holder.decode("ascii", "replace").replace("\0", "?"))

    def hold(self, exclusive_key: str, task_id: str) -> None:
        """Enter the task that the database says is active, whatever stands there."""
        with suppress(RedisUnavailable), self._health.guarded() as client:
            client.set(_key(exclusive_key), task_id, px=self._lease_ms)

    def follow(self, task: Task) -> None:
        """Let the task's entry live on while it is active; then remove it.

        An entry that names another task is left alone.
        """
        if task.exclusive_key is None:
            return
        keys = [_key(task.exclusive_key)]
        with suppress(RedisUnavailable), self._health.guarded():
            if task.ended:
                self._release(keys=keys, args=[task.id])
            else:
                self._renew(keys=keys, args=[task.id, self._lease_ms])


def _key(exclusive_key: str) -> str:
    return ACTIVE_KEY.format(exclusive_key=exclusive_key)
