"""How long an alt text may be on a server."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from altwright.errors import PlatformRefused, PlatformUnavailable
from altwright.platforms.api import Api
from altwright.platforms.reading.answers import alt_limit
from altwright.platforms.software import Software

#: Characters where the server doesn't name a limit. Source: Mastodon's limit.
DEFAULT_ALT_LENGTH = 1500
#: Source: Pixelfed's default for PF_MEDIA_MAX_ALTTEXT_LENGTH.
PIXELFED_ALT_LENGTH = 1000
#: Where servers name it: Mastodon and GoToSocial; Pleroma and Akkoma.
_PATHS = (("configuration", "media_attachments", "description_limit"), ("description_limit",))


def alt_length(api: Api, software: Software, instance: Mapping[str, Any]) -> int:
    """Return the server's limit in characters, or the one that its software has by default."""
    if software.name == "pixelfed":
        return _of_pixelfed(api) or _described(instance) or PIXELFED_ALT_LENGTH
    return _described(instance) or DEFAULT_ALT_LENGTH


def _of_pixelfed(api: Api) -> int | None:
    """Ask where Pixelfed says it; its instance description leaves it out."""
    with contextlib.suppress(PlatformRefused, PlatformUnavailable):
        uploader = api.get("/api/v2/config").get("uploader")
        return alt_limit(uploader.get("max_altext_length") if isinstance(uploader, Mapping) else 0)
    return None


def _described(instance: Mapping[str, Any]) -> int | None:
    for path in _PATHS:
        found: Any = instance
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        if limit := alt_limit(found):
            return limit
    return None
