"""Pixelfed: Mastodon's API for reading, an address of its own for alt texts."""

from __future__ import annotations

from altwright.platforms.mastodon import Mastodon
from altwright.platforms.software import Software, unnamed


class Pixelfed(Mastodon):
    """One account on a Pixelfed server."""

    name = "pixelfed"
    #: Source: Pixelfed cleans descriptions with an HTML sanitizer (mediaUpdate).
    escapes = True

    def _presumed(self) -> Software:
        """Believe the person who connected it, where the server says nothing.

        Pixelfed names itself in its version; one that stands there bare is another server's.
        """
        return Software() if unnamed(self._instance).version else Software("pixelfed")
