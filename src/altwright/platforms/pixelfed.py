"""Pixelfed: Mastodon's API for reading, an address of its own for alt texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altwright.platforms.editing import check_media, differences
from altwright.platforms.mastodon import Mastodon, refuse_if
from altwright.platforms.software import Software


class Pixelfed(Mastodon):
    """One account on a Pixelfed server."""

    name = "pixelfed"
    #: Source: Pixelfed cleans descriptions with an HTML sanitizer (mediaUpdate).
    escapes = True

    def _unnamed(self, instance: Mapping[str, Any]) -> Software:
        """Believe the person who connects it, where the server says nothing."""
        found = super()._unnamed(instance)
        return found if found.name else Software("pixelfed", found.version)

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
