"""How long an alt text may be on a server."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from altwright.errors import PlatformRefused, PlatformUnavailable
from altwright.platforms.api import Api
from altwright.platforms.reading.json_answers import part
from altwright.platforms.software import Software

#: Characters where the server doesn't name a limit. Source: Mastodon's limit.
DEFAULT_ALT_LENGTH = 1500
#: Source: Pixelfed's default for PF_MEDIA_MAX_ALTTEXT_LENGTH.
PIXELFED_ALT_LENGTH = 1000
#: Limits of alt texts that are believed. Mastodon's is 1,500; the highest in use is 10,000.
ALT_LIMIT_MOST = 10_000


def alt_length(api: Api, software: Software, instance: Mapping[str, Any]) -> int:
    """Return the server's limit in characters, or the one that its software has by default."""
    if software.name == "pixelfed":
        return _of_pixelfed(api) or _described(instance) or PIXELFED_ALT_LENGTH
    return _described(instance) or DEFAULT_ALT_LENGTH


def _of_pixelfed(api: Api) -> int | None:
    """Ask where Pixelfed says it; its instance description leaves it out."""
    with contextlib.suppress(PlatformRefused, PlatformUnavailable):
        return alt_limit(part(api.get("/api/v2/config"), "uploader").get("max_altext_length"))
    return None


def _described(instance: Mapping[str, Any]) -> int | None:
    """Return the limit where servers name it: Mastodon and GoToSocial; Pleroma and Akkoma."""
    media = part(part(instance, "configuration"), "media_attachments")
    return alt_limit(media.get("description_limit")) or alt_limit(instance.get("description_limit"))


def alt_limit(value: Any) -> int | None:
    """Return a limit of alt texts in characters, or None: it isn't one that can be believed."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value):
        value = int(value)  # PHP's settings
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value <= ALT_LIMIT_MOST else None
