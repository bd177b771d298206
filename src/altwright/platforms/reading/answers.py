"""What servers answer, as posts and profiles: the one reader, which types, cleans and bounds.

Servers differ in what they leave out, and some send what no database holds. What can't be read
costs that element only: a medium is left out, a post refused (AnswerUnreadable), a field empty.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from altwright.errors import PlatformRefused
from altwright.platforms.port import Media, Post, Profile
from altwright.platforms.reading.html_text import plain_text
from altwright.platforms.reading.json_answers import part
from altwright.text import clean_line, clean_text

#: Characters of an id. Our columns hold 64, and an item's key two of them and a colon in 128;
#: the longest in use are ULIDs and snac's, of some 30.
ID_LENGTH = 63
#: Characters of what else is kept: our columns, or far more than any server's own limit.
ACCT_LENGTH, NAME_LENGTH, URL_LENGTH, WORD_LENGTH = 190, 255, 2_000, 16
ALT_LENGTH, SPOILER_LENGTH = 50_000, 10_000
#: Attachments of a post that are read: Pixelfed allows 20, a blog's article may have a gallery.
MEDIA_MOST = 200
#: Pixels of a side that are believed; a picture's real size is known once it is fetched.
PIXELS_MOST = 1_000_000
#: Years of posting that are believed: GoToSocial and WordPress let people date posts back.
_YEARS = range(1900, 2200)
#: When a post was posted whose server doesn't say it, and nothing beside it either.
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
#: No colon, which divides the two ids of an item's key.
_ID = re.compile(rf"[!-9;-~]{{1,{ID_LENGTH}}}")
_ACCT = re.compile(r"[^\s@/]+(?:@[^\s@/]+)?")
#: Source: RFC 5646, as far as servers use it ("zh-Hant-TW").
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


class AnswerUnreadable(PlatformRefused):
    """What the server says of this post or account can't be read; of others it may be."""


def read_profile(account: Mapping[str, Any], domain: str) -> Profile:
    """Return an account of this server as a profile; ``domain`` completes its acct.

    Raises:
        AnswerUnreadable: it names no id or no acct.
    """
    acct = _line(account.get("acct") or account.get("username"), ACCT_LENGTH + 1)
    whole = acct if "@" in acct else f"{acct}@{clean_line(domain, ACCT_LENGTH)}"
    if not _ACCT.fullmatch(whole) or len(whole) > ACCT_LENGTH:
        raise AnswerUnreadable("The server's answer names no account.")
    return Profile(
        remote_id=identity(account),
        acct=whole,
        display_name=_line(account.get("display_name"), NAME_LENGTH) or acct,
        avatar_url=link_of(account, "avatar"),
    )


def read_post(status: Mapping[str, Any], otherwise: datetime = UNKNOWN_TIME) -> Post:
    """Return a status as a post, without the media that can't be read.

    ``otherwise``: its time, where the server says none that can be.

    Raises:
        AnswerUnreadable: it has no usable id.
    """
    media, _ = read_media(status)
    return Post(
        remote_id=identity(status),
        url=link_of(status, "url") or link_of(status, "uri"),
        text=plain_text(_raw(status, "content")),
        created_at=posted_at(status) or otherwise,
        language=_language(status.get("language")),
        sensitive=bool(status.get("sensitive")),
        spoiler_text=clean_text(status.get("spoiler_text"), SPOILER_LENGTH),
        visibility=_line(status.get("visibility"), WORD_LENGTH) or "unknown",
        media=media,
    )


def description_of(media: Mapping[str, Any]) -> str:
    """Return an attachment's published alt text to the letter; "" when it has none."""
    return _raw(media, "description")


def identity(thing: Mapping[str, Any]) -> str:
    """Return an id as text.

    Raises:
        AnswerUnreadable: there is none that could be one.
    """
    value = thing.get("id")
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)
        if _ID.fullmatch(text):
            return text
    raise AnswerUnreadable("The server's answer names no usable id.")


def name_of(status: Mapping[str, Any]) -> str:
    """Return a status's id, or where it has no usable one a name made from what it says."""
    try:
        return identity(status)
    except AnswerUnreadable:
        told = repr(sorted(status.items(), key=str)).encode("utf-8", "backslashreplace")
        return f"unnamed-{hashlib.sha256(told).hexdigest()[:24]}"


def posted_at(status: Mapping[str, Any]) -> datetime | None:
    """Return when a status was posted; None: the server says nothing that can be believed."""
    value = status.get("created_at")
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is None or at.year not in _YEARS:
            return None
        offset = at.utcoffset() or timedelta()
        return (at.replace(tzinfo=None) - offset).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def read_media(status: Mapping[str, Any]) -> tuple[tuple[Media, ...], int]:
    """Return the attachments that can be read, and how many there are besides."""
    found = status.get("media_attachments")
    if not isinstance(found, list):
        return (), int(bool(found))
    media: dict[str, Media] = {}
    lost = 0
    for position, one in enumerate(found):
        try:
            read = _medium(one, position)
        except AnswerUnreadable:
            lost += 1
        else:
            if len(media) < MEDIA_MOST:
                media.setdefault(read.remote_id, read)
            elif read.remote_id not in media:
                lost += 1
    return tuple(media.values()), lost


def _medium(media: Any, position: int) -> Media:
    if not isinstance(media, Mapping):
        raise AnswerUnreadable("The server's answer has something else instead of a picture.")
    size = part(part(media, "meta"), "original")
    return Media(
        remote_id=identity(media),
        kind=_line(media.get("type"), WORD_LENGTH) or "unknown",
        url=link_of(media, "url") or link_of(media, "remote_url"),
        description=clean_text(media.get("description"), ALT_LENGTH),
        position=position,
        preview_url=link_of(media, "preview_url"),
        width=_pixels(size.get("width")),
        height=_pixels(size.get("height")),
    )


def _line(value: Any, most: int) -> str:
    """Return one line of text; "" for what is none."""
    return clean_line(value, most) if isinstance(value, str) else ""


def _raw(thing: Mapping[str, Any], name: str) -> str:
    value = thing.get(name)
    return str(value) if value is not None else ""


def link_of(thing: Mapping[str, Any], name: str) -> str:
    """Return an http or https address, or "": what else a server sends is never followed."""
    value = thing.get(name)
    if not isinstance(value, str) or len(value) > URL_LENGTH or value != clean_line(value, 9_999):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in {"http", "https"} and parts.netloc else ""


def _language(value: Any) -> str | None:
    text = clean_line(value, WORD_LENGTH + 1)
    return text if _LANGUAGE.fullmatch(text) and len(text) <= WORD_LENGTH else None


def _pixels(value: Any) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 1 <= value <= PIXELS_MOST else None
