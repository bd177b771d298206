"""Whether administrators want tasks to stay in the database, though Redis is there."""

from __future__ import annotations

from collections.abc import Callable

from altwright.domain.task import Delivery
from altwright.tasks.cluster.service_state import ServiceState

#: The row of service_state.
ROW = "delivery_wish"


class DeliveryWish:
    """Kept in the database, followed by every process within seconds (requirement 10.5)."""

    def __init__(self, state: ServiceState, hold: Callable[[bool], None]) -> None:
        """Take ``hold``, which is called with whether tasks are to stay in the database."""
        self._state = state
        self._hold = hold

    def current(self) -> Delivery:
        """Return who is to deliver tasks. Raises DatabaseUnavailable."""
        return wished(self._state.get(ROW))

    def use(self, delivery: Delivery) -> None:
        """Let every process deliver so. Raises DatabaseUnavailable."""
        self._state.set(ROW, delivery)
        self.follow()

    def follow(self) -> None:
        """Do in this process what is wished. Raises DatabaseUnavailable."""
        self._hold(self.current() is Delivery.DATABASE)


def wished(value: object) -> Delivery:
    """Return what a row of service_state says; by RQ, unless it says otherwise."""
    return Delivery.DATABASE if value == Delivery.DATABASE else Delivery.RQ
