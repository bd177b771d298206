"""A describer that is exchanged for another one while tasks run."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from altwright.describers.port import Describer, Description, Picture, Request


class ExchangeableDescriber:
    """Stands for the one in use; who describes a picture now ends with the one it began with."""

    def __init__(self, key: Hashable, make: Callable[[], Describer]) -> None:
        """Take what makes the first one, and a key that says which it is."""
        self._made: dict[Hashable, Describer] = {}
        self.use(key, make)

    def use(self, key: Hashable, make: Callable[[], Describer]) -> None:
        """Go over to another one from the next picture on, made unless it was in use before."""
        if key not in self._made:
            self._made[key] = make()
        self._current = self._made[key]
        self.name, self.model = self._current.name, self._current.model

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
