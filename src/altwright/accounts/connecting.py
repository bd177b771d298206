"""How many accounts are connected at a time: each asks a server that may never answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from altwright.errors import Busy

#: Connects at a time in a process. They hold threads that pages wait for; a server that lets
#: them wait as long as it can must not have all of them.
CONNECTS_MOST = 4
#: Seconds after which somebody who was refused should try again.
CONNECT_RETRY_IN_S = 10.0
_YOURS = "Another account of yours is being connected; its server hasn't answered yet."
_OTHERS = "Other accounts are being connected at the moment."


class Connecting:
    """Lets in so many connects, one per user; thread-safe."""

    def __init__(self) -> None:
        self._users: set[int] = set()
        self._lock = threading.Lock()

    @contextmanager
    def of(self, user_id: int) -> Iterator[None]:
        """Count one connect while it lasts. Raises Busy."""
        with self._lock:
            if user_id in self._users:
                raise Busy(_YOURS, retry_in_s=CONNECT_RETRY_IN_S)
            if len(self._users) >= CONNECTS_MOST:
                raise Busy(_OTHERS, retry_in_s=CONNECT_RETRY_IN_S)
            self._users.add(user_id)
        try:
            yield
        finally:
            with self._lock:
                self._users.discard(user_id)
