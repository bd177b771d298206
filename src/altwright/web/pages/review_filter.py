"""Which drafts the review page's address asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from altwright.domain.caption import DraftStatus
from altwright.errors import InvalidInput
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.web.asked import faults, given, instant, one_of
from altwright.web.numbers import whole_number
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
NAMES = ("status", "account", "task", "since")
_security = CaptionSecurityManager()


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """What an address asks for; ``faults``: what of it can't be, by name. ``view`` None: none."""

    view: str | None
    account_id: int | None
    task_id: str | None
    since: datetime | None
    faults: Mapping[str, str]


def asked_drafts(asked: Mapping[str, str], user_id: int) -> ReviewFilter:
    """Return which of a user's drafts an address asks for."""
    said = given(asked, NAMES)
    view, since = one_of(VIEWS, said.get("status")), instant(said.get("since"))
    account_id = _account(said["account"], user_id) if "account" in said else None
    task_id = _task(said["task"]) if "task" in said else None
    known = {"status": view, "account": account_id, "task": task_id, "since": since}
    return ReviewFilter(view, account_id, task_id, since, faults(said, known))


def _account(text: str, user_id: int) -> int | None:
    number = whole_number(text)
    return next((one.id for one in services().accounts.of_user(user_id) if one.id == number), None)


def _task(text: str) -> str | None:
    try:
        return _security.checked_task_id(text)
    except InvalidInput:
        return None
