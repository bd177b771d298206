"""Pixelfed: Mastodon's API for reading, an address of its own for alt texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altwright.platforms.api import PlatformGone
from altwright.platforms.editing import check_media, differences
from altwright.platforms.mastodon import Mastodon, refuse_if


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

    def _write(
        self, remote_id: str, status: Mapping[str, Any], texts: Mapping[str, str]
    ) -> Mapping[str, Any]:
        for media_id, text in texts.items():
            self._api.describe(media_id, text)
        after = self._api.status(remote_id)
        check_media(after, texts)
        # Pixelfed has no source of a post; its HTML stands for it.
        before, then = ((one, {"text": one.get("content")}) for one in (status, after))
        refuse_if(differences(before, then, texts, escapes=True))
        return after
