"""How many requests a server still takes in its present window, as it says with its answers."""

from __future__ import annotations

import time
from collections.abc import Mapping

from altwright.errors import RateLimited


class Allowance:
    """Keeps what the last answer said, so that no post is begun that can't be ended.

    A refusal between an edit and the look at it would cost the proof that nothing else changed.
    Source: X-RateLimit-Remaining of Mastodon and GoToSocial; noted of reads only, since Mastodon
    counts posts on the answers to writes.
    """

    def __init__(self) -> None:
        self._left: int | None = None
        self._until = 0.0

    def note(self, headers: Mapping[str, str], window_ends_in_s: float) -> None:
        """Keep what an answer to a read says of its window."""
        said = headers.get("X-RateLimit-Remaining", "").strip()
        self._left = int(said) if said.isdecimal() and len(said) <= len("1000000") else None
        self._until = time.monotonic() + window_ends_in_s

    def check(self, needed: int) -> None:
        """Raise RateLimited, until the next window, if fewer requests are left than ``needed``."""
        wait_s = self._until - time.monotonic()
        if self._left is not None and self._left < needed and wait_s > 0:
            raise RateLimited("The server takes no more requests for now.", retry_in_s=wait_s)
