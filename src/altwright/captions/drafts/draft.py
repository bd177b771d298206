"""What the draft store hands out: plain, frozen copies of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altwright.captions.drafts.quality import QualityWarning, check
from altwright.db.tables import DraftRow, PictureRow, PostRow
from altwright.domain.caption import DraftStatus

#: The language of a post that names none.
DEFAULT_LANGUAGE = "en"
#: Characters of a language tag that are kept.
LANGUAGE_MOST = 16


@dataclass(frozen=True, slots=True)
class DraftPost:
    """The post that a draft's picture stands in."""

    id: int
    remote_id: str
    url: str
    text: str
    spoiler_text: str
    sensitive: bool
    language: str | None
    visibility: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class DraftPicture:
    """A draft's picture; ``position`` counts from 1 to ``of`` among the post's pictures."""

    id: int
    remote_id: str
    width: int | None
    height: int | None
    position: int
    of: int
    published_text: str
    file: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An alt text with what a reviewer needs to see beside it.

    ``text_id`` names the text in the draft's history. ``language`` is the one that it is in, and
    ``asked_language`` the one that its describer was asked for; both are BCP 47 and never empty.
    """

    id: int
    user_id: int
    account_id: int
    task_id: str | None
    status: DraftStatus
    version: int
    text: str
    text_id: int | None
    language: str
    asked_language: str
    described_text: str
    describer: str
    model: str
    level: str | None
    evidence: dict[str, Any]
    problem: str
    max_length: int
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    picture: DraftPicture
    post: DraftPost

    @property
    def warnings(self) -> list[QualityWarning]:
        """Return what to look at twice."""
        return check(
            self.text,
            max_length=self.max_length,
            post_text=self.post.text,
            language=self.language,
            evidence=self.evidence,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the one shape in which the REST API and the pages show a draft."""
        picture, post = self.picture, self.post
        return {
            "id": self.id,
            "status": self.status.value,
            "version": self.version,
            "text": self.text,
            "text_id": self.text_id,
            "described_text": self.described_text,
            "describer": self.describer,
            "model": self.model,
            "level": self.level,
            "language": self.language,
            "evidence": self.evidence,
            "problem": self.problem,
            "max_length": self.max_length,
            "warnings": [{"code": one.code, "message": one.message} for one in self.warnings],
            "account_id": self.account_id,
            "task_id": self.task_id,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "published_at": self.published_at.isoformat() if self.published_at else None,
            "picture": {
                "id": picture.id,
                "url": f"/pictures/{picture.id}",
                "thumbnail_url": f"/pictures/{picture.id}?size=small",
                "width": picture.width,
                "height": picture.height,
                "position": picture.position,
                "of": picture.of,
                "published_text": picture.published_text,
            },
            "post": {
                "id": post.id,
                "url": post.url,
                "text": post.text,
                "spoiler_text": post.spoiler_text,
                "sensitive": post.sensitive,
                "language": post.language,
                "visibility": post.visibility,
                "posted_at": post.posted_at.isoformat(),
            },
        }


def written_in(evidence: Mapping[str, Any], asked: str) -> str:
    """Return the language of a description: the one that its describer names, or ``asked``."""
    language = evidence.get("language")
    return language[:LANGUAGE_MOST] if isinstance(language, str) and language else asked


@dataclass(frozen=True, slots=True)
class Page:
    """Some drafts in order; ``next_cursor`` asks for those that follow (None: none do)."""

    drafts: list[Draft]
    next_cursor: str | None


def draft_of(draft: DraftRow, picture: PictureRow, post: PostRow, max_length: int) -> Draft:
    """Copy a draft's rows; ``max_length`` is its account's limit in characters."""
    asked = draft.asked_language or post.language or DEFAULT_LANGUAGE
    return Draft(
        id=draft.id,
        user_id=draft.user_id,
        account_id=draft.account_id,
        task_id=draft.task_id,
        status=DraftStatus(draft.status),
        version=draft.version,
        text=draft.text,
        text_id=draft.text_id,
        # A draft of before the column has its language in its evidence.
        language=draft.language or written_in(draft.evidence, asked),
        asked_language=asked,
        described_text=draft.described_text,
        describer=draft.describer,
        model=draft.model,
        level=draft.level,
        evidence=draft.evidence,
        problem=draft.problem,
        max_length=max_length,
        created_at=draft.created_at,
        updated_at=draft.updated_at,
        published_at=draft.published_at,
        picture=DraftPicture(
            id=picture.id,
            remote_id=picture.remote_id,
            width=picture.width,
            height=picture.height,
            position=picture.position + 1,
            of=max(post.picture_count, picture.position + 1),
            published_text=picture.published_text,
            file=picture.file,
        ),
        post=DraftPost(
            id=post.id,
            remote_id=post.remote_id,
            url=post.url,
            text=post.text,
            spoiler_text=post.spoiler_text,
            sensitive=post.sensitive,
            language=post.language,
            visibility=post.visibility,
            posted_at=post.posted_at,
        ),
    )
