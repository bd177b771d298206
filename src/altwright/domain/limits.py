"""How many tasks of a priority run at a time, and how many workers are kept free for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from altwright.domain.task import Priority

#: The highest number of tasks or workers that a limit may name.
WORKERS_MOST = 1000
#: The highest number of integrated workers, or of processes on a host.
SCALE_MOST = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """``most``: tasks running at a time; ``kept``: workers that others leave to a priority."""

    most: Mapping[Priority, int] = field(default_factory=dict)
    kept: Mapping[Priority, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything is limited."""
        return bool(self.most or self.kept)

    def full(self, running: Mapping[Priority, int], workers: int) -> frozenset[Priority]:
        """Return the priorities of which no task may begin now.

        A worker is kept only while another one is left for the rest: with a single worker,
        keeping it would stop everything else.
        """
        busy = sum(running.values())
        full = {one for one, most in self.most.items() if running.get(one, 0) >= most}
        kept = self._kept_of(workers)
        for priority in Priority:
            for_others = sum(
                max(0, number - running.get(other, 0))
                for other, number in kept.items()
                if other is not priority
            )
            if for_others and busy + for_others >= workers:
                full.add(priority)
        return frozenset(full)

    def _kept_of(self, workers: int) -> dict[Priority, int]:
        """Return what can be kept of so many workers, the most urgent first."""
        left = workers - 1
        kept: dict[Priority, int] = {}
        for priority in sorted(self.kept):
            kept[priority] = min(self.kept[priority], max(0, left))
            left -= kept[priority]
        return kept

    def to_json(self) -> dict[str, dict[str, int]]:
        """Return the shape in which it is kept and shown."""
        return {
            "most": {one.queue: number for one, number in sorted(self.most.items())},
            "kept": {one.queue: number for one, number in sorted(self.kept.items())},
        }

    def words(self) -> str:
        """Return them as people read them: "urgent: 2 at a time, 1 kept free"; or "none"."""
        forms = (("{} at a time", self.most), ("{} kept free", self.kept))
        said = {
            one.queue: ", ".join(form.format(of[one]) for form, of in forms if one in of)
            for one in Priority
        }
        return "; ".join(f"{queue}: {words}" for queue, words in said.items() if words) or "none"

    @classmethod
    def from_json(cls, data: Any) -> Limits:
        """Read that shape; what can't be read limits nothing."""

        def numbers(name: str) -> dict[Priority, int]:
            part = data.get(name) if isinstance(data, dict) else None
            return {
                one: part[one.queue]
                for one in Priority
                if isinstance(part, dict) and isinstance(part.get(one.queue), int)
            }

        return cls(numbers("most"), numbers("kept"))
