"""Which drafts are meant: chosen by what the server knows of them, not by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from altwright.captions.drafts.checks import framed
from altwright.captions.drafts.same_pictures import REUSED
from altwright.db.tables import AccountRow, DraftRow
from altwright.domain.caption import OPEN, DraftStatus, has_words

#: The level of a description that its describer isn't sure of.
UNSURE = "low"
_IS_THEIRS = DraftRow.text == DraftRow.described_text


@dataclass(frozen=True, slots=True)
class DraftFilter:
    """What drafts have to be like; what is left empty or None asks for nothing.

    ``levels`` are the describer's about its own words, so no text that a person has changed has
    one. ``warnings`` are codes of ``quality``: any of them. ``was_published``: only pictures that
    have got a text from here. ``since``: only what was written or changed after it; ``until``: no
    later, so that a person who has confirmed a number decides about those drafts and not about
    what a run has added since.
    """

    statuses: Collection[DraftStatus] = (DraftStatus.DRAFT,)
    account_id: int | None = None
    task_id: str | None = None
    levels: Collection[str] = ()
    languages: Collection[str] = ()
    kinds: Collection[str] = ()
    warnings: Collection[str] = ()
    has_warnings: bool | None = None
    was_published: bool = False
    since: datetime | None = None
    until: datetime | None = None

    @property
    def asks_for_findings(self) -> bool:
        """Return whether it asks for what ``checks`` finds."""
        return bool(self.languages or self.kinds or self.warnings) or self.has_warnings is not None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield it for a query on drafts, whose findings are up to date."""
        if self.statuses:
            yield DraftRow.status.in_(self.statuses)
        if self.account_id is not None:
            yield DraftRow.account_id == self.account_id
        if self.task_id is not None:
            yield DraftRow.task_id == self.task_id
        if self.was_published:
            yield DraftRow.published_at.is_not(None)
        if self.since is not None:
            yield DraftRow.updated_at > self.since
        if self.until is not None:
            yield DraftRow.updated_at <= self.until
        yield from self._about_texts()

    def _about_texts(self) -> Iterator[ColumnElement[bool]]:
        if self.levels:
            yield DraftRow.level.in_(self.levels)
            yield _IS_THEIRS
        if self.languages:
            yield DraftRow.language.in_(self.languages)
        if self.kinds:
            yield DraftRow.kind.in_(self.kinds)
        if self.warnings:
            yield or_(*(DraftRow.warnings.contains(framed(one)) for one in self.warnings))
        if self.has_warnings is not None:
            yield (DraftRow.warnings != "") if self.has_warnings else (DraftRow.warnings == "")


#: Asks for nothing.
ALL = DraftFilter(statuses=())


def matching(
    session: Session, user_id: int, wanted: DraftFilter, *, is_approval: bool
) -> list[tuple[int, int]]:
    """Return id and version of the user's drafts that ``wanted`` asks for, by rising id.

    Only of those that a person may still change. ``is_approval``: leave out what nobody may
    approve unread, whatever is asked for: words that their describer is unsure of, texts without
    words, and those that the server wouldn't take.
    """
    query = (
        select(
            DraftRow.id,
            DraftRow.version,
            DraftRow.text,
            DraftRow.described_text,
            DraftRow.level,
            AccountRow.max_alt_length,
        )
        .join(AccountRow, AccountRow.id == DraftRow.account_id)
        .where(DraftRow.user_id == user_id, DraftRow.status.in_(OPEN), *wanted.conditions())
        .order_by(DraftRow.id)
    )
    return [
        (row.id, row.version)
        for row in session.execute(query)
        if not (is_approval and _needs_a_reader(row))
    ]


@dataclass(frozen=True, slots=True)
class Facets:
    """What drafts like a filter could be asked for, and how many would be left.

    Each counts what the filter would show if it asked for this value and not for the one that it
    does; ``warnings`` has "" for drafts without any, ``levels`` for texts that a person wrote.
    ``with_warnings`` have at least one.
    """

    levels: Mapping[str, int]
    languages: Mapping[str, int]
    kinds: Mapping[str, int]
    warnings: Mapping[str, int]
    with_warnings: int


def facets(session: Session, user_id: int, wanted: DraftFilter) -> Facets:
    """Count what the drafts that are like ``wanted`` are like; findings are up to date."""
    names = ("levels", "languages", "kinds", "warnings")
    wide = replace(wanted, levels=(), languages=(), kinds=(), warnings=(), has_warnings=None)
    level = case((_IS_THEIRS, DraftRow.level), else_=None).label("level")
    columns = (level, DraftRow.language, DraftRow.kind, DraftRow.warnings)
    query = select(*columns, func.count().label("many")).where(
        DraftRow.user_id == user_id, *wide.conditions()
    )
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    with_warnings = 0
    for row in session.execute(query.group_by(*columns)):
        codes = set(row.warnings.strip(",").split(",,"))
        has = dict(zip(names, ({row.level or ""}, {row.language}, {row.kind}, codes), strict=True))
        fits = {name: _is_asked(getattr(wanted, name), values) for name, values in has.items()}
        if wanted.has_warnings is not None:
            fits["warnings"] = bool(row.warnings) is wanted.has_warnings
        for name, values in has.items():
            if all(fits[other] for other in names if other != name):
                found[name].update(dict.fromkeys(values, row.many))
                with_warnings += row.many if name == "warnings" and row.warnings else 0
    return Facets(**found, with_warnings=with_warnings)


def _is_asked(asked: Collection[str], values: set[str]) -> bool:
    return not asked or not values.isdisjoint(asked)


def may_be_approved(text: str, max_length: int) -> bool:
    """Return whether a text may be approved among many: it has words that its server takes."""
    return has_words(text) and len(text) <= max_length


def is_to_be_compared(row: Any) -> bool:
    """Return whether a draft has the words of a picture that is only nearly the same."""
    return row.describer == REUSED and _is_unsure(row)


def _is_unsure(row: Any) -> bool:
    return bool(row.level == UNSURE and row.text == row.described_text)


def _needs_a_reader(row: Any) -> bool:
    return _is_unsure(row) or not may_be_approved(row.text, row.max_alt_length)
