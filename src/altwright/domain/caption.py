"""A draft's words: the life of an alt text from draft to published."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class DraftStatus(StrEnum):
    """Where an alt text is in its life."""

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    SKIPPED = "skipped"


#: Every legal move. What is being published or is published is out of a reviewer's hands.
DRAFT_MOVES = MappingProxyType(
    {
        DraftStatus.DRAFT: frozenset({DraftStatus.APPROVED, DraftStatus.SKIPPED}),
        DraftStatus.APPROVED: frozenset(
            {DraftStatus.DRAFT, DraftStatus.SKIPPED, DraftStatus.PUBLISHING}
        ),
        # Back to APPROVED: the server refused, or the worker ended before it was done. DRAFT: a
        # person has to look at it again. SKIPPED: its post or picture is gone, or has to be left
        # alone.
        DraftStatus.PUBLISHING: frozenset(
            {DraftStatus.PUBLISHED, DraftStatus.APPROVED, DraftStatus.DRAFT, DraftStatus.SKIPPED}
        ),
        # DRAFT: its picture is described again. APPROVED: a person corrects what is published.
        DraftStatus.PUBLISHED: frozenset({DraftStatus.DRAFT, DraftStatus.APPROVED}),
        DraftStatus.SKIPPED: frozenset({DraftStatus.DRAFT, DraftStatus.APPROVED}),
    }
)


class TextKind(StrEnum):
    """Where a text in a draft's history came from."""

    DESCRIBED = "described"
    WRITTEN = "written"
    PUBLISHED = "published"
    #: Found on the platform's server, put there by somebody else.
    SERVER = "server"


#: States in which a person wants this text published: no describer replaces it, and it may be
#: published. PUBLISHING too: its worker may have ended before it was done.
DECIDED = (DraftStatus.APPROVED, DraftStatus.PUBLISHING)
#: States in which a person may still change the text; a draft may go from each to each other.
OPEN = (DraftStatus.DRAFT, DraftStatus.APPROVED, DraftStatus.SKIPPED)


def has_words(text: str) -> bool:
    """Return whether a text says anything: it has a letter or digit of any script."""
    return any(character.isalnum() for character in text)


def sources(new: DraftStatus) -> tuple[DraftStatus, ...]:
    """Return the states from which a draft may come to ``new``, for the WHERE of an update."""
    return tuple(old for old, targets in DRAFT_MOVES.items() if new in targets)


class Role(StrEnum):
    """What a user may do: an administrator runs the service, a user has accounts.

    A moderator looks after everybody's tasks, and sees what administrators see. A viewer sees what
    is their own, and changes nothing.
    """

    ADMIN = "admin"
    MODERATOR = "moderator"
    USER = "user"
    VIEWER = "viewer"
