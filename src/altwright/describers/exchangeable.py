"""A describer that is exchanged for others while tasks run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from altwright.describers.order import DescriberOrder
from altwright.describers.port import Describer, Description, Picture, Request

#: What makes each describer of an order, by a key that says which it is.
Makers = Mapping[Hashable, Callable[[], Describer]]


class ExchangeableDescriber:
    """Stands for those in use; who describes a picture now ends with the one it began with."""

    def __init__(self, makers: Makers) -> None:
        """Take what makes the first ones."""
        self._made: dict[Hashable, Describer] = {}
        self._keys: tuple[Hashable, ...] = ()
        self.use(makers)

    def use(self, makers: Makers) -> None:
        """Go over to others from the next picture on, made unless they were in use before."""
        if tuple(makers) == self._keys:
            return
        for key, make in makers.items():
            if key not in self._made:
                self._made[key] = make()
        order = DescriberOrder([self._made[key] for key in makers])
        self.describers = order.describers
        self.name, self.model, self.abilities = order.name, order.model, order.abilities
        self._current, self._keys = order, tuple(makers)

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture. Raises as Describer.describe."""
        return self._current.describe(picture, request)

    def probe(self) -> str:
        """Say what answers. Raises as Describer.probe."""
        return self._current.probe()

    def close(self) -> None:
        """Release processes and connections of all that were in use."""
        for one in self._made.values():
            one.close()
