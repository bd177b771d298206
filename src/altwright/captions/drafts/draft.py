"""What the draft store hands out: plain, frozen copies of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from altwright.captions.drafts.mending import Looked, mend
from altwright.captions.drafts.quality import QualityWarning, check
from altwright.db.copies import as_json, copied
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
    def is_describers(self) -> bool:
        """Return whether no person has changed the words: what was said of them still holds."""
        return self.text == self.described_text

    @property
    def warnings(self) -> list[QualityWarning]:
        """Return what to look at twice."""
        return check(
            self.text,
            max_length=self.max_length,
            post_text=self.post.text,
            language=self.language,
            evidence=self.evidence,
            replaces=self.picture.published_text,
        )

    def mended(self, code: str) -> str | None:
        """Return the text without this warning, or None: it has no such, or words are needed."""
        has_it = any(one.code == code for one in self.warnings)
        return mend(code, self._looked()).mended if has_it else None

    def _looked(self) -> Looked:
        return Looked(
            self.text,
            self.max_length,
            self.post.text,
            self.language,
            self.evidence,
            self.picture.published_text,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the one shape in which the REST API and the pages show a draft."""
        url = f"/pictures/{self.picture.id}"
        looked = self._looked()
        return as_json(self, without={"user_id", "asked_language"}) | {
            "warnings": [asdict(one) | asdict(mend(one.code, looked)) for one in self.warnings],
            "picture": as_json(self.picture, without={"remote_id", "file"})
            | {"url": url, "thumbnail_url": f"{url}?size=small"},
            "post": as_json(self.post, without={"remote_id"}),
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
    position = picture.position + 1
    return copied(
        Draft,
        draft,
        status=DraftStatus(draft.status),
        # A draft of before the column has its language in its evidence.
        language=draft.language or written_in(draft.evidence, asked),
        asked_language=asked,
        max_length=max_length,
        picture=copied(
            DraftPicture, picture, position=position, of=max(post.picture_count, position)
        ),
        post=copied(DraftPost, post),
    )
