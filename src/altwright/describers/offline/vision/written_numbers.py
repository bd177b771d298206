"""How numbers are written on pictures: prices, shares, times, dates, amounts with their units."""

from __future__ import annotations

import re
from typing import Final

#: With a sign or currency before it, its unit behind it, and the mark of a tick or an arrow after.
_NUMBER: Final = re.compile(
    r"^[-+\u2212\u2013(]*[$€£]?\s?\d[\d.,:/\s\u2013-]*"
    r"(%|[$€£]|\N{DEGREE SIGN}[CF]?|[a-z]{1,2}\.?|min|[kKMBGT]i?B?)?\s?[)>\u203a\u276f-]?$"
)


def is_number(text: str) -> bool:
    """Return whether a text is a number and nothing besides, as people write one."""
    return _NUMBER.match(text.strip()) is not None
