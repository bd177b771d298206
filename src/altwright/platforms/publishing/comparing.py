"""Whether a post is as it was before its alt texts were written, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altwright.platforms.publishing.editing import (
    focus_of,
    hides_totals,
    instant,
    media_by_id,
    names,
    poll_options,
)
from altwright.platforms.publishing.text_comparison import same
from altwright.platforms.reading.answers import description_of
from altwright.platforms.reading.json_answers import part, parts

#: The fewer see a post, the higher. Servers have words of their own beside them.
_CLOSED = {"public": 0, "unlisted": 1, "private": 2, "direct": 3}
#: Seconds by which a poll's end may move: expires_in is whole seconds, sent a moment earlier.
POLL_END_SLACK_S = 120.0


def widened(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether more people may see the post than before, or nobody knows."""
    was, now = visibility(before), visibility(after)
    if is_wider(was, now) or (before.get("local_only") and not after.get("local_only")):
        return True
    return was == "direct" and bool(_mentions(after) - _mentions(before))


def is_wider(was: str, now: str) -> bool:
    """Return whether ``now`` lets more people see a post; of unknown words, whether it changed."""
    if was == now:
        return False
    if was in _CLOSED and now in _CLOSED:
        return _CLOSED[now] < _CLOSED[was]
    return True


def visibility(status: Mapping[str, Any]) -> str:
    """Return who may see a post, in the server's word."""
    return str(status.get("visibility") or "")


def is_public(status: Mapping[str, Any]) -> bool:
    """Return whether everybody may see the post already."""
    return visibility(status) == "public" and not status.get("local_only")


def differences(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    written: Mapping[str, str],
    *,
    escapes: bool,
    is_edit: bool,
) -> list[str]:
    """Name what isn't as it was, but for the alt texts that were written (by media's ids).

    The order of pictures counts after an edit only: nothing else can change it, and some servers
    (Takahē) have none.
    """
    found = []
    if visibility(before) != visibility(after):
        found.append(f"the visibility ({visibility(before)}, now {visibility(after)})")
    then, now = media_by_id(before), media_by_id(after)
    if list(then) != list(now) if is_edit else set(then) != set(now):
        found.append("the pictures or their order")
    for number, (media_id, media) in enumerate(now.items(), 1):
        if media_id not in then:
            continue
        if media_id not in written and not same(
            description_of(then[media_id]), description_of(media), escapes=escapes
        ):
            found.append(f"the alt text of picture {number}")
        if focus_of(then[media_id]) and focus_of(then[media_id]) != focus_of(media):
            found.append(f"the focal point of picture {number}")
    found += [
        name
        for name, read in _FIELDS.items()
        if read(before) != read(after) and not (name == "the language" and not read(before))
    ]
    if _poll_end_moved(part(before, "poll"), part(after, "poll")):
        found.append("the end of the poll")
    return found


def _text(name: str) -> Any:
    # Servers trim, and unify line ends.
    return lambda status: str(status.get(name) or "").replace("\r\n", "\n").strip()


def _mentions(status: Mapping[str, Any]) -> set[str]:
    return {str(one.get("id")) for one in parts(status, "mentions")}


def _quotes(status: Mapping[str, Any]) -> tuple[set[str], set[str]] | None:
    approval = part(status, "quote_approval")
    return (names(approval, "automatic"), names(approval, "manual")) if approval else None


def _poll_settings(status: Mapping[str, Any]) -> tuple[Any, ...]:
    poll = part(status, "poll")
    is_over = bool(poll.get("expired"))
    return poll_options(poll), bool(poll.get("multiple")), is_over, hides_totals(poll)


_FIELDS = {
    "the text": _text("content"),
    "the content warning": _text("spoiler_text"),
    "the mark as sensitive": lambda status: bool(status.get("sensitive")),
    # A server may fill in a language where there was none; it can't be told to leave it empty.
    "the language": lambda status: status.get("language") or None,
    "the people mentioned": _mentions,
    "the post that it answers": lambda status: str(status.get("in_reply_to_id") or ""),
    "who may quote it": _quotes,
    "the poll": _poll_settings,
}


def _poll_end_moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    was, now = instant(before.get("expires_at")), instant(after.get("expires_at"))
    if was is None or now is None:
        return was is not now and bool(before) and bool(after)
    return abs((now - was).total_seconds()) > POLL_END_SLACK_S
