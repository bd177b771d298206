"""The body of an edit that changes alt texts and nothing else.

Servers differ in what an edit may leave out, and drop or reset what it does leave out; so each
edit carries everything that the post has.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from altwright.platforms.publishing.outcomes import PostLeftAlone
from altwright.platforms.publishing.ways import Habits
from altwright.platforms.reading.answers import AnswerUnreadable, description_of, identity
from altwright.platforms.reading.json_answers import part, parts


def whole_edit(
    status: Mapping[str, Any],
    source: Mapping[str, Any],
    texts: Mapping[str, str],
    habits: Habits,
) -> dict[str, Any]:
    """Return the body of an edit: the post as it is, with these alt texts.

    Source: Mastodon's UpdateStatusService (media_ids give the order; a poll left out is deleted).

    Raises:
        PostLeftAlone: an edit would change something else.
    """
    media = media_by_id(status)
    if [*media.values()] != (status.get("media_attachments") or []):
        raise PostLeftAlone("One of the post's pictures can't be read, so an edit would lose it.")
    if not isinstance(source.get("text"), str):
        raise PostLeftAlone(
            "The post's text can't be read as it was written; an edit would lose it."
        )
    edit: dict[str, Any] = {
        "status": source["text"],
        "spoiler_text": source.get("spoiler_text", status.get("spoiler_text")) or "",
        "sensitive": bool(status.get("sensitive")),
        "language": status.get("language"),
        "media_ids": list(media),
        "media_attributes": [_attributes(media_id, media[media_id], texts) for media_id in media],
    }
    if status.get("visibility"):  # Takahē and its like take what is left out for "public"
        edit["visibility"] = status["visibility"]
    if source.get("content_type"):  # Akkoma, glitch-soc: Markdown stays Markdown
        edit["content_type"] = source["content_type"]
    if habits.resets_quote_policy and (approval := part(status, "quote_approval")):
        edit["quote_approval_policy"] = _quote_policy(approval)
    if status.get("poll"):
        edit["poll"] = _poll(part(status, "poll"), habits)
    return edit


def media_by_id(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the attachments in order, without those that name no usable id."""
    found = {}
    for media in parts(status, "media_attachments"):
        with contextlib.suppress(AnswerUnreadable):
            found[identity(media)] = media
    return found


def names(thing: Mapping[str, Any], name: str) -> set[str]:
    """Return a list of words inside an object."""
    found = thing.get(name)
    return set(map(str, found)) if isinstance(found, list) else set()


def poll_options(poll: Mapping[str, Any]) -> list[str]:
    """Return the titles of a poll's options."""
    return [str(option.get("title")) for option in parts(poll, "options")]


def hides_totals(poll: Mapping[str, Any]) -> bool:
    """Return whether a poll's results are hidden until its end. Source: Mastodon's Poll entity."""
    return not poll.get("expired") and any(
        "votes_count" in option and option["votes_count"] is None
        for option in parts(poll, "options")
    )


def instant(value: Any) -> datetime | None:
    """Return a server's instant, or None: there is none."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _attributes(
    media_id: str, media: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, str]:
    attributes = {"id": media_id, "description": texts.get(media_id, description_of(media))}
    if focus := focus_of(media):
        attributes["focus"] = f"{focus[0]},{focus[1]}"
    return attributes


def focus_of(media: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return a picture's focal point."""
    focus = part(part(media, "meta"), "focus")
    if focus.get("x") is not None and focus.get("y") is not None:
        return focus["x"], focus["y"]
    return None


def _quote_policy(approval: Mapping[str, Any]) -> str:
    """Return the policy that a post has, as an edit names it.

    Mastodon 4.5 resets what an edit leaves out (mastodon#37436), and says it in the status only,
    not in the source. Source: Mastodon's Status::InteractionPolicyConcern.
    """
    automatic, manual = (names(approval, name) for name in ("automatic", "manual"))
    if not automatic and not manual:
        return "nobody"
    if not manual and automatic & {"public", "followers"} and len(automatic) == 1:
        return automatic.pop()
    raise PostLeftAlone("The post's rules on who may quote it can't be kept by an edit.")


def _poll(poll: Mapping[str, Any], habits: Habits) -> dict[str, Any]:
    """Return a poll as an edit has to carry it, ending when it would have ended."""
    options = poll_options(poll)
    if not options or len(options) != len(poll["options"]):
        raise PostLeftAlone("The post's poll can't be read, so an edit would lose it.")
    kept: dict[str, Any] = {"options": options, "multiple": bool(poll.get("multiple"))}
    if poll.get("expired"):
        if not habits.keeps_ended_poll:
            raise PostLeftAlone("The post has a poll that has ended; an edit would open it again.")
        return kept
    if not habits.keeps_running_poll:
        raise PostLeftAlone(
            "The post has a poll that is running, and an edit might show its results before its "
            "end on this server. Approve the text again when the poll has ended."
        )
    kept["hide_totals"] = hides_totals(poll)
    if ends_at := instant(poll.get("expires_at")):
        left_s = (ends_at - datetime.now(UTC)).total_seconds()
        kept["expires_in"] = max(math.ceil(left_s), 1)
    return kept
