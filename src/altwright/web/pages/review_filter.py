"""Which drafts the review page's address asks for, and what it could ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altwright.captions.drafts.draft_filter import UNSURE, DraftFilter, Facets
from altwright.describers.answers.languages import language_name
from altwright.domain.caption import DraftStatus
from altwright.errors import InvalidInput
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.web.asked import faults, given, instant, one_of
from altwright.web.numbers import whole_number
from altwright.web.pages.words import LEVELS, WARNINGS
from altwright.web.services import services

#: What each view shows, in the order of its tabs.
VIEWS: dict[str, tuple[DraftStatus, ...]] = {
    "draft": (DraftStatus.DRAFT,),
    "approved": (DraftStatus.APPROVED, DraftStatus.PUBLISHING),
    # In any state: a picture that was described again stays published while the draft waits.
    "published": (),
    "skipped": (DraftStatus.SKIPPED,),
    "all": tuple(DraftStatus),
}
NAMES = ("status", "account", "task", "since", "level", "warning", "language", "kind")
#: What "warning" may say beside the code of one: any, or none at all.
ANY, NONE = "any", "none"
#: What narrows a view, beside the run and the moment that links name.
CHOICES = ("account", "level", "warning", "language", "kind")
#: Characters of a kind, and of a language, that their columns take.
_VALUE_MOST = 32
_security = CaptionSecurityManager()


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """What an address asks for: ``said`` by name, of which ``faults`` names what can't be.

    ``view`` None: it names none.
    """

    view: str | None
    said: Mapping[str, str]
    account_id: int | None
    task_id: str | None
    since: datetime | None
    faults: Mapping[str, str]

    @property
    def may_be_sure(self) -> bool:
        """Return whether drafts that are sure and have no warning may be among them."""
        return self.said.get("warning", NONE) == NONE and self.said.get("level") != UNSURE

    @property
    def is_narrowed(self) -> bool:
        """Return whether a view shows less than all of its drafts."""
        return any(name in self.said for name in (*CHOICES, "task"))

    def of_view(self, view: str) -> DraftFilter:
        """Return it as the store takes it, without what can't be: no database is asked for that."""
        known = {name: value for name, value in self.said.items() if name not in self.faults}
        warning = known.get("warning")
        chosen: dict[str, Any] = {
            f"{name}s": (known[name],) for name in ("level", "language", "kind") if name in known
        }
        if warning in {ANY, NONE}:
            chosen["has_warnings"] = warning == ANY
        elif warning:
            chosen["warnings"] = (warning,)
        return DraftFilter(
            VIEWS[view],
            self.account_id,
            self.task_id,
            was_published=view == "published",
            since=self.since,
            **chosen,
        )


def asked_drafts(asked: Mapping[str, str], user_id: int) -> ReviewFilter:
    """Return which of a user's drafts an address asks for."""
    said = given(asked, NAMES)
    view, since = one_of(VIEWS, said.get("status")), instant(said.get("since"))
    account_id = _account(said["account"], user_id) if "account" in said else None
    task_id = _task(said["task"]) if "task" in said else None
    known = {"status": view, "account": account_id, "task": task_id, "since": since}
    known |= {
        "level": one_of(LEVELS, said.get("level")),
        "warning": one_of((ANY, NONE, *WARNINGS), said.get("warning")),
        "language": _value(said.get("language")),
        "kind": _value(said.get("kind")),
    }
    return ReviewFilter(view, said, account_id, task_id, since, faults(said, known))


@dataclass(frozen=True, slots=True)
class Option:
    """A value that a filter may have, in words; ``many`` drafts would be shown by it."""

    value: str
    words: str
    many: int


def choices(found: Facets, said: Mapping[str, str]) -> dict[str, list[Option]]:
    """Return what each filter could ask for, by its name: only what there is, or what it asks."""
    without = found.warnings.get("", 0)
    of_warnings = {code: many for code, many in found.warnings.items() if code}
    warnings = _options(of_warnings, WARNINGS.__getitem__, said.get("warning"), WARNINGS)
    some = {NONE: without, ANY: found.with_warnings}
    named = {NONE: "None", ANY: "Any"}
    warnings = _options(some, named.__getitem__, said.get("warning"), named) + warnings
    return {
        "level": _options(found.levels, LEVELS.__getitem__, said.get("level"), LEVELS),
        "warning": warnings,
        "language": _options(found.languages, language_name, said.get("language")),
        "kind": _options(found.kinds, str.capitalize, said.get("kind")),
    }


def _options(
    found: Mapping[str, int],
    words: Callable[[str], str],
    chosen: str | None,
    order: Mapping[str, str] | None = None,
) -> list[Option]:
    there = {value for value, many in found.items() if value and many}
    if chosen and (order is None or chosen in order):
        there.add(chosen)
    known = [one for one in order or sorted(there) if one in there]
    return [Option(value, words(value), found.get(value, 0)) for value in known]


def _value(text: str | None) -> str | None:
    """Return what a column of drafts may hold, or None."""
    return text if text and len(text) <= _VALUE_MOST and text.isprintable() else None


def _account(text: str, user_id: int) -> int | None:
    number = whole_number(text)
    return next((one.id for one in services().accounts.of_user(user_id) if one.id == number), None)


def _task(text: str) -> str | None:
    try:
        return _security.checked_task_id(text)
    except InvalidInput:
        return None
