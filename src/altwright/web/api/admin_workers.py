"""/api/v1/admin/workers: what each does, how many there are, and what one that is stuck is at."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from altwright.domain.limits import SCALE_MOST
from altwright.domain.worker import StartedBy
from altwright.web.admin.access import require_role
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import Body, TaskId
from altwright.web.api.responses import Shape
from altwright.web.auth import caller
from altwright.web.services import services

Answer = dict[str, Any]
Number = Annotated[int, Field(ge=0, le=SCALE_MOST)]
WorkerId = Annotated[str, Field(min_length=1, max_length=128)]

bp = blueprint("admin/workers", "Workers of all hosts; for administrators")
bp.before_request(require_role)


class WorkersOf(Body):
    """Workers that are stopped and restarted together, as the list's groups name them."""

    kind: str = Field(max_length=16, description="integrated, pool, external or rq")
    host: str = Field("", max_length=64, description="empty for integrated workers")


class Scale(WorkersOf):
    """How many there should be; without numbers, as many as the settings say."""

    least: Number | None = None
    most: Number | None = Field(None, description="of a pool; as ``least`` if left out")


class WorkerQuery(BaseModel):
    """Which worker."""

    worker_id: WorkerId


class WorkerBody(Body):
    """Which worker."""

    worker_id: WorkerId


class Attempt(Body):
    """A running task, as it was seen."""

    task_id: TaskId
    attempt: int = Field(ge=1, le=2**31 - 1)


class RunningTask(Shape):
    """What a worker has in hand. ``is_stuck``: it lives, but this item takes far too long."""

    id: str
    kind: str
    attempt: int
    items_total: int | None
    items_ended: int
    user: str | None
    since: datetime
    item: str
    item_since: datetime
    item_s: float
    is_stuck: bool


class Worker(Shape):
    """A worker; ``vanished`` ones gave no sign lately and didn't say goodbye."""

    id: str
    kind: str
    host: str
    pid: int
    started_by: StartedBy
    memory_bytes: int = Field(description="of its whole process")
    done: int
    failed: int
    stopping: bool
    started_at: datetime
    seen_at: datetime
    vanished: bool
    state: Literal["working", "idle", "stopping", "stuck", "vanished"]
    task: RunningTask | None


class Asked(Shape):
    """Who asked for something, and when."""

    by: str
    at: datetime


class WorkerGroup(Shape):
    """Workers that are scaled, stopped and restarted together."""

    kind: str
    host: str
    words: str
    can_scale: bool
    least: int
    most: int
    there: int
    workers: int
    standing: str = Field(description="what was asked for and how far that is")
    afterwards: str = Field(description="what starts them again that were ended from here")
    asked: dict[Literal["scale", "restart", "stop"], Asked]


class WorkerList(Shape):
    """Every worker, and what can be asked of them."""

    groups: list[WorkerGroup]
    workers: list[Worker]


class Stack(Shape):
    """Where a worker's thread was, outermost call first; null: no answer yet."""

    asked_at: datetime
    by: str
    at: datetime | None
    lines: list[str] | None


@bp.get("", responses=answers({200: WorkerList}, 403))
def list_workers() -> Answer:
    """List every worker with what it does."""
    found = services().worker_administration
    return {
        "groups": [state.to_json() for state in found.groups()],
        "workers": found.workers(),
    }


@bp.post("/scale", responses=answers({200: WorkerGroup}, 403, 404, body=True))
def scale_workers(body: Scale) -> Answer:
    """Change how many there are; every process takes it up within two seconds."""
    found = services().worker_administration
    if body.least is None:
        return found.reset(body.kind, body.host, by=caller()).to_json()
    most = body.least if body.most is None else body.most
    return found.scale(body.kind, body.host, body.least, most, by=caller()).to_json()


@bp.post("/stop", responses=answers({200: WorkerGroup}, 403, 404, body=True))
def stop_workers(body: WorkersOf) -> Answer:
    """Let workers end their tasks and take no more."""
    found = services().worker_administration
    return found.stop(body.kind, body.host, by=caller()).to_json()


@bp.post("/restart", responses=answers({200: WorkerGroup}, 403, 404, body=True))
def restart_workers(body: WorkersOf) -> Answer:
    """Replace their processes, one after the other."""
    found = services().worker_administration
    return found.restart(body.kind, body.host, by=caller()).to_json()


@bp.get("/stack", responses=answers({200: Stack}, 403, 404))
def show_stack(query: WorkerQuery) -> Answer:
    """Show what a worker's thread was doing when it was asked."""
    return services().worker_administration.stack(query.worker_id).to_json()


@bp.post("/stack", responses=answers({202: Stack}, 403, 404, body=True))
def ask_stack(body: WorkerBody) -> tuple[Answer, int]:
    """Ask what a worker's thread is doing; its process answers within two seconds."""
    found = services().worker_administration
    found.ask_stack(body.worker_id, by=caller())
    return found.stack(body.worker_id).to_json(), 202


@bp.post("/take-over", responses=answers({200: Attempt}, 403, 404, 409, body=True))
def take_over_task(body: Attempt) -> Answer:
    """Take a running task from its worker, for another one to go on with."""
    found = services().worker_administration
    found.take_over(body.task_id, body.attempt, by=caller())
    return {"task_id": body.task_id, "attempt": body.attempt}
