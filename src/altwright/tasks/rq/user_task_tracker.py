"""UserTaskTracker: one active task per user, asked in Redis before the database decides."""

from __future__ import annotations

import redis
from redis.exceptions import ResponseError

from altwright.tasks.rq.client import ACTIVE_KEY, translated

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

    A task's entry is renewed by its submit, by each change that a page is told of, and with each
    renewal of its worker's lease; its end releases it. That of a task which waits long runs out, so
    that Redis holds nothing for a long backlog; the next submit is refused by the index, and
    enters it again.
    """

    def __init__(self, client: redis.Redis, lease_s: float) -> None:
        """Take the seconds that an entry lives without being renewed."""
        self._client = client
        self._lease_ms = round(lease_s * 1000)
        self._release = client.register_script(_RELEASE)
        self._renew = client.register_script(_RENEW)

    def take(self, exclusive_key: str, task_id: str) -> str | None:
        """Enter a task that is about to be submitted, unless another stands there.

        Returns None, or the id of the task that stands there. Raises RedisUnavailable.
        """
        with translated():
            if self._client.set(_key(exclusive_key), task_id, nx=True, px=self._lease_ms):
                return None
            try:
                holder = self._client.get(_key(exclusive_key))
            except ResponseError:
                return ""  # no text stands there: nothing of ours
        if not isinstance(holder, bytes):
            return None
        return holder.decode("ascii", "replace").replace("\0", "?")

    def hold(self, exclusive_key: str, task_id: str) -> None:
        """Enter the task that the database says is active, whatever stands there.

        Raises:
            RedisUnavailable: Redis is away or full.
        """
        with translated():
            self._client.set(_key(exclusive_key), task_id, px=self._lease_ms)

    def renew(self, exclusive_key: str, task_id: str) -> None:
        """Let the entry of an active task live on. Raises RedisUnavailable."""
        with translated():
            self._renew(keys=[_key(exclusive_key)], args=[task_id, self._lease_ms])

    def release(self, exclusive_key: str, task_id: str) -> None:
        """Remove the entry if it names this task. Raises RedisUnavailable."""
        with translated():
            self._release(keys=[_key(exclusive_key)], args=[task_id])


def _key(exclusive_key: str) -> str:
    return ACTIVE_KEY.format(exclusive_key=exclusive_key)
