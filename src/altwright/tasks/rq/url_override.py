"""The address of Redis: as configured, or as an administrator changed it while all runs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any

from altwright.crypto import Box
from altwright.domain.redis_url import checked
from altwright.errors import InvalidInput
from altwright.tasks.cluster.service_state import ServiceState

_log = logging.getLogger(__name__)

#: The row of service_state. Its value: the encrypted address, and which configured one it is
#: used instead of.
ROW = "redis_url"


class RedisAddress:
    """Kept in the database, followed by every process within seconds (requirement 8.4).

    A changed address counts instead of the REDIS_URL that was configured when it was changed.
    Who configures another one later means that one.
    """

    def __init__(
        self, state: ServiceState, box: Box, configured: str, move: Callable[[str], None]
    ) -> None:
        self._state = state
        self._box = box
        self._configured = configured
        self._digest = hashlib.sha256(configured.encode()).hexdigest()
        self._move = move
        self._used = configured

    def follow(self) -> None:
        """Go over to the address that counts now, if it is another. Raises DatabaseUnavailable."""
        url = self.current()
        if url != self._used:
            self._used = url
            _log.warning("redis has another address now")
            self._move(url)

    def current(self) -> str:
        """Return the address that counts now. Raises DatabaseUnavailable."""
        kept: Any = self._state.get(ROW)
        match kept:
            case {"url": str(sealed), "instead_of": self._digest}:
                try:
                    return self._box.decrypt(sealed)
                except ValueError:
                    _log.error("the changed address of redis can't be read: another key?")
        return self._configured

    def use(self, url: str) -> None:
        """Let every process use another address. Raises InvalidInput."""
        try:
            sealed = self._box.encrypt(checked(url))
        except ValueError as error:
            raise InvalidInput(f"This address {error}.") from error
        self._state.set(ROW, {"url": sealed, "instead_of": self._digest})

    def use_configured(self) -> None:
        """Let every process use its configured address again."""
        self._state.set(ROW, {})
