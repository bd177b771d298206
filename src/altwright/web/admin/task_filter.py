"""Which tasks an address asks for: read in one place, for the list and for what is done to all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from altwright.db.tables import ID_MOST
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.store.task_search import TaskFilter
from altwright.web.admin.numbers import whole_number
from altwright.web.services import services

E = TypeVar("E", bound=StrEnum)

#: Names of what an address may say.
NAMES = (
    *("status", "priority", "kind", "category", "delivery", "user", "account"),
    *("since", "before", "text"),
)


def given_filter(asked: Mapping[str, str]) -> dict[str, str]:
    """Return what an address says of it, for the next address."""
    return {name: asked[name] for name in NAMES if asked.get(name)}


def asked_filter(asked: Mapping[str, str]) -> tuple[TaskFilter, dict[str, str]]:
    """Return what an address asks for, and what of it can't be: names, and what is wrong there."""
    given = given_filter(asked)
    user = services().users.by_name(given.get("user", "")) if "user" in given else None
    account = given.get("account", "")
    known: dict[str, object] = {
        "status": _known(Status, given.get("status")),
        "priority": next((one for one in Priority if one.queue == given.get("priority")), None),
        "kind": given.get("kind"),
        "user": user.id if user else None,
        "category": _known(Category, given.get("category")),
        "delivery": _known(Delivery, given.get("delivery")),
        "account": whole_number(account, ID_MOST),
        "since": _instant(given.get("since")),
        "before": _instant(given.get("before")),
        "text": given.get("text"),
    }
    faults = {name: "there is none like that" for name in given if known[name] is None}
    known["user_id"], known["account_id"] = known.pop("user"), known.pop("account")
    return TaskFilter(**known), faults  # type: ignore[arg-type]  # each is what its name says


def _known(names: Iterable[E], value: str | None) -> E | None:
    return next((one for one in names if one == value), None)


def _instant(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
