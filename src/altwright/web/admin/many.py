"""What is done to all tasks that match a filter: asked before, with their number, and a reason."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from altwright.domain.task import Priority
from altwright.errors import InvalidInput, RequestError
from altwright.tasks.audit_log import WHY_MOST
from altwright.tasks.bulk_task import CANARY, Order
from altwright.tasks.store.bulk_changes import BulkAction, Selection
from altwright.web.admin.access import section
from altwright.web.admin.task_filter import NAMES, asked_filter, given_filter
from altwright.web.asked import given
from altwright.web.auth import caller
from altwright.web.pages.words import filter_words
from altwright.web.services import services

PATH = "/admin/tasks/many"

bp = section("admin_many", "/admin")


@bp.get("/tasks/many")
def ask_many() -> str:
    """Ask before something is done to all tasks that match, with their number."""
    selection = _selection(request.args)
    preview = services().administration.preview(selection)
    given = _given(request.args)
    return render_template(
        "admin/many.html",
        action=selection.action,
        priority=selection.priority,
        words=filter_words(selection.wanted, request.args.get("user")),
        preview=preview,
        given=given | {"until": preview.until.isoformat()},
        tasks=f"/admin/tasks?{urlencode(given_filter(request.args))}",
        canary=CANARY,
        why_most=WHY_MOST,
    )


@bp.post("/tasks/many")
def change_many() -> Response:
    """Do it to those that were counted, in the background."""
    form = request.form
    try:
        task = services().administration.change_many(
            _selection(form), why=form.get("why", ""), by=caller(), username=form.get("user")
        )
    except RequestError as refusal:
        said = [str(refusal), *(f"{one} {fault}." for one, fault in _faults(refusal).items())]
        flash(f"Nothing was done: {' '.join(said)}")
        return redirect(f"{PATH}?{urlencode(_given(form))}", 303)
    applicable = Order.of_json(task.settings).applicable
    flash(f"{applicable.of_tasks}: under way. This page shows how far it is.")
    return redirect(f"/admin/tasks/{task.id}", 303)


@bp.post("/tasks/<task_id>/undo")
def undo(task_id: str) -> Response:
    """Give tasks the priority back that a change of many took from them."""
    try:
        why = request.form.get("why", "")
        task_id = services().administration.undo(task_id, why=why, by=caller()).id
        flash("Those that wait still get their priority back.")
    except RequestError as refusal:
        flash(f"Nothing was done: {refusal}")
    return redirect(f"/admin/tasks/{task_id}", 303)


def _selection(asked: MultiDict[str, str]) -> Selection:
    """Return what an address or a form asks for. Raises InvalidInput: some of it can't be."""
    wanted, faults = asked_filter(asked)
    action = next((one for one in _ACTIONS if one == asked.get("action")), None)
    priority = None
    if action is None:
        faults["action"] = f"should be one of {', '.join(_ACTIONS)}"
    elif action is BulkAction.PRIORITY:
        priority = Priority.named(asked.get("to"))
        if priority is None:
            faults["to"] = "should be a priority"
    if faults:
        raise InvalidInput("It isn't clear which tasks, or what to do: nothing was done.", faults)
    assert action is not None  # noqa: S101 - narrows
    selection = services().administration.selection(action, wanted, priority)
    try:
        until = datetime.fromisoformat(asked.get("until", selection.until.isoformat()))
        return selection.up_to(until)
    except (ValueError, TypeError) as error:
        raise InvalidInput("This page is damaged; begin with the preview again.") from error


def _given(asked: MultiDict[str, str]) -> dict[str, str]:
    return given(asked, (*NAMES, "action", "to"))


def _faults(refusal: RequestError) -> dict[str, str]:
    return refusal.fields if isinstance(refusal, InvalidInput) else {}


_ACTIONS = (BulkAction.CANCEL, BulkAction.REQUEUE, BulkAction.PRIORITY)
