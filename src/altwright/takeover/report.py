"""What a run has done or would do: counts per table, and one line for each oddity."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

#: What can become of a row, in the order in which it is shown.
ADDED, CHANGED, SAME, LEFT = "added", "changed", "same", "left"
OUTCOMES = (ADDED, CHANGED, SAME, LEFT)
#: Examples that are kept of one remark.
EXAMPLES = 1_000


@dataclass(slots=True)
class Report:
    """Counts rows by table and outcome; remarks are grouped, with ids of some of their rows."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    remarks: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    remarked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def row(self, table: str, outcome: str) -> None:
        """Count a row."""
        self.counts.setdefault(table, Counter())[outcome] += 1

    def remark(self, table: str, row_id: Any, text: str) -> None:
        """Note what isn't as one might expect."""
        self.remarked[table, text] += 1
        examples = self.remarks.setdefault((table, text), [])
        if len(examples) < EXAMPLES:
            examples.append(str(row_id))

    def leave(self, table: str, row_id: Any, why: str) -> None:
        """Count a row that isn't taken, and note why."""
        self.row(table, LEFT)
        self.remark(table, row_id, why)

    @property
    def writes(self) -> int:
        """Return how many rows were added or changed."""
        return sum(one[ADDED] + one[CHANGED] for one in self.counts.values())

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line shows."""
        return {
            "tables": [
                {"table": table, **{name: counts[name] for name in OUTCOMES}}
                for table, counts in self.counts.items()
            ],
            "remarks": [
                {"table": table, "what": text, "rows": self.remarked[table, text], "ids": ids}
                for (table, text), ids in self.remarks.items()
            ],
        }
