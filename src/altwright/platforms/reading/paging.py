"""How an account's pages are walked through: to their end, which comes whatever the server says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altwright import interrupts
from altwright.errors import Category, PlatformRefused, PlatformUnavailable
from altwright.platforms.port import Post, PostPage, Unreadable
from altwright.platforms.reading.answers import (
    UNKNOWN_TIME,
    AnswerUnreadable,
    identity,
    name_of,
    posted_at,
    read_media,
    read_post,
)

#: Posts per page. Source: Mastodon's maximum for statuses of an account.
PAGE_POSTS = 40
#: Asks for the newest page of an account's statuses with media.
FIRST_QUERY = f"only_media=true&exclude_reblogs=true&limit={PAGE_POSTS}"
#: Posts of a page where a server fails at a whole one: it runs out of time, or sends too much.
FEW_POSTS = 5
_FEWER = re.compile(r"\b(limit=)\d+")
#: What a smaller page may help against.
_OF_THE_PAGE = frozenset({Category.SERVICE_DOWN, Category.TIMEOUT})
#: Posts of a page that are read, whatever was asked for.
STATUSES_MOST = 1_000
#: Pages of an account in all: 200,000 posts, or 100,000 where a server gives 20 a page.
PAGES_MOST = 5_000
#: Pages in a row without any post of the account: no server has more than one of them.
FOREIGN_PAGES_MOST = 20
#: Posts that are remembered, so that none comes twice; beyond it they are forgotten.
SEEN_MOST = 300_000
#: Characters of a cursor.
CURSOR_LENGTH = 500
#: Number of the page to come, and the query that asks for it.
_CURSOR = re.compile(r"(\d{1,9}):([!-~]*)")


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as the server sent it. ``next_query`` leads on, as its Link header says.

    ``is_linked``: it has a Link header for pages, so without a next one this page is the last.
    """

    statuses: Sequence[Any]
    next_query: str = ""
    is_linked: bool = False


def pages(
    ask: Callable[[str], Answer],
    is_own: Callable[[Mapping[str, Any]], bool],
    cursor: str | None,
) -> Iterator[PostPage]:
    """Yield the pages that ``ask`` returns, from ``cursor`` on (None: from the newest post)."""
    number, query = _opened(cursor) or (0, FIRST_QUERY)
    seen: set[str] = set()
    foreign = 0
    while number < PAGES_MOST and foreign < FOREIGN_PAGES_MOST:
        try:
            answer = ask(query)
        except PlatformRefused as error:
            if cursor is None or error.category is Category.AUTHENTICATION:
                raise
            cursor, query = None, FIRST_QUERY  # the server doesn't know the cursor any more
            continue
        except PlatformUnavailable as error:
            smaller = _FEWER.sub(rf"\g<1>{FEW_POSTS}", query)
            if smaller == query or error.category not in _OF_THE_PAGE:
                raise
            query = smaller
            continue
        cursor = None
        if len(answer.statuses) > STATUSES_MOST:
            answer = Answer(answer.statuses[:STATUSES_MOST])  # what is older is asked for
        number += 1
        if len(seen) > SEEN_MOST:
            seen.clear()
        reader = _Reader(is_own, seen)
        reader.read(answer.statuses)
        foreign = 0 if reader.has_own else foreign + 1
        following = _following(answer)
        # A server that can't page answers with its first page for ever.
        goes_on = reader.has_new and following not in {"", query} and number < PAGES_MOST
        next_cursor = f"{number}:{following}" if goes_on else None
        yield PostPage(tuple(reader.posts), tuple(reader.unreadable), next_cursor)
        if not goes_on:
            return
        query = following


def _opened(cursor: str | None) -> tuple[int, str] | None:
    found = _CURSOR.fullmatch(cursor or "")
    return (int(found[1]), found[2]) if found else None


def _following(answer: Answer) -> str:
    """Return the query for what is older; "": this is the last page.

    Servers that send no Link header (Pixelfed) are asked for what is older than the last one.
    """
    if not answer.statuses:
        return ""
    if answer.next_query:
        return answer.next_query
    if answer.is_linked:
        return ""
    for status in reversed(answer.statuses):
        if isinstance(status, Mapping) and (max_id := _identity(status)):
            return f"{FIRST_QUERY}&max_id={max_id}"
    return ""


def _identity(status: Mapping[str, Any]) -> str:
    try:
        found = identity(status)
    except AnswerUnreadable:
        return ""
    return found if re.fullmatch(r"[\w.~-]+", found) else ""


class _Reader:
    """Reads one page's statuses; ``seen`` grows by their names."""

    def __init__(self, is_own: Callable[[Mapping[str, Any]], bool], seen: set[str]) -> None:
        self.posts: list[Post] = []
        self.unreadable: list[Unreadable] = []
        self.has_new = self.has_own = False
        self._is_own = is_own
        self._seen = seen
        self._last_at = UNKNOWN_TIME

    def read(self, statuses: Sequence[Any]) -> None:
        times = (posted_at(one) for one in statuses if isinstance(one, Mapping))
        self._last_at = next((at for at in times if at is not None), UNKNOWN_TIME)
        for status in statuses:
            interrupts.current().check()
            if not isinstance(status, Mapping):
                continue  # nothing that could be named, nor looked at
            name = name_of(status)
            if name in self._seen:
                continue
            self._seen.add(name)
            self.has_new = True
            if self._is_own(status):
                self.has_own = True
                self._read(status, name)

    def _read(self, status: Mapping[str, Any], name: str) -> None:
        media, lost = read_media(status)
        if not media and not lost:
            return
        try:
            post = read_post(status, self._last_at)
        except AnswerUnreadable as error:
            self.unreadable.append(
                Unreadable(name, f"The post can't be read. {error}", is_unnamed=True)
            )
            return
        self._last_at = post.created_at
        if post.media:
            self.posts.append(post)
        if lost:
            what = "1 attachment" if lost == 1 else f"{lost} attachments"
            reason = f"{what} of the post can't be read."
            self.unreadable.append(Unreadable(name, reason))
