"""Worker slots: a number of workers for the whole cluster, over any number of processes."""

from __future__ import annotations

from collections.abc import Collection

from altwright.tasks.cluster.role_leases import Leases

#: Seconds that a slot stays with a process that doesn't renew it.
SLOT_S = 10.0


class Slots:
    """Numbered slots; each is one process's at a time (requirement 3.5)."""

    def __init__(self, leases: Leases, owner: str) -> None:
        self._leases = leases
        self._owner = owner

    def keep(self, held: Collection[int]) -> set[int]:
        """Renew these slots; return those that are still this process's."""
        return _numbers(self._leases.renew([_name(n) for n in held], self._owner, SLOT_S))

    def take(self, count: int, most: int) -> set[int]:
        """Take at most ``most`` free slots of those numbered below ``count``; return them."""
        names = [_name(number) for number in range(count)]
        return _numbers(self._leases.take(names, self._owner, SLOT_S, most))

    def let_go(self, numbers: Collection[int]) -> None:
        """Give slots up."""
        self._leases.release([_name(number) for number in numbers], self._owner)


def _name(number: int) -> str:
    return f"worker:{number}"


def _numbers(names: Collection[str]) -> set[int]:
    return {int(name.removeprefix("worker:")) for name in names}
