"""What commands on many tasks share: options that say which, the count, the question, the order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import click

from altwright.bootstrap import Services
from altwright.cli.common import OPERATOR, known_user, show
from altwright.domain.task import Delivery, Priority, Status
from altwright.errors import Category, Conflict
from altwright.tasks.store.bulk_changes import BulkAction
from altwright.tasks.store.task_search import TaskFilter

F = TypeVar("F", bound=Callable[..., Any])

_QUESTIONS = {
    BulkAction.CANCEL: "Cancel {}?",
    BulkAction.REQUEUE: "Queue {} again, a few of them first?",
    BulkAction.PRIORITY: "Change the priority of {}?",
}
_OPTIONS = (
    click.option("--all", "all_of_them", is_flag=True, help="Every task, or those wanted:"),
    click.option("--status", type=click.Choice([one.value for one in Status]), help="This state."),
    click.option(
        "--priority", type=click.Choice([one.queue for one in Priority]), help="This priority."
    ),
    click.option("--kind", help="This kind of task."),
    click.option("--user", "username", help="This user's."),
    click.option("--account", "account_id", type=int, help="This account's, by its id."),
    click.option(
        "--category", type=click.Choice([one.value for one in Category]), help="This cause."
    ),
    click.option(
        "--delivery", type=click.Choice([one.value for one in Delivery]), help="Delivered so."
    ),
    click.option("--since", type=click.DateTime(), help="Submitted (or ended) from then on, UTC."),
    click.option("--before", type=click.DateTime(), help="Submitted (or ended) before then, UTC."),
    click.option("--text", help="These words in the error."),
    click.option("--why", metavar="REASON", help="Why, for the audit log; asked for with --all."),
    click.option("--yes", is_flag=True, help="Don't ask first."),
)


@dataclass(frozen=True, slots=True)
class Many:
    """What the options say."""

    all_of_them: bool
    status: str | None
    priority: str | None
    kind: str | None
    username: str | None
    account_id: int | None
    category: str | None
    delivery: str | None
    since: datetime | None
    before: datetime | None
    text: str | None
    why: str | None
    yes: bool

    @property
    def is_given(self) -> bool:
        """Return whether many are wanted."""
        rest = {"all_of_them", "why", "yes"}
        named = (value for name, value in asdict(self).items() if name not in rest)
        return self.all_of_them or any(value is not None for value in named)

    def wanted(self, services: Services) -> TaskFilter:
        """Return which tasks. Raises InvalidInput."""
        user = known_user(services, self.username) if self.username is not None else None
        return TaskFilter(
            Status(self.status) if self.status else None,
            Priority.parse(self.priority) if self.priority else None,
            self.kind,
            user.id if user else None,
            Category(self.category) if self.category else None,
            Delivery(self.delivery) if self.delivery else None,
            self.account_id,
            self.since and self.since.replace(tzinfo=UTC),
            self.before and self.before.replace(tzinfo=UTC),
            self.text,
        )


def many_options(command: F) -> F:
    """Add the options that say which tasks, why, and whether to ask."""

    @wraps(command)
    def with_many(*args: Any, **given: Any) -> Any:
        said = {name: given.pop(name) for name in Many.__dataclass_fields__}
        return command(*args, many=Many(**said), **given)

    made: Any = with_many
    for option in reversed(_OPTIONS):
        made = option(made)
    return made  # type: ignore[no-any-return]  # the same command


def change_many(
    services: Services,
    action: BulkAction,
    many: Many,
    priority: Priority | None = None,
    *,
    as_json: bool,
) -> None:
    """Count, ask unless told not to, and give the order; what it does is done by a worker.

    Raises:
        Conflict: there is no such task, or another order is being carried out.
        InvalidInput: no reason.
    """
    administration, wanted = services.engine.administration, many.wanted(services)
    selection = administration.selection(action, wanted, priority)
    preview = administration.preview(selection)
    click.echo(f"{preview.matching.of_tasks}: {wanted.words(many.username)}", err=True)
    for why_not, count in preview.others.items():
        click.echo(f"{count.words} of them {why_not}", err=True)
    if not preview.applicable:
        raise Conflict("There is no task to which this could be done.")
    question = _QUESTIONS[action].format(preview.applicable.of_tasks)
    if many.yes:
        click.echo(question.replace("?", ""), err=True)
    else:
        click.confirm(question, abort=True, err=True)
    why = many.why if many.why is not None else "" if many.yes else click.prompt("Why", err=True)
    task = administration.change_many(selection, why=why, by=OPERATOR, username=many.username)
    row = {
        "task": task.id,
        "action": action.value,
        "matching": preview.matching if as_json else preview.matching.words,
        "applicable": preview.applicable if as_json else preview.applicable.words,
    }
    columns = {"task": "under way as task", "matching": "match", "applicable": "can be changed"}
    show(row, as_json=as_json, columns=columns)
    if not as_json:
        click.echo(f"How far it is: altwright task show {task.id}")
