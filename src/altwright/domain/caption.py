"""A draft's words: the life of an alt text from draft to published."""

from __future__ import annotations

from enum import StrEnum


class DraftStatus(StrEnum):
    """Where an alt text is in its life."""

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    SKIPPED = "skipped"


#: States in which a person may still change the text.
OPEN = (DraftStatus.DRAFT, DraftStatus.APPROVED, DraftStatus.SKIPPED)


class Role(StrEnum):
    """What a user may do: an administrator runs the service, a user has accounts."""

    ADMIN = "admin"
    USER = "user"
