"""Settings that change while all runs: one page, with where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from altwright.domain.counting import counted
from altwright.domain.limits import WORKERS_MOST, Limits
from altwright.domain.task import Priority
from altwright.errors import InvalidInput
from altwright.tasks.cluster.live_settings import CHANGEABLE, CHANGED
from altwright.web.admin.access import section
from altwright.web.auth import caller
from altwright.web.numbers import whole_number
from altwright.web.services import services

#: Changes that the page shows; the audit log has them all.
CHANGES = 10
PATH = "/admin/settings"

bp = section("settings", PATH)


@bp.get("")
def show() -> str:
    """Show each setting with its origin, and what was changed lately."""
    return _page()


@bp.post("")
def change() -> Response | tuple[str, int]:
    """Change the settings of a form."""
    shown = {one.name: str(one.value) for one in services().live.all()}
    typed = {name: words.strip() for name, words in request.form.items() if name in shown}
    # What was left as it was is no wish: another administrator may have changed it meanwhile.
    was = {name: request.form.get(f"was:{name}", shown[name]) for name in typed}
    try:
        changed = services().live.change(
            {name: words for name, words in typed.items() if words != was[name]}, by=caller()
        )
    except InvalidInput as refusal:
        return _page(typed, refusal.fields, str(refusal)), refusal.status
    return _said(changed)


@bp.post("/reset")
def reset() -> Response:
    """Let a setting be the environment's again."""
    return _said(services().live.change({request.form.get("name", ""): None}, by=caller()))


@bp.post("/limits")
def limit() -> Response | tuple[str, int]:
    """Change how many tasks of each priority run at a time, and how many workers are kept."""
    if "reset" in request.form:
        services().administration.limit(None, by=caller())
        flash("The limits are those of the environment again.")
        return redirect(PATH, 303)
    faults: dict[str, str] = {}
    numbers: dict[str, dict[Priority, int]] = {"most": {}, "kept": {}}
    for what, of_priority in numbers.items():
        for priority in Priority:
            name = f"{what}_{priority.queue}"
            words = request.form.get(name, "").strip() or "0"
            number = whole_number(words, WORKERS_MOST)
            if number is None:
                faults[name] = f"should be a whole number from 0 to {WORKERS_MOST}"
            elif number:
                of_priority[priority] = number
    if faults:
        return _page(request.form, faults, "These limits can't be used."), 422
    services().administration.limit(Limits(numbers["most"], numbers["kept"]), by=caller())
    flash("The limits hold now, in every process.")
    return redirect(PATH, 303)


def _said(changed: list[str]) -> Response:
    words = f"{counted(len(changed), 'setting')} changed, in every process within 2 seconds"
    flash(f"{words}: {', '.join(changed)}." if changed else "Nothing was changed.")
    return redirect(PATH, 303)


def _page(
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    problem: str = "",
) -> str:
    live = services().live
    settings = live.all()
    limits = services().administration.limits()
    return render_template(
        "admin/settings.html",
        groups={group: [one for one in settings if one.group == group] for group in CHANGEABLE},
        ignored=live.ignored,
        typed=typed or {},
        faults=faults or {},
        problem=problem,
        changes=services().audit.recent(CHANGES, action=CHANGED),
        priorities=[one.queue for one in Priority],
        limits=limits.to_json(),
        workers_most=WORKERS_MOST,
        describers=services().describer.describers,
    )
