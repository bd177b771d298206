"""Commands that work, and commands on workers."""

from __future__ import annotations

import signal
import time
from typing import Any

import click

from altwright import folders
from altwright.cli.common import OPERATOR, json_option, opened, printable, show
from altwright.config import Settings
from altwright.domain.counting import duration
from altwright.domain.limits import SCALE_MOST, WORKERS_MOST, Limits
from altwright.domain.task import Priority
from altwright.domain.worker import StartedBy, WorkerKind
from altwright.errors import InvalidInput
from altwright.processes.autoscale import Autoscale
from altwright.processes.preparation import configured, prepared
from altwright.processes.supervisor import Supervisor
from altwright.processes.systemd import Notifier
from altwright.processes.worker_pool import WorkerPool, worker_child
from altwright.tasks.cluster.worker_control import POOL
from altwright.text import clean_line
from altwright.workers.memory import MIB

#: Characters of a wrong argument that are repeated.
SHOWN_MOST = 60
#: Seconds between two looks at the memory, and two signs for systemd's watchdog.
MEMORY_EVERY_S = 0.5
#: Seconds that a worker's process gets to say what it is at, and between two looks.
STACK_WITHIN_S, STACK_LOOK_S = 5.0, 0.1
_GROUP = {
    "kind": "kind",
    "host": "host",
    "there": "there",
    "least": "wanted, least",
    "most": "most",
    "workers": "workers",
    "standing": "asked for",
    "afterwards": "once ended",
}


@click.command()
@click.option("--count", type=click.IntRange(1, 64), help="Workers here; default RQ_WORKER_COUNT.")
@click.option("--min", "least", type=click.IntRange(1, 64), help="Processes at least: a pool.")
@click.option("--max", "most", type=click.IntRange(1, 64), help="Processes at most: a pool.")
@click.option("--in-pool", is_flag=True, hidden=True)  # a supervisor of ours starts it again
def worker(count: int | None, least: int | None, most: int | None, *, in_pool: bool) -> None:
    """Work on tasks, beside or instead of the web application's workers.

    One process, or with --min and --max a pool of processes that grows with what waits. SIGTERM
    lets running tasks end for RQ_SHUTDOWN_TIMEOUT seconds, then hands them back; SIGHUP replaces
    the processes of a pool one after the other.
    """
    settings = configured().of_workers()
    if least is None and most is None:
        _work(settings, count or settings.rq_worker_count, in_pool=in_pool)
    else:
        _pool(settings, count or settings.rq_worker_count, least or 1, most or least or 1)


def _work(settings: Settings, count: int, *, in_pool: bool) -> None:
    from altwright.web.services import task_app  # noqa: PLC0415 - a pool needs none

    services = prepared(settings)
    app = task_app(services)
    # A plain list: a handler that set an Event could meet its lock held by the wait below.
    asked_to_stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: asked_to_stop.append(number))
    systemd = Notifier()
    started_by = StartedBy.SYSTEMD if systemd.is_there else StartedBy.NOBODY
    if in_pool:
        started_by = StartedBy.POOL
    manager = services.worker_manager(WorkerKind.EXTERNAL, count, app.app_context, started_by)
    services.start()
    manager.loop.start()
    systemd.ready()
    too_large = manager.memory.reached
    while not asked_to_stop and not manager.should_leave:
        systemd.alive()
        time.sleep(MEMORY_EVERY_S)
    systemd.stopping()
    if too_large.is_set():
        # Whoever started this process starts another; tasks are handed back after their item.
        manager.stop(0, item_grace_s=settings.rq_shutdown_timeout)
    else:
        manager.stop(settings.rq_shutdown_timeout)
    services.close()


def _pool(settings: Settings, count: int, least: int, most: int) -> None:
    if most < least:
        raise InvalidInput(f"--max {most} is less than --min {least}.")
    folders.prepare(settings.data_dir, "DATA_DIR")
    options = ["--count", str(count)]
    pool = WorkerPool(settings, options, Autoscale(least, most, count))
    children = [worker_child(settings, options, number) for number in range(1, least + 1)]
    supervisor = Supervisor(children, None, each_look=pool.look)
    supervisor.start()
    supervisor.run()
    pool.close()


@click.group()
def workers() -> None:
    """Look at the workers of the whole service; scale, stop, restart and limit them."""


@workers.command("list")
@json_option
def list_workers(*, as_json: bool) -> None:
    """List the workers of every process and host, and what each does."""
    with opened() as services:
        rows = services.worker_administration.workers()
    if not as_json:
        rows = [row | _shown(row) for row in rows]
    columns = {"id": "id", "kind": "kind", "pid": "pid", "state": "state", "task": "task"}
    columns |= {
        "item": "in hand",
        "done": "attempts",
        "failed": "failed attempts",
        "memory": "memory",
    }
    show(rows, as_json=as_json, columns=columns | {"seen_at": "seen"}, empty="No workers.")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    task = row["task"]
    return {
        "task": f"{task['kind']} {task['id']} of {task['user'] or 'Altwright'}" if task else "",
        "item": f"{task['item'] or 'planning'}, {duration(task['item_s'])}" if task else "",
        "memory": f"{row['memory_bytes'] // MIB} MB" if row["memory_bytes"] else "",
    }


@workers.command("groups")
@json_option
def list_groups(*, as_json: bool) -> None:
    """List what can be scaled, stopped and restarted, and what was asked for."""
    with opened() as services:
        rows = [state.to_json() for state in services.worker_administration.groups()]
    show(rows, as_json=as_json, columns=_GROUP, empty="No workers.")


@workers.command("scale")
@click.argument("count", type=click.IntRange(0, SCALE_MOST), required=False)
@click.option("--max", "most", type=click.IntRange(0, SCALE_MOST), help="Of a pool: at most.")
@click.option("--host", default="", help="The host of a pool; default: integrated workers.")
@click.option("--reset", is_flag=True, help="As many as the settings say.")
@json_option
def scale(count: int | None, most: int | None, host: str, *, reset: bool, as_json: bool) -> None:
    """Let there be COUNT integrated workers in the whole service, or processes on a host.

    Every process takes it up within two seconds, and after a restart too. Those that are too many
    end their tasks first, or hand them back after RQ_SHUTDOWN_TIMEOUT.
    """
    if (count is None) != reset:
        raise InvalidInput("Name a number of workers, or --reset.")
    kind = POOL if host else WorkerKind.INTEGRATED
    with opened() as services:
        found = services.worker_administration
        if count is None:
            state = found.reset(kind, host, by=OPERATOR)
        else:
            upto = count if most is None else most
            state = found.scale(kind, host, count, upto, by=OPERATOR)
    show(state.to_json(), as_json=as_json, columns=_GROUP)


_kind_option = click.option(
    "--kind",
    type=click.Choice([POOL, *(one.value for one in WorkerKind)]),
    required=True,
    help="As `altwright workers groups` lists them.",
)
_host_option = click.option("--host", default="", help="The host; none for integrated workers.")


@workers.command("stop")
@_kind_option
@_host_option
@json_option
def stop(kind: str, host: str, *, as_json: bool) -> None:
    """Let workers end their tasks and take no more; `scale` starts integrated ones and pools again.

    Processes of other kinds end, and what runs them (systemd, a container) starts them again.
    """
    with opened() as services:
        state = services.worker_administration.stop(kind, host, by=OPERATOR)
    show(state.to_json(), as_json=as_json, columns=_GROUP)


@workers.command("restart")
@_kind_option
@_host_option
@json_option
def restart(kind: str, host: str, *, as_json: bool) -> None:
    """Replace the processes of workers, one after the other; running tasks are handed back."""
    with opened() as services:
        state = services.worker_administration.restart(kind, host, by=OPERATOR)
    show(state.to_json(), as_json=as_json, columns=_GROUP)


@workers.command("stack")
@click.argument("worker_id")
@json_option
def stack(worker_id: str, *, as_json: bool) -> None:
    """Show what a worker's thread is doing: the calls that it is in, the outermost first."""
    deadline = time.monotonic() + STACK_WITHIN_S
    with opened() as services:
        found = services.worker_administration
        found.ask_stack(worker_id, by=OPERATOR)
        while (dump := found.stack(worker_id)).lines is None and time.monotonic() < deadline:
            time.sleep(STACK_LOOK_S)
    if as_json:
        show(dump.to_json(), as_json=True, columns={})
        return
    lines = ("It doesn't answer: its process is gone, or can't reach the database.",)
    for line in lines if dump.lines is None else dump.lines:
        click.echo(printable(line))


@workers.command("limits")
@click.option("--max", "most", multiple=True, metavar="PRIORITY=N", help="Tasks at a time.")
@click.option(
    "--reserve", "kept", multiple=True, metavar="PRIORITY=N", help="Workers for it alone."
)
@click.option("--most", "old_most", multiple=True, hidden=True)  # names of the version before
@click.option("--keep", "old_kept", multiple=True, hidden=True)
@click.option("--none", "nothing", is_flag=True, help="Limit nothing.")
@click.option("--reset", is_flag=True, help="As RQ_MAX_… and RQ_MIN_…_WORKERS have it.")
@json_option
def limits(
    most: tuple[str, ...],
    kept: tuple[str, ...],
    old_most: tuple[str, ...],
    old_kept: tuple[str, ...],
    *,
    nothing: bool,
    reset: bool,
    as_json: bool,
) -> None:
    """Show or change how many tasks of a priority run at a time in the whole service.

    \b
    At most two of low:              altwright workers limits --max low=2
    A worker reserved for urgent:    altwright workers limits --reserve urgent=1
    What isn't named stays as it is; N may be "none". It holds in every process within two seconds.
    """  # noqa: D301 - click wants the control character
    most, kept = (*most, *old_most), (*kept, *old_kept)
    with opened() as services:
        now, administration = services.engine.limits.current(), services.engine.administration
        if reset or nothing:
            administration.limit(None if reset else Limits(), by=OPERATOR)
        elif most or kept:
            wanted = Limits(_changed(now.most, most), _changed(now.kept, kept))
            administration.limit(wanted, by=OPERATOR)
        data = services.engine.limits.current().to_json()
    show(data, as_json=as_json, columns={"most": "max at a time", "kept": "reserved workers"})


def _changed(numbers: Any, pairs: tuple[str, ...]) -> dict[Priority, int]:
    after = dict(numbers)
    for pair in pairs:
        name, _, value = pair.partition("=")
        known = {one.queue: one for one in Priority}
        is_number = value in {str(number) for number in range(WORKERS_MOST + 1)}
        if name not in known or not (value == "none" or is_number):
            raise InvalidInput(
                f"{clean_line(pair, SHOWN_MOST)}: should be PRIORITY=NUMBER, as low=2, or "
                f"PRIORITY=none; the number at most {WORKERS_MOST}."
            )
        if value == "none":
            after.pop(known[name], None)
        else:
            after[known[name]] = int(value)
    return after
