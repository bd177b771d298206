"""A describer that is exchanged for others while tasks run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from altwright.describers.order import DescriberOrder
from altwright.describers.port import Describer, Description, Picture, Request

#: What makes each describer of an order, by a key that says which it is.
Makers = Mapping[Hashable, Callable[[], Describer]]


class ExchangeableDescriber:
    """Stands for those in use; who describes a picture now ends with the ones it began with.

    One that was exchanged is closed and forgotten once nobody uses it any more.
    """

    def __init__(self, makers: Makers) -> None:
        """Take what makes the first ones."""
        self._lock = threading.Lock()
        #: Those of the current order.
        self._made: dict[Hashable, Describer] = {}
        #: How many use each order now; all but the current one go with their last user.
        self._users: dict[DescriberOrder, int] = {}
        self._take(makers)

    def use(self, makers: Makers) -> None:
        """Go over to others from the next picture on, made unless they are in use."""
        if list(makers) == list(self._made):
            return
        before = self._current
        self._take(makers)
        self._close_unused(before)

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture. Raises as Describer.describe."""
        with self._used() as order:
            return order.describe(picture, request)

    def read(self, picture: Picture) -> Any:
        """Return the words in a picture, or None. As DescriberOrder.read."""
        with self._used() as order:
            return order.read(picture)

    def probe(self) -> str:
        """Say what answers. Raises as Describer.probe."""
        with self._used() as order:
            return order.probe()

    def lacking(self) -> str:
        """Return what this host lacks for those in use, for its operator; "": nothing."""
        with self._used() as order:
            return order.lacking()

    def close(self) -> None:
        """Release processes and connections of those in use, and of those that still describe."""
        with self._lock:
            there = list(self._users)
        for order in there:
            order.close()

    def _take(self, makers: Makers) -> None:
        made = {
            key: self._made[key] if key in self._made else make() for key, make in makers.items()
        }
        order = DescriberOrder(list(made.values()))
        with self._lock:
            self._made, self._current = made, order
            self._users[order] = 0
            self.describers, self.abilities = order.describers, order.abilities
            self.name, self.model = order.name, order.model

    @contextmanager
    def _used(self) -> Iterator[DescriberOrder]:
        with self._lock:
            order = self._current
            self._users[order] += 1
        try:
            yield order
        finally:
            with self._lock:
                self._users[order] -= 1
            self._close_unused(order)

    def _close_unused(self, order: DescriberOrder) -> None:
        over: list[Describer] = []
        with self._lock:
            if order is not self._current and self._users.get(order) == 0:
                del self._users[order]
                kept = {id(one) for other in self._users for one in other.describers}
                over = [one for one in order.describers if id(one) not in kept]
        for one in over:
            one.close()
