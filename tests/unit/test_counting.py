"""Counts and spans of time in texts that people read."""

from __future__ import annotations

import pytest

from altwright.domain.counting import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 seconds"),
        (1, "1 second"),
        (15.3, "15 seconds"),
        (58, "58 seconds"),
        (60.2, "1 minute"),
        (75, "75 seconds"),
        (240, "4 minutes"),
        (3600, "1 hour"),
        (5000, "83 minutes"),
        (5400, "1.5 hours"),
        (86_400, "24 hours"),
        (1e6, "280 hours"),
    ],
)
def test_a_span_of_time_is_said_in_the_unit_that_fits(seconds: float, words: str) -> None:
    """Nobody reads "960 s"."""
    assert duration(seconds) == words
