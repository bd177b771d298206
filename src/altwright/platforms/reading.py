"""What servers answer, as posts and profiles; servers differ in what they leave out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from altwright.errors import PlatformUnavailable
from altwright.platforms.html_text import plain_text
from altwright.platforms.port import Media, Post, Profile


def read_profile(account: Mapping[str, Any], domain: str) -> Profile:
    """Return an account of this server as a profile; ``domain`` completes its acct."""
    acct = _text(account, "acct") or _text(account, "username")
    return Profile(
        remote_id=identity(account),
        acct=acct if "@" in acct else f"{acct}@{domain}",
        display_name=_text(account, "display_name") or acct,
        avatar_url=_text(account, "avatar"),
        url=_text(account, "url"),
    )


def read_post(status: Mapping[str, Any]) -> Post:
    """Return a status as a post."""
    return Post(
        remote_id=identity(status),
        url=_text(status, "url") or _text(status, "uri"),
        text=plain_text(_text(status, "content")),
        created_at=_instant(status.get("created_at")),
        language=_text(status, "language") or None,
        sensitive=bool(status.get("sensitive")),
        spoiler_text=_text(status, "spoiler_text"),
        visibility=_text(status, "visibility") or "public",
        media=tuple(
            _read_media(media, position) for position, media in enumerate(media_of(status))
        ),
    )


def media_of(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a status's attachments in order."""
    return list(status.get("media_attachments") or [])


def description_of(media: Mapping[str, Any]) -> str:
    """Return an attachment's published alt text; "" when it has none."""
    return _text(media, "description")


def identity(thing: Mapping[str, Any]) -> str:
    """Return an id as text.

    Raises:
        PlatformUnavailable: there is none, so this is no answer of such a server.
    """
    value = thing.get("id")
    if value is None or value == "":
        raise PlatformUnavailable("The server's answer names no id.")
    return str(value)


def _read_media(media: Mapping[str, Any], position: int) -> Media:
    meta = media.get("meta")
    original = meta.get("original") if isinstance(meta, Mapping) else None
    size = original if isinstance(original, Mapping) else {}
    url = _text(media, "url") or _text(media, "remote_url")
    return Media(
        remote_id=identity(media),
        kind=_text(media, "type") or "unknown",
        url=url,
        preview_url=_text(media, "preview_url") or url,
        description=description_of(media),
        position=position,
        width=_pixels(size.get("width")),
        height=_pixels(size.get("height")),
    )


def _text(thing: Mapping[str, Any], name: str) -> str:
    value = thing.get(name)
    return str(value) if value is not None else ""


def _pixels(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _instant(value: Any) -> datetime:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise PlatformUnavailable("The server's answer names no time of posting.") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
