"""How pages word states, causes, times and what a describer saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, request

from altwright.captions.drafts.same_pictures import REUSED
from altwright.describers.answers.languages import language_name
from altwright.describers.order import passed_over
from altwright.describers.port import why_blank
from altwright.domain.counting import counted
from altwright.domain.task import ACTIVE
from altwright.errors import Category
from altwright.web.auth import caller
from altwright.web.pages.review_filter import NAMES
from altwright.web.pages.words import (
    BULK_ACTIONS,
    DESCRIBERS,
    DRAFT_STATES,
    VIEWS,
    WARNING_REMEDIES,
    for_scripts,
    kind_items,
    kind_title,
    result_link,
    task_state,
)

#: What a person can do about each category of error; "" where its reason says that itself.
REMEDIES = MappingProxyType(
    {
        Category.NETWORK: "A server could not be reached. Try again later.",
        Category.RATE_LIMIT: "Your server asked for a pause. Try again in a while.",
        Category.SERVICE_DOWN: "Something that the run needs did not answer. Try again later.",
        Category.AUTHENTICATION: "Your server no longer accepts the connection. "
        "Reconnect the account, then try again.",
        Category.CONFIGURATION: "The describer isn't set up on this server. The administrator "
        "has to act; your run can be tried again afterwards.",
        Category.BAD_INPUT: "Trying again will not change this.",
        Category.REVIEW: "",
        Category.EXHAUSTED: "The machine had no room left. Try again later.",
        Category.TIMEOUT: "It took too long. Try again when less is going on.",
        Category.CORRUPT: "What was stored of this run is damaged. The administrator can mend it.",
        Category.FAULT: "Unexpected error in Altwright. It has been logged.",
    }
)
EVENTS = MappingProxyType(
    {
        "queued": "Submitted",
        "claimed": "Work began",
        "waiting": "Waiting for a server",
        "trying again later": "What failed is tried again in a moment",
        "worker stopped": "Its worker was stopped, so another one takes over",
        "time used up": "It took long, so others had their turn",
        "slice over": "Others waited and had their turn",
        "retry": "Something was in the way; it is tried again",
        "rescued": "The worker stopped responding; another one takes over",
        "requeued": "Queued again",
        "cancel requested": "You asked to cancel",
        "cancelled": "Cancelled",
        "completed": "Came to its end",
        "failed": "Failed",
        "preempted": "Made way for something urgent",
        "database away": "Paused until the database answers",
    }
)
#: Shares of time in seconds, for durations.
_HOUR_S, _MINUTE_S = 3600, 60


def register(bp: Blueprint) -> None:
    """Make these words known to every template of the app."""
    for name, table in (
        ("draft_state", DRAFT_STATES),
        ("remedy_words", WARNING_REMEDIES),
        ("view_words", VIEWS),
        ("describer_words", DESCRIBERS),
        ("remedy", REMEDIES),
        ("event_words", EVENTS),
        ("bulk_action", BULK_ACTIONS),
        ("label", {}),
    ):
        bp.add_app_template_filter(_lookup(table), name)
    tables = (kind_items, kind_title, task_state, result_link)
    for word in (*tables, moment, day, host, initials, seen, took, written_lines):
        bp.add_app_template_filter(word)
    bp.add_app_template_filter(passed_over)
    bp.add_app_template_filter(reused)
    bp.add_app_template_filter(why_blank)
    bp.add_app_template_filter(counted)
    bp.add_app_template_test(lambda task: task["status"] in ACTIVE, "active_task")
    bp.add_app_template_global(for_scripts, "page_words")
    bp.add_app_template_global(same_query)
    bp.add_app_template_global(may_change)


def _lookup(words: Mapping[Any, str]) -> Any:
    def word(key: Any) -> str:
        """Return the words for a key; a new one speaks for itself."""
        return words.get(key, str(key or "").replace("_", " ").capitalize())

    return word


def moment(at: str | datetime) -> str:
    """Return "24 Nov 2026, 19:46 UTC"; the page shows it in the reader's own time."""
    instant = _instant(at)
    return f"{instant.day} {instant:%b %Y, %H:%M} UTC"


def day(at: str | datetime) -> str:
    """Return "24 November 2026"."""
    instant = _instant(at)
    return f"{instant.day} {instant:%B %Y}"


def _instant(at: str | datetime) -> datetime:
    return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)


def took(task: Mapping[str, Any]) -> str:
    """Return how long a task ran, or "" when it hasn't ended."""
    if not task["started_at"] or not task["finished_at"]:
        return ""
    seconds = round((_instant(task["finished_at"]) - _instant(task["started_at"])).total_seconds())
    hours, minutes = seconds // _HOUR_S, seconds % _HOUR_S // _MINUTE_S
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {seconds % _MINUTE_S} s"
    return f"{seconds} s" if seconds else "less than a second"


def host(url: str) -> str:
    """Return the host of an address."""
    return urlsplit(url).hostname or url


def initials(account: Mapping[str, Any]) -> str:
    """Return one or two letters that stand in for an avatar, which lies on a foreign host."""
    words = [word for word in account["display_name"].split() if word[0].isalnum()]
    letters = [word[0] for word in words] or [account["acct"].lstrip("@")[:1]]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


def seen(evidence: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return what a describer saw as headed lists of words; what has no words is left out."""
    return [
        (heading, words)
        for heading, words in (
            ("Kind of picture", list(_plain(evidence.get("kind")))),
            ("Text in the picture", list(_plain(evidence.get("text"), surely=True))),
            ("Things", list(_plain(evidence.get("objects")))),
            ("Faces", _faces(evidence.get("faces"))),
            ("It looks like", list(_plain(evidence.get("classes")))),
            ("Colours", list(_plain(evidence.get("colours")))),
        )
        if words
    ]


def reused(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the post whose text a draft has, since its picture is (nearly) the same, or None."""
    match evidence.get(REUSED):
        case {"url": str(url), "posted_at": str(posted_at), "is_same": bool(is_same)}:
            return {"url": url, "posted_at": posted_at, "is_same": is_same}
    return None


def written_lines(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the lines that a describer read, each with its language (ISO 639), "" if unknown."""
    lines = evidence.get("text")
    return [
        (words, str(line.get("lang", "")) if isinstance(line, Mapping) else "")
        for line in (lines if isinstance(lines, list) else [lines])
        for words in _plain(line, surely=True)
    ]


def _plain(value: Any, *, surely: bool = False) -> Iterator[str]:
    """Yield the words in evidence, with how sure the describer was unless ``surely``."""
    match value:
        case str() if value:
            yield value
        case {"text": str(words)}:
            yield words
        case {"name": str(name), **rest}:
            yield _with_share(name, rest.get("score"))
        case [str(name), int() | float() as share] if not surely:
            yield _with_share(name, share)
        case list():
            for one in value:
                yield from _plain(one, surely=surely)
        case dict():
            for name, share in value.items():
                yield _with_share(str(name), share)


def _with_share(name: str, share: Any) -> str:
    is_share = isinstance(share, int | float) and 0 <= share <= 1
    return f"{name} ({share:.0%})" if is_share else name


def _faces(faces: Any) -> list[str]:
    count = len(faces) if isinstance(faces, list) else 0
    return [str(count)] if count else []


def settings_in_words(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a captions task's settings as pairs of name and value; other tasks have none."""
    if "max_posts_per_run" not in settings:
        return []
    posts, language = settings["max_posts_per_run"], settings.get("language")
    return [
        ("Posts", f"the newest {posts:,}" if posts else "all"),
        ("Language", language_name(language) if language else "each post's own"),
        ("Length", f"at most {settings.get('max_caption_length', 0):,} characters"),
        (
            "Pictures with an alt text",
            "described again" if settings.get("reprocess_existing") else "left alone",
        ),
        (
            "Words of the post",
            "shown to the describer"
            if settings.get("use_post_text")
            else "not shown to the describer",
        ),
    ]


def may_change() -> bool:
    """Return whether who sees the page may change anything: a viewer gets no button that does."""
    return not caller().is_viewer


def same_query(path: str, **changes: Any) -> str:
    """Return ``path`` with this request's filters, changed; None leaves one out."""
    kept = {name: request.args.get(name) for name in NAMES}
    wanted = {name: value for name, value in (kept | changes).items() if value not in {None, ""}}
    return f"{path}?{urlencode(wanted)}" if wanted else path
