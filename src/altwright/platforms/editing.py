"""An edit that changes alt texts and nothing else, and the proof that it did.

Servers differ in what an edit may leave out, and drop or reset what it does leave out; so each
edit carries everything that the post has.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from altwright.errors import PlatformRefused
from altwright.platforms.reading import description_of, identity, media_of


def check_media(status: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Refuse when the post has lost a picture that a text is for, or a text is empty.

    Raises:
        PlatformRefused: saying which.
    """
    present = {identity(media) for media in media_of(status)}
    if not texts.keys() <= present:
        raise PlatformRefused(
            "The post has been edited: a picture that is to be described isn't in it any more."
        )
    if not all(text.strip() for text in texts.values()):
        raise PlatformRefused("An alt text to be published is empty.")


def check_unedited(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """Refuse when somebody edited the post between two looks at it.

    Raises:
        PlatformRefused: they did.
    """
    if str(first.get("edited_at")) != str(second.get("edited_at")) or _ids(first) != _ids(second):
        raise PlatformRefused("The post is being edited elsewhere; nothing was changed.")


def unwritten(
    status: Mapping[str, Any], texts: Mapping[str, str], *, escapes: bool = False
) -> dict[str, str]:
    """Return the texts that the post doesn't have yet.

    ``escapes``: the server stores & as &amp; and so on.
    """
    read = html.unescape if escapes else str
    published = {identity(media): read(description_of(media)) for media in media_of(status)}
    return {key: text for key, text in texts.items() if not _same(published[key], read(text))}


def whole_edit(
    status: Mapping[str, Any], source: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, Any]:
    """Return the body of an edit: the post as it is, with these alt texts.

    Source: Mastodon's UpdateStatusService (media_ids give the order; a poll left out is deleted).
    """
    edit: dict[str, Any] = {
        "status": source.get("text") or "",
        "spoiler_text": source.get("spoiler_text") or "",
        "sensitive": bool(status.get("sensitive")),
        "language": status.get("language"),
        "media_ids": _ids(status),
        "media_attributes": [_attributes(media, texts) for media in media_of(status)],
    }
    if source.get("content_type"):  # Akkoma, glitch-soc: Markdown stays Markdown
        edit["content_type"] = source["content_type"]
    if status.get("poll"):
        edit["poll"] = _poll(status["poll"])
    return edit


def differences(
    before: tuple[Mapping[str, Any], Mapping[str, Any]],
    after: tuple[Mapping[str, Any], Mapping[str, Any]],
    texts: Mapping[str, str],
    *,
    escapes: bool = False,
) -> list[str]:
    """Name what isn't as it should be, of a post and its source before and after an edit."""
    (status, source), (new_status, new_source) = before, after
    found = [] if _ids(status) == _ids(new_status) else ["the pictures or their order"]
    wanted = {identity(media): description_of(media) for media in media_of(status)} | {**texts}
    for number, media in enumerate(media_of(new_status), 1):
        media_id = identity(media)
        if unwritten(new_status, {media_id: wanted.get(media_id, "")}, escapes=escapes):
            found.append(f"the alt text of picture {number}")
    if not _same(source.get("text"), new_source.get("text")):
        found.append("the text")
    if not _same(source.get("spoiler_text"), new_source.get("spoiler_text")):
        found.append("the content warning")
    if bool(status.get("sensitive")) != bool(new_status.get("sensitive")):
        found.append("the mark as sensitive")
    # A server may fill in a language where there was none; it can't be told to leave it empty.
    if status.get("language") and status["language"] != new_status.get("language"):
        found.append("the language")
    if _poll_options(status) != _poll_options(new_status):
        found.append("the poll")
    return found


def _ids(status: Mapping[str, Any]) -> list[str]:
    return [identity(media) for media in media_of(status)]


def _attributes(media: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, str]:
    media_id = identity(media)
    attributes = {"id": media_id, "description": texts.get(media_id, description_of(media))}
    meta = media.get("meta")
    focus = meta.get("focus") if isinstance(meta, Mapping) else None
    if isinstance(focus, Mapping) and focus.get("x") is not None and focus.get("y") is not None:
        attributes["focus"] = f"{focus['x']},{focus['y']}"
    return attributes


def _poll(poll: Mapping[str, Any]) -> dict[str, Any]:
    """Return a poll as an edit has to carry it, ending when it would have ended."""
    if poll.get("expired"):
        raise PlatformRefused("The post has a poll that has ended; an edit would open it again.")
    kept: dict[str, Any] = {
        "options": _poll_options({"poll": poll}),
        "multiple": bool(poll.get("multiple")),
    }
    ends_at = poll.get("expires_at")
    if ends_at:
        at = ends_at if isinstance(ends_at, datetime) else datetime.fromisoformat(str(ends_at))
        kept["expires_in"] = max(math.ceil((at - datetime.now(UTC)).total_seconds()), 1)
    return kept


def _poll_options(status: Mapping[str, Any]) -> list[str]:
    poll = status.get("poll") or {}
    return [str(option.get("title")) for option in poll.get("options") or []]


def _same(one: Any, other: Any) -> bool:
    """Compare texts as readers see them: servers trim them and unify line ends."""
    return _trimmed(one) == _trimmed(other)


def _trimmed(text: Any) -> str:
    return str(text or "").replace("\r\n", "\n").strip()
