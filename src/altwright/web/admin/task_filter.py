"""Which tasks an address asks for: read in one place, for the list and for what is done to all."""

from __future__ import annotations

from collections.abc import Mapping

from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category
from altwright.tasks.store.task_search import TaskFilter
from altwright.web.asked import faults, given, instant, one_of
from altwright.web.numbers import whole_number
from altwright.web.services import services

#: Names of what an address may say.
NAMES = (
    *("status", "priority", "kind", "category", "delivery", "user", "account"),
    *("since", "before", "text"),
)


def given_filter(asked: Mapping[str, str]) -> dict[str, str]:
    """Return what an address says of it, for the next address."""
    return given(asked, NAMES)


def asked_filter(asked: Mapping[str, str]) -> tuple[TaskFilter, dict[str, str]]:
    """Return what an address asks for, and what of it can't be: names, and what is wrong there."""
    said = given_filter(asked)
    user = services().users.by_name(said["user"]) if "user" in said else None
    known: dict[str, object] = {
        "status": one_of(Status, said.get("status")),
        "priority": Priority.named(said.get("priority")),
        "kind": said.get("kind"),
        "user": user.id if user else None,
        "category": one_of(Category, said.get("category")),
        "delivery": one_of(Delivery, said.get("delivery")),
        "account": whole_number(said.get("account", "")),
        "since": instant(said.get("since")),
        "before": instant(said.get("before")),
        "text": said.get("text"),
    }
    wrong = faults(said, known)
    known["user_id"], known["account_id"] = known.pop("user"), known.pop("account")
    return TaskFilter(**known), wrong  # type: ignore[arg-type]  # each is what its name says
