"""Workers: what each does, how many there should be, and what one that is stuck is at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import groupby
from urllib.parse import quote

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from altwright.domain.counting import counted
from altwright.domain.limits import SCALE_MOST
from altwright.errors import NotFound, RequestError
from altwright.tasks.worker_administration import GroupState
from altwright.web.admin.access import section
from altwright.web.auth import caller
from altwright.web.numbers import whole_number
from altwright.web.services import services

bp = section("workers", "/admin/workers")

_PAGE = "/admin/workers"
#: States of workers that nobody wants.
_WRONG = ("stuck", "vanished")
#: The highest that a database's plain integer holds.
ATTEMPT_MOST = 2**31 - 1


@bp.get("")
def workers() -> str:
    """Show every worker by host and process, and what can be asked of them."""
    found = services().worker_administration
    there = found.workers()
    processes = [
        (host, pid, list(members))
        for (host, pid), members in groupby(
            there, key=lambda worker: (worker["host"], worker["pid"])
        )
    ]
    states = Counter(worker["state"] for worker in there)
    wrong = [f"{counted(states[state], 'worker')} {state}." for state in _WRONG if states[state]]
    return render_template(
        "admin/workers.html",
        groups=[state.to_json() for state in found.groups()],
        processes=processes,
        wrong=" ".join(wrong),
        scale_most=SCALE_MOST,
    )


@bp.post("/scale")
def scale() -> Response:
    """Change how many there are; a pool has a least and a most."""
    words = request.form.get("least", "")
    least, most = whole_number(words), whole_number(request.form.get("most", words))
    if least is None or most is None:
        return _said("Nothing was done: a number of workers is written in digits.")
    return _asked(
        lambda kind, host: services().worker_administration.scale(
            kind, host, least, most, by=caller()
        ),
        f"{least} wanted." if least == most else f"{least} to {most} wanted.",
    )


@bp.post("/reset")
def reset() -> Response:
    """Let there be as many as the settings say."""
    return _asked(
        lambda kind, host: services().worker_administration.reset(kind, host, by=caller()),
        "as configured again.",
    )


@bp.post("/stop")
def stop() -> Response:
    """Let workers end their tasks and take no more."""
    return _asked(
        lambda kind, host: services().worker_administration.stop(kind, host, by=caller()),
        "asked to stop; running tasks are ended or handed back.",
    )


@bp.post("/restart")
def restart() -> Response:
    """Replace processes one after the other."""
    return _asked(
        lambda kind, host: services().worker_administration.restart(kind, host, by=caller()),
        "asked to restart, one process after the other.",
    )


@bp.get("/stack")
def stack() -> str:
    """Show what a worker's thread was doing when it was asked."""
    worker_id = request.args.get("worker", "")
    found = services().worker_administration
    return render_template(
        "admin/stack.html",
        worker=worker_id,
        dump=found.stack(worker_id),
        task=found.running().get(worker_id),
    )


@bp.post("/stack")
def ask_stack() -> Response:
    """Ask a worker's process what its thread is doing."""
    worker_id = request.form.get("worker", "")
    services().worker_administration.ask_stack(worker_id, by=caller())
    return redirect(f"{_PAGE}/stack?worker={quote(worker_id)}", 303)


@bp.post("/take-over")
def take_over() -> Response:
    """Take a running task from its worker, for another one to go on with."""
    task_id = request.form.get("task_id", "")
    attempt = whole_number(request.form.get("attempt", ""), ATTEMPT_MOST)
    words = "The task is taken over; another worker goes on with it."
    if attempt is None:
        raise NotFound("There is no such attempt.")
    try:
        services().worker_administration.take_over(task_id, attempt, by=caller())
    except NotFound:
        raise
    except RequestError as refusal:
        words = f"Nothing was done: {refusal}"
    flash(words)
    return redirect(f"/admin/tasks/{quote(task_id)}", 303)


def _asked(ask: Callable[[str, str], GroupState], words: str) -> Response:
    """Ask something of the workers that the form names, and say how it went."""
    try:
        state = ask(request.form.get("kind", ""), request.form.get("host", ""))
    except NotFound:
        raise
    except RequestError as refusal:
        return _said(f"Nothing was done: {refusal}")
    named = state.group.words
    return _said(f"{named[0].upper()}{named[1:]}: {words}")


def _said(words: str) -> Response:
    flash(words)
    return redirect(_PAGE, 303)
