"""How publishing the alt texts of a post may end, and what is remembered of its server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from altwright.errors import PlatformRefused
from altwright.platforms.publishing.ways import BY_HAND, Way
from altwright.text import clean_line


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of a post's texts, as read back; pictures are named by their media's ids."""

    #: Their texts are on the server.
    published: frozenset[str] = frozenset()
    #: Nothing was written: another text stands there that nobody here has seen.
    theirs: dict[str, str] = field(default_factory=dict)
    #: They aren't in the post any more.
    missing: frozenset[str] = frozenset()
    #: The server has taken the text and shows this one.
    unkept: dict[str, str] = field(default_factory=dict)
    #: What else of the post isn't as it was, in words.
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """What publishing has found out about one server.

    ``software`` is what it ran then: after an update it is found out anew.
    """

    way: Way
    software: str
    #: A text was written that way and read back.
    is_proved: bool = False
    #: Why no text can be written, for people; only with Way.NONE.
    reason: str = ""


class WayMemory(Protocol):
    """Where it is remembered, for all accounts and processes."""

    def recall(self, host: str) -> Learned | None:
        """Return what was learned about a server, if it still counts."""

    def remember(self, host: str, learned: Learned) -> None:
        """Keep it."""


#: Characters of a server's word for who may see a post that are shown.
_WORD_LENGTH = 60


class PostLeftAlone(PlatformRefused):
    """This post can't be given alt texts without changing something else; nothing was done."""


class EditRefused(PlatformRefused):
    """The server has the post and doesn't take an edit of it."""

    ends_streak = True


class AltTextsFixed(PlatformRefused):
    """The server doesn't let alt texts of its posts be changed; no other post needs be tried."""

    ends_task = True

    def __init__(self, reason: str) -> None:
        """Say why, and what can be done all the same."""
        super().__init__(f"{reason} {BY_HAND}")


class VisibilityWidened(PlatformRefused):
    """An edit has let more people see the post than before; no other post may be touched."""

    ends_task = True

    def __init__(self, url: str, was: str, now: str) -> None:
        """Say what it was and what it is, in the server's words: they are cleaned here."""
        was, now = clean_line(was, _WORD_LENGTH), clean_line(now, _WORD_LENGTH)
        super().__init__(
            f"Its visibility was “{was}”, and since its alt text was written the server shows it "
            f"as “{now}”. Please look at it at once: {url} Publishing has stopped; "
            "no other post was changed."
        )
