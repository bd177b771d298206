"""Commands that work, and commands on workers."""

from __future__ import annotations

import signal
import time
from typing import Any

import click

from altwright import folders
from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.config import Settings
from altwright.domain.limits import WORKERS_MOST, Limits
from altwright.domain.task import Priority
from altwright.errors import InvalidInput
from altwright.processes.autoscale import Autoscale
from altwright.processes.preparation import configured, prepared
from altwright.processes.supervisor import Supervisor
from altwright.processes.systemd import Notifier
from altwright.processes.worker_pool import WorkerPool, worker_child
from altwright.text import clean_line
from altwright.web.services import task_app

#: Characters of a wrong argument that are repeated.
SHOWN_MOST = 60
#: Seconds between two looks at the memory, and two signs for systemd's watchdog.
MEMORY_EVERY_S = 0.5


@click.command()
@click.option("--count", type=click.IntRange(1, 64), help="Workers here; default RQ_WORKER_COUNT.")
@click.option("--min", "least", type=click.IntRange(1, 64), help="Processes at least: a pool.")
@click.option("--max", "most", type=click.IntRange(1, 64), help="Processes at most: a pool.")
def worker(count: int | None, least: int | None, most: int | None) -> None:
    """Work on tasks, beside or instead of the web application's workers.

    One process, or with --min and --max a pool of processes that grows with what waits. SIGTERM
    lets running tasks end for RQ_SHUTDOWN_TIMEOUT seconds, then hands them back; SIGHUP replaces
    the processes of a pool one after the other.
    """
    settings = configured()
    if least is None and most is None:
        _work(settings, count or settings.rq_worker_count)
    else:
        _pool(settings, count or settings.rq_worker_count, least or 1, most or least or 1)


def _work(settings: Settings, count: int) -> None:
    services = prepared(settings)
    app = task_app(services)
    # A plain list: a handler that set an Event could meet its lock held by the wait below.
    asked_to_stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: asked_to_stop.append(number))
    systemd = Notifier()
    services.start()
    manager = services.worker_manager("external", count, app.app_context)
    manager.loop.start()
    systemd.ready()
    too_large = manager.memory.reached
    while not asked_to_stop and not too_large.is_set():
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


@click.group()
def workers() -> None:
    """Look at the workers of the whole service, and limit them."""


@workers.command("list")
@json_option
def list_workers(*, as_json: bool) -> None:
    """List the workers of every process and host."""
    with opened() as services:
        rows = [one.to_json() for one in services.engine.roster.all()]
    columns = {"id": "id", "kind": "kind", "host": "host", "pid": "pid", "seen_at": "seen"}
    show(rows, as_json=as_json, columns=columns | {"vanished": "vanished"}, empty="No workers.")


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
