"""Writes alt texts to one account's posts: what way, at what cost, and the proof of it.

At most four requests for a post by an edit (source, status, edit, status), and 1 + n + 1 for n
pictures by the media.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, NoReturn

from altwright import interrupts
from altwright.errors import Category, PlatformRefused
from altwright.platforms.api import Api
from altwright.platforms.publishing.comparing import (
    differences,
    is_public,
    is_wider,
    visibility,
    widened,
)
from altwright.platforms.publishing.editing import instant, media_by_id, whole_edit
from altwright.platforms.publishing.outcomes import (
    AltTextsFixed,
    EditRefused,
    Learned,
    PostLeftAlone,
    Publication,
    VisibilityWidened,
    WayMemory,
)
from altwright.platforms.publishing.text_comparison import AltText, Look, look, same, shown
from altwright.platforms.publishing.ways import Habits, Way, habits_of
from altwright.platforms.reading.answers import description_of, link_of
from altwright.platforms.refusals import PlatformGone
from altwright.platforms.software import Software

#: Seconds between reads of a post whose texts aren't to be seen yet: some servers answer from a
#: copy of their database that lags behind it. Nothing is written again meanwhile.
LAG_WAITS_S = (1.0, 2.0, 4.0, 8.0)
_EDITS = (Way.EDIT, Way.DESCRIBE_THEN_EDIT)
_EMPTY = "An alt text to be published is empty."
_EDITED_MEANWHILE = "The post is being edited elsewhere; nothing was changed."
_FIXED = "The server takes alt texts for posted pictures and doesn't keep them."
_NO_EDITS = "This server has no way to change the alt text of a posted picture."
_NOT_EDITED = "The server doesn't let this post be edited: it says that it doesn't have it."
_NOT_DESCRIBED = "The server doesn't let the alt text of this picture be changed."
_WIDENS = "An edit on this server has shown a post to more people, so nothing is edited there."
_CHANGES = "An edit on this server changes more than the alt text ({}), so nothing is edited there."
_NOT_PUBLIC = (
    "The post isn't public, and it isn't known whether this server would keep that when the post "
    "is edited. It was left alone."
)


@dataclass(frozen=True, slots=True)
class _Post:
    """A post as it was looked at before anything is written."""

    remote_id: str
    status: Mapping[str, Any]
    source: Mapping[str, Any]
    look: Look


class AltTexts:
    """Publishes for one account; what it learns about the server is remembered for all."""

    def __init__(self, api: Api, software: Callable[[], Software], memory: WayMemory) -> None:
        self._api = api
        self._software = software
        self._memory = memory

    def publish(
        self, remote_id: str, texts: Mapping[str, AltText], known_visibility: str
    ) -> Publication:
        """Write what isn't there yet; see Platform.publish_alt_texts."""
        if not all(alt.text.strip() for alt in texts.values()):
            raise PlatformRefused(_EMPTY)
        way = self._learned.way
        if way is Way.NONE:
            raise AltTextsFixed(self._learned.reason)
        self._api.allowance.check(_requests(way, len(texts)))
        post = self._looked_at(remote_id, texts, with_source=way in _EDITS)
        if not post.look.wanted:
            if post.look.there and way in _EDITS:
                self._check_earlier_edit(post.status, known_visibility)
            return Publication(post.look.there, post.look.theirs, post.look.missing)
        match way:
            case Way.DESCRIBE:
                self._describe(post.look.wanted)
                return self._read_back(post, is_edit=False)
            case Way.TRY:
                return self._try(post, texts)
            case _:
                return self._edit(post)

    def _looked_at(
        self, remote_id: str, texts: Mapping[str, AltText], *, with_source: bool
    ) -> _Post:
        """Return the post as it is now.

        The source is read first, so that the status tells by its time of editing, compared with
        the server's clock, whether the source is still the one that goes with it. If it may not
        be, both are read again: a source between two statuses of the same edit is the right one.
        """
        edited_at: Any = ...
        for _ in range(3):
            source, read_at = self._source(remote_id) if with_source else ({}, None)
            status = self._api.status(remote_id)
            is_same = status.get("edited_at") == edited_at
            if not with_source or is_same or not _edited_since(status, read_at):
                present = _descriptions(status)
                seen = look(present, texts, escapes=self._habits.escapes)
                return _Post(remote_id, status, source, seen)
            edited_at = status.get("edited_at")
        raise PlatformRefused(_EDITED_MEANWHILE)

    def _source(self, remote_id: str) -> tuple[Mapping[str, Any], datetime | None]:
        try:
            return self._api.dated_source(remote_id)
        except PlatformGone:
            self._api.status(remote_id)  # raises the same if it is the post that is gone
            self._refuse_edit()

    def _check_earlier_edit(self, status: Mapping[str, Any], known: str) -> None:
        """Raise the alarm that an attempt of ours owes that was cut off after its edit."""
        if known not in {"", "unknown"} and is_wider(known, visibility(status)):
            self._alarm(known, status)

    def _describe(self, texts: Mapping[str, str]) -> None:
        try:
            for media_id, text in texts.items():
                self._api.describe(media_id, text)
        except PlatformGone:  # the post is there
            raise PlatformRefused(_NOT_DESCRIBED) from None

    def _try(self, post: _Post, texts: Mapping[str, AltText]) -> Publication:
        """Find out how an unknown server does it, with one post."""
        if not self._refuses_description(post.look.wanted):
            found = self._read_back(post, is_edit=False)
            if found.published >= post.look.wanted.keys():
                self._learn(Way.DESCRIBE, is_proved=True)
                return found
        again = self._looked_at(post.remote_id, texts, with_source=True)
        if not again.look.wanted:  # a server that shows what it was told late
            return Publication(again.look.there, again.look.theirs, again.look.missing)
        self._learn(Way.EDIT)
        return self._edit(again)

    def _refuses_description(self, texts: Mapping[str, str]) -> bool:
        """Describe media on their own; return whether the server has no such way."""
        try:
            self._describe(texts)
        except PlatformRefused as error:
            if error.category is Category.AUTHENTICATION:
                raise
            return True
        return False

    def _edit(self, post: _Post) -> Publication:
        if not self._habits.keeps_visibility and not is_public(post.status):
            raise PostLeftAlone(_NOT_PUBLIC)
        body = whole_edit(post.status, post.source, post.look.wanted, self._habits)
        if self._learned.way is Way.DESCRIBE_THEN_EDIT:
            self._describe(post.look.wanted)
        try:
            self._api.edit(post.remote_id, body)
        except PlatformGone:
            self._refuse_edit()
        found = self._read_back(post, is_edit=True)
        if self._learned.is_proved:
            return found
        if found.changed and self._is_unknown:
            self._give_up(_CHANGES.format(", ".join(found.changed)), _url(post.status))
        if found.published >= post.look.wanted.keys():
            self._learn(self._learned.way, is_proved=True)
        elif not found.published & post.look.wanted.keys():
            self._give_up(_FIXED)
        return found

    def _refuse_edit(self) -> NoReturn:
        """Fail one post; only where nothing is known of the server it says something of all."""
        if self._is_unknown and not self._learned.is_proved:
            self._give_up(_NO_EDITS)
        raise EditRefused(_NOT_EDITED)

    def _give_up(self, reason: str, seen_at: str = "") -> NoReturn:
        """End the task; it is remembered of unknown software, and of known it is an accident."""
        if self._is_unknown:
            self._learn(Way.NONE, reason=reason)
        raise AltTextsFixed(f"{reason} Please look at {seen_at}" if seen_at else reason)

    def _read_back(self, post: _Post, *, is_edit: bool) -> Publication:
        """Return what became of the texts, and of the rest of the post.

        Raises:
            VisibilityWidened: more people may see it now.
        """
        after = self._settled(post, is_edit=is_edit)
        if widened(post.status, after):
            self._alarm(visibility(post.status), after)
        escapes = self._habits.escapes
        wanted = post.look.wanted
        now = _descriptions(after)
        before = _descriptions(post.status)
        written = {key for key in wanted if same(now.get(key, ""), wanted[key], escapes=escapes)}
        unkept = {
            key: ""
            if same(now[key], before[key], escapes=escapes)
            else shown(now[key], escapes=escapes)
            for key in wanted.keys() & now.keys() - written
        }
        return Publication(
            post.look.there | written,
            post.look.theirs,
            post.look.missing | (wanted.keys() - now.keys()),
            unkept,
            tuple(differences(post.status, after, wanted, escapes=escapes, is_edit=is_edit)),
        )

    def _settled(self, post: _Post, *, is_edit: bool) -> Mapping[str, Any]:
        """Return the post as soon as it shows the texts, or as it is after some waiting."""
        wanted, escapes = post.look.wanted, self._habits.escapes
        is_describable = is_edit and self._learned.way is Way.EDIT and not self._learned.is_proved
        is_described = False
        for wait_s in (*LAG_WAITS_S, None):
            after = self._api.status(post.remote_id)
            now = _descriptions(after)
            if all(same(now.get(key, ""), text, escapes=escapes) for key, text in wanted.items()):
                if is_described:
                    self._learn(Way.DESCRIBE)
                break
            if wait_s is None or widened(post.status, after):
                break
            if is_describable:
                # Some servers' edits leave descriptions alone (mastodon-mock, and what doesn't
                # know media_attributes), and let media be described on their own.
                is_describable = False
                is_described = not self._refuses_description(wanted)
            if not is_described or wait_s > LAG_WAITS_S[0]:
                interrupts.current().wait(wait_s)
        return after

    def _alarm(self, was: str, status: Mapping[str, Any]) -> None:
        self._learn(Way.NONE, reason=_WIDENS)
        now = visibility(status) or "unknown"
        raise VisibilityWidened(_url(status), was, now if now != was else f"{now}, for more people")

    @cached_property
    def _habits(self) -> Habits:
        return habits_of(self._software())

    @property
    def _is_unknown(self) -> bool:
        return self._habits.way is Way.TRY

    @cached_property
    def _learned(self) -> Learned:
        """Return what counts for this server: what was learned of it, or what its software does."""
        known = self._memory.recall(self._api.host())
        if known is not None and known.software == self._software().title:
            return known
        return Learned(self._habits.way, self._software().title, reason=self._habits.reason)

    def _learn(self, way: Way, *, is_proved: bool = False, reason: str = "") -> None:
        learned = replace(self._learned, way=way, is_proved=is_proved, reason=reason)
        if learned != self._learned:
            self._learned = learned
            self._memory.remember(self._api.host(), learned)


def _url(status: Mapping[str, Any]) -> str:
    return link_of(status, "url") or link_of(status, "uri")


def _descriptions(status: Mapping[str, Any]) -> dict[str, str]:
    return {key: description_of(media) for key, media in media_by_id(status).items()}


def _requests(way: Way, pictures: int) -> int:
    """Return how many requests a post takes, if all goes well."""
    return {Way.EDIT: 4, Way.DESCRIBE: pictures + 2}.get(way, pictures + 6)


def _edited_since(status: Mapping[str, Any], at: datetime | None) -> bool:
    """Return whether a status may have been edited since ``at``, a full second (None: unknown)."""
    edited_at = instant(status.get("edited_at"))
    return edited_at is not None and (at is None or edited_at >= at)
