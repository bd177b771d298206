"""The body of an edit that changes alt texts and nothing else.

Servers differ in what an edit may leave out, and drop or reset what it does leave out; so each
edit carries everything that the post has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from altwright.platforms.outcomes import PostLeftAlone
from altwright.platforms.reading import description_of, identity, media_of
from altwright.platforms.ways import Habits


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
    edit: dict[str, Any] = {
        "status": source.get("text") or "",
        "spoiler_text": source.get("spoiler_text") or "",
        "sensitive": bool(status.get("sensitive")),
        "language": status.get("language"),
        "media_ids": [identity(media) for media in media_of(status)],
        "media_attributes": [_attributes(media, texts) for media in media_of(status)],
    }
    if status.get("visibility"):  # Takahē and its like take what is left out for "public"
        edit["visibility"] = status["visibility"]
    if source.get("content_type"):  # Akkoma, glitch-soc: Markdown stays Markdown
        edit["content_type"] = source["content_type"]
    if status.get("quote_approval"):
        edit["quote_approval_policy"] = _quote_policy(status["quote_approval"])
    if status.get("poll"):
        edit["poll"] = _poll(status["poll"], habits)
    return edit


def poll_options(status: Mapping[str, Any]) -> list[str]:
    """Return the titles of a poll's options; none without a poll."""
    poll = status.get("poll") or {}
    return [str(option.get("title")) for option in poll.get("options") or []]


def hides_totals(poll: Mapping[str, Any]) -> bool:
    """Return whether a poll's results are hidden until its end. Source: Mastodon's Poll entity."""
    options = poll.get("options") or []
    return not poll.get("expired") and any(
        "votes_count" in option and option["votes_count"] is None for option in options
    )


def instant(value: Any) -> datetime | None:
    """Return a server's instant, or None: there is none."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _attributes(media: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, str]:
    media_id = identity(media)
    attributes = {"id": media_id, "description": texts.get(media_id, description_of(media))}
    if focus := focus_of(media):
        attributes["focus"] = f"{focus[0]},{focus[1]}"
    return attributes


def focus_of(media: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return a picture's focal point."""
    meta = media.get("meta")
    focus = meta.get("focus") if isinstance(meta, Mapping) else None
    if isinstance(focus, Mapping) and focus.get("x") is not None and focus.get("y") is not None:
        return focus["x"], focus["y"]
    return None


def _quote_policy(approval: Mapping[str, Any]) -> str:
    """Return the policy that a post has, as an edit names it.

    Mastodon 4.5 resets what an edit leaves out (mastodon#37436), and says it in the status only,
    not in the source. Source: Mastodon's Status::InteractionPolicyConcern.
    """
    automatic, manual = (set(approval.get(name) or ()) for name in ("automatic", "manual"))
    if not automatic and not manual:
        return "nobody"
    if not manual and automatic & {"public", "followers"} and len(automatic) == 1:
        return str(automatic.pop())
    raise PostLeftAlone("The post's rules on who may quote it can't be kept by an edit.")


def _poll(poll: Mapping[str, Any], habits: Habits) -> dict[str, Any]:
    """Return a poll as an edit has to carry it, ending when it would have ended."""
    kept: dict[str, Any] = {
        "options": poll_options({"poll": poll}),
        "multiple": bool(poll.get("multiple")),
    }
    if poll.get("expired"):
        if not habits.keeps_ended_poll:
            raise PostLeftAlone("The post has a poll that has ended; an edit would open it again.")
        return kept
    if not habits.keeps_running_poll:
        raise PostLeftAlone(
            "The post has a poll that is running, and an edit might show its results before its "
            "end on this server."
        )
    kept["hide_totals"] = hides_totals(poll)
    if ends_at := instant(poll.get("expires_at")):
        left_s = (ends_at - datetime.now(UTC)).total_seconds()
        kept["expires_in"] = max(math.ceil(left_s), 1)
    return kept
