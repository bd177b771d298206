"""Hours of the day in which people aren't told of what can wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

_SHAPE = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)(?: +(\S+))?")
WANTED = "should be like 22:00-07:00 Europe/Berlin (without a place: UTC)"
#: What may have hours of its own: the ways in which alerts are sent.
CHANNELS = ("mail", "ntfy", "slack", "webhook")
#: What is said of one that has none.
NEVER = "never"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``begin`` to ``end`` on the clocks of a place, past midnight or not."""

    begin: time
    end: time
    place: ZoneInfo

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what words mean. Raises ValueError."""
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


@dataclass(frozen=True, slots=True)
class QuietTimes:
    """The hours of each channel: its own, else those of all; None: never."""

    of_all: QuietHours | None = None
    own: Mapping[str, QuietHours | None] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what a setting means. Raises ValueError."""
        of_all: QuietHours | None = None
        own: dict[str, QuietHours | None] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            channel, is_own, words = (one.strip() for one in part.rpartition("="))
            hours = None if words == NEVER else QuietHours.read(words)
            if not is_own:
                of_all = hours
            elif channel in CHANNELS:
                own[channel] = hours
            else:
                known = ", ".join(CHANNELS)
                raise ValueError(f"names {channel or 'no channel'}, which is none of {known}")
        return cls(of_all, own)

    def left_s(self, channel: str, at: datetime) -> float:
        """Return how many seconds of a channel's hours are left at an instant."""
        hours = self.own.get(channel, self.of_all)
        return hours.left_s(at) if hours else 0.0
