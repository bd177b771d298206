"""A pool of database connections that grows and shrinks while it is used."""

from __future__ import annotations

import logging
from contextlib import suppress

from sqlalchemy.pool import QueuePool
from sqlalchemy.util.queue import Empty

# SQLAlchemy tells of a pool's connections under the name of its class: here one of ours, whose
# log operators read.
logging.getLogger(f"{__name__}.FollowingPool").setLevel(logging.WARNING)


class FollowingPool(QueuePool):
    """A pool whose size follows what its process has to do."""

    def keep(self, size: int) -> None:
        """Keep so many connections; those above that are closed, in use ones when given back."""
        with self._overflow_lock:
            more = size - self._pool.maxsize
            self._pool.maxsize = size
            self._overflow -= more  # counted from the size on
        with suppress(Empty):
            while self._pool.qsize() > size:
                self._pool.get(block=False).close()
                self._dec_overflow()
