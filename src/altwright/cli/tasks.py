"""Commands on tasks."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from altwright.cli.common import (
    OPERATOR,
    json_option,
    known_user,
    naming,
    opened,
    printable,
    show,
    user_option,
)
from altwright.cli.many_tasks import Many, change_many, many_options
from altwright.domain.counting import counted
from altwright.domain.retry_policy import retries_words
from altwright.domain.task import Priority, Status
from altwright.errors import InvalidInput, RedisUnavailable
from altwright.tasks.store.bulk_changes import BulkAction
from altwright.tasks.store.statistics import Figures

_TASK = {
    "id": "id",
    "kind": "kind",
    "status": "status",
    "priority": "priority",
    "delivery": "by",
    "attempt": "attempt",
    "items": "items",
    "step": "step",
    "error": "error",
}
_PRIORITIES = tuple(one.queue for one in Priority)


@click.group()
def task() -> None:
    """Submit, watch and cancel tasks."""


@task.command("submit")
@user_option
@click.option("--account", "account_id", type=int, help="Id of the account; needed with several.")
@click.option("--kind", default="captions", show_default=True, help="Kind of task.")
@click.option(
    "--priority",
    type=click.Choice(["urgent", "high", "normal", "low"]),
    help="Default: as the user's role has it.",
)
@click.option("--setting", "pairs", multiple=True, metavar="NAME=VALUE", help="A task's setting.")
@json_option
def submit(
    username: str,
    account_id: int | None,
    kind: str,
    priority: str | None,
    pairs: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Describe the pictures of an account."""
    with opened() as services:
        user = known_user(services, username)
        if account_id is None:
            accounts = services.accounts.of_user(user.id)
            if len(accounts) != 1:
                raise InvalidInput(
                    f"{username} has {counted(len(accounts), 'account')}; name one: --account"
                )
            account_id = accounts[0].id
        made = services.queue.submit(
            kind,
            user=user.ref,
            account_id=account_id,
            settings=dict(_pair(pair) for pair in pairs),
            priority=priority,
        )
    show(made.to_json(), as_json=as_json, columns=_TASK)


@task.command("list")
@click.option("--user", "username", help="Only this user's.")
@click.option("--status", type=click.Choice([one.value for one in Status]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def list_tasks(username: str | None, status: str | None, limit: int, *, as_json: bool) -> None:
    """List tasks, newest first."""
    with opened() as services:
        user_id = known_user(services, username).id if username else None
        wanted = Status(status) if status else None
        tasks = [one.to_json() for one in services.store.recent(user_id, wanted, limit)]
    show(tasks, as_json=as_json, columns=_TASK, empty="No tasks.")


@task.command("show")
@click.argument("task_id")
@json_option
def show_task(task_id: str, *, as_json: bool) -> None:
    """Show a task, its items and its history."""
    with opened() as services, naming(task_id):
        found = services.store.get(task_id, None)
        data: dict[str, Any] = found.to_json()
        waiting = services.waiting.of(found, for_staff=True)
        data["waiting"] = waiting.to_json()
        items = [one.to_json() for one in services.store.items(task_id)]
        history = [one.to_json() for one in services.store.history(task_id)]
    if as_json:
        click.echo(json.dumps(data | {"item_list": items, "history": history}, indent=2))
        return
    show(data, as_json=False, columns=_TASK)
    click.echo()
    for reason in waiting.reasons:
        until = (
            f" It goes on at {reason.until.isoformat(timespec='seconds')}." if reason.until else ""
        )
        click.echo(printable(f"It waits: {reason.words}{until}"))
    if waiting.range_words:
        click.echo(waiting.range_words)
    if waiting.reasons:
        click.echo()
    columns = {"status": "status", "label": "picture", "reason": "reason"}
    show(items, as_json=False, columns=columns, empty="No items yet.")
    click.echo()
    columns = {"at": "at", "event": "event", "actor": "by", "detail": "detail"}
    show(history, as_json=False, columns=columns)


@task.command("cancel")
@click.argument("task_id", required=False)
@many_options
@json_option
def cancel(task_id: str | None, *, many: Many, as_json: bool) -> None:
    """Cancel a task: at once while it waits, at its next picture while it runs.

    With options that say which, or --all: every task that is like that, after a question.
    """
    _one_or_many(task_id, many)
    with opened() as services:
        if task_id is None:
            change_many(services, BulkAction.CANCEL, many, as_json=as_json)
            return
        with naming(task_id):
            ended = services.engine.administration.cancel(task_id, by=OPERATOR)
    show(ended.to_json(), as_json=as_json, columns=_TASK)


@task.command("take-over")
@click.argument("task_id")
@json_option
def take_over(task_id: str, *, as_json: bool) -> None:
    """Take a running task from its worker, which is stuck, for another one to go on with.

    What the worker still writes is refused; the picture in hand is tried later.
    """
    with opened() as services, naming(task_id):
        attempt = services.store.get(task_id, None).attempt
        services.worker_administration.take_over(task_id, attempt, by=OPERATOR)
        after = services.store.get(task_id, None)
    show(after.to_json(), as_json=as_json, columns=_TASK)


@task.command("priority")
@click.argument("words", nargs=-1, required=True, metavar="[TASK_ID] PRIORITY")
@many_options
@json_option
def reprioritise(words: tuple[str, ...], *, many: Many, as_json: bool) -> None:
    """Give a waiting task another PRIORITY, in which it takes its turn.

    With options that say which, or --all, and no id: every task that is like that, after a
    question. There, --priority is the one that they have.
    """
    *ids, name = words
    if name not in _PRIORITIES or len(ids) > 1:
        raise click.UsageError(f"Say [TASK_ID] and one of {', '.join(_PRIORITIES)}.")
    task_id = ids[0] if ids else None
    _one_or_many(task_id, many)
    wanted = Priority.parse(name)
    with opened() as services:
        if task_id is None:
            change_many(services, BulkAction.PRIORITY, many, wanted, as_json=as_json)
            return
        with naming(task_id):
            moved = services.engine.administration.reprioritise(task_id, wanted, by=OPERATOR)
    show(moved.to_json(), as_json=as_json, columns=_TASK)


@task.command("requeue")
@click.argument("task_id", required=False)
@many_options
@json_option
def requeue(task_id: str | None, *, many: Many, as_json: bool) -> None:
    """Queue a failed task again; what it had finished stays finished.

    With options that say which, or --all: every failed task that is like that, after a question.
    A few go first, and the others once those went well. A task stays a dead letter while its user
    has another active one.
    """
    _one_or_many(task_id, many)
    with opened() as services:
        if task_id is None:
            failed = replace(many, status=many.status or Status.FAILED.value)
            change_many(services, BulkAction.REQUEUE, failed, as_json=as_json)
            return
        with naming(task_id):
            queued = services.engine.administration.requeue_failed(task_id, by=OPERATOR)
    show(queued.to_json(), as_json=as_json, columns=_TASK)


@task.command("undo")
@click.argument("task_id")
@click.option("--why", required=True, metavar="REASON", help="Why, for the audit log.")
@json_option
def undo(task_id: str, why: str, *, as_json: bool) -> None:
    """Take a change of many priorities back, by the TASK_ID that made it.

    Those that wait still get the priority that they had before.
    """
    with opened() as services, naming(task_id):
        made = services.engine.administration.undo(task_id, why=why, by=OPERATOR)
    show(made.to_json(), as_json=as_json, columns=_TASK)


@task.command("dead")
@json_option
def dead(*, as_json: bool) -> None:
    """Group the tasks that failed for good by cause; `task requeue` tries them again."""
    with opened() as services:
        rows = [group.to_json() for group in Figures(services.database).dead_letters()]
    columns = {
        "category": "cause",
        "kind": "kind",
        "count": "tasks",
        "last_hour": "last hour",
        "last_day": "last day",
        "oldest_at": "first",
        "newest_at": "last",
    }
    show(rows, as_json=as_json, columns=columns, empty="No task has failed for good.")


@task.command("errors")
@json_option
def errors(*, as_json: bool) -> None:
    """Show what each kind of failure means: whether it is retried, and who can mend it."""
    with opened() as services:
        rows = [one.to_json() for one in services.error_policies.table()]
    if not as_json:
        for row in rows:
            row["retries_s"] = retries_words(row["retries_s"])
    columns = {
        "category": "category",
        "means": "what it means",
        "retries_s": "tried again",
        "who": "who can mend it",
        "last_hour": "failed in an hour",
        "last_day": "in a day",
    }
    show(rows, as_json=as_json, columns=columns)


@task.command("repair")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
def repair(*, dry_run: bool, as_json: bool) -> None:
    """Find tasks that are damaged or were set aside, and put them right where that can be.

    Settings that no key opens, kinds that aren't known here: set aside as failed. Rows in no
    possible state: brought back to one. What was set aside and can be read again (the lost key is
    in PLATFORM_ENCRYPTION_KEY again): queued. Each change is in the task's history.
    """
    with opened() as services:
        found = services.engine.repair.run(OPERATOR.username, dry_run=dry_run)
        services.queue.wake()
        rows = [one.to_json() for one in found]
        if not dry_run:
            with suppress(RedisUnavailable):  # then there is nothing to remove
                refused = services.upkeep.forget_refused()
                if refused:
                    fault = f"RQ could not read {counted(refused, 'job')}"
                    rows.append({"task_id": "", "fault": fault, "action": "removed from Redis"})
    columns = {"task_id": "task", "fault": "what is wrong", "action": "what is done"}
    show(rows, as_json=as_json, columns=columns, empty="No task is damaged.")


@task.command("prune")
@json_option
def prune(*, as_json: bool) -> None:
    """Clean up now what the hourly maintenance would: whatever is older than …_RETENTION_DAYS."""
    with opened() as services:
        rows: list[dict[str, Any]] = []
        for chore in services.chores.values():
            try:
                removed = chore.run(lambda: None)
            except RedisUnavailable as error:
                rows.append({"what": chore.label, "removed": None, "problem": str(error)})
            else:
                rows.append({"what": chore.label, "removed": removed, "problem": ""})
        services.audit.add(OPERATOR, "pruned")
    columns = {"what": "what", "removed": "removed", "problem": "problem"}
    show(rows, as_json=as_json, columns=columns)


def _one_or_many(task_id: str | None, many: Many) -> None:
    """Make sure that one task is named, or many are described. Raises UsageError."""
    if (task_id is None) != many.is_given:
        raise click.UsageError("Name one task, or say which with options like --status, or --all.")


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"--setting {text}: should be NAME=VALUE.")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value
