"""Hours of the day in which people aren't told of what can wait."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

_SHAPE = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)(?: +(\S+))?")
WANTED = "should be like 22:00-07:00 Europe/Berlin (without a place: UTC)"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``begin`` to ``end`` on the clocks of a place, past midnight or not."""

    begin: time
    end: time
    place: ZoneInfo

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return what a setting means; None: there are no such hours. Raises ValueError."""
        if not text.strip():
            return None
        found = _SHAPE.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError(WANTED)  # noqa: TRY301 - one answer to all that is wrong
            begin, end = time.fromisoformat(found[1]), time.fromisoformat(found[2])
            place = ZoneInfo(found[3] or "UTC")
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            raise ValueError(WANTED) from None
        if begin == end:
            raise ValueError(f"begins when it ends; {WANTED}")
        return cls(begin, end, place)

    def left_s(self, at: datetime) -> float:
        """Return how many seconds of them are left at an instant; 0: it isn't in them."""
        local = at.astimezone(self.place)
        clock = local.time()
        inside = (
            self.begin <= clock < self.end
            if self.begin < self.end
            else clock >= self.begin or clock < self.end
        )
        if not inside:
            return 0.0
        ends = datetime.combine(local.date(), self.end, self.place)
        if ends <= local:
            ends = datetime.combine(local.date() + timedelta(days=1), self.end, self.place)
        # In UTC: between two times of one place Python counts what its clocks show, not the hours.
        return (ends.astimezone(UTC) - at).total_seconds()
