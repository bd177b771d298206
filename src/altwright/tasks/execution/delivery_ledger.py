"""The ledger of delivery: when the database delivered instead of Redis, why, and what moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from altwright.domain.task import Delivery
from altwright.tasks.cluster.service_state import ServiceState
from altwright.tasks.store.statistics import Figures

#: The row of service_state, and how many times it keeps.
LEDGER, KEPT = "delivery_ledger", 50


class DeliveryLedger:
    """The dispatcher writes it, at changes only; there is one at a time in the fleet.

    Entries, oldest first: ``since``, ``until`` (None: it lasts), ``reason``; of tasks
    ``taken_over`` from RQ, ``ended`` by the database meanwhile, and ``moved_back``: they waited
    when Redis was back, and RQ delivers them since. What only the end tells is None before.
    """

    def __init__(self, state: ServiceState, figures: Figures) -> None:
        self._state = state
        self._figures = figures

    def entries(self) -> list[dict[str, Any]]:
        """Return all entries, oldest first. Raises DatabaseUnavailable."""
        return list(self._state.get(LEDGER) or [])

    def begin(self, reason: str) -> None:
        """Note that the database delivers from now on."""
        entries = self.entries()
        if entries and entries[-1]["until"] is None:
            return
        entry = {
            "since": self._figures.database.now().isoformat(),
            "until": None,
            "reason": reason,
            "taken_over": 0,
            "ended": None,
            "moved_back": None,
        }
        self._state.set(LEDGER, [*entries, entry][-KEPT:])

    def take_over(self, count: int) -> None:
        """Note tasks that RQ was to deliver, and the database delivers instead."""
        entries = self.entries()
        if entries and entries[-1]["until"] is None:
            entries[-1]["taken_over"] += count
            self._state.set(LEDGER, entries)

    def end(self) -> None:
        """Note that RQ delivers again, before it is given what waits."""
        entries = self.entries()
        if not entries or entries[-1]["until"] is not None:
            return
        since = datetime.fromisoformat(entries[-1]["since"])
        entries[-1] |= {
            "until": self._figures.database.now().isoformat(),
            "ended": self._figures.ended_by(Delivery.DATABASE, since),
            "moved_back": sum(self._figures.queued()[Delivery.DATABASE].values()),
        }
        self._state.set(LEDGER, entries)
