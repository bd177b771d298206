"""Pixelfed: Mastodon's API for reading, an address of its own for alt texts."""

from __future__ import annotations

from collections.abc import Mapping

from altwright.platforms.api import PlatformGone
from altwright.platforms.mastodon import Mastodon
from altwright.platforms.software import Software


class Pixelfed(Mastodon):
    """One account on a Pixelfed server."""

    #: Characters. Source: Pixelfed's default for PF_MEDIA_MAX_ALTTEXT_LENGTH.
    default_alt_length = 1000
    #: Source: Pixelfed cleans descriptions with an HTML sanitizer (mediaUpdate).
    escapes = True

    def _described_limit(self) -> int | None:
        """Read it where Pixelfed says it; its instance description leaves it out."""
        try:
            uploader = self._api.get("/api/v2/config").get("uploader")
        except PlatformGone:
            return super()._described_limit()
        limit = uploader.get("max_altext_length") if isinstance(uploader, Mapping) else None
        return limit if isinstance(limit, int) and limit > 0 else super()._described_limit()

    def _presumed(self) -> Software:
        """Believe the person who connected it, where the server says nothing."""
        return Software("pixelfed")
