"""Altwright's own processes in the comparison: `python -m benchmarks.field.ours ROLE`.

`worker` is `altwright worker --count 1` with one kind of task more, `submitter` takes orders as the
other queues' do, and `both` is a process that takes orders and has a worker, as `make run` has.
"""

from __future__ import annotations

import sys
from unittest import mock

from altwright import bootstrap, config
from altwright.bootstrap import Services
from altwright.cli.main import altwright
from altwright.config import Settings
from altwright.domain.task import ItemStatus
from altwright.tasks.store.items import Worked
from altwright.tasks.task import Item
from altwright.tasks.task_kind import Run
from benchmarks.drain import DoingNothing, Nothing
from benchmarks.peers import marks

_build = bootstrap.build


class Marked(Nothing):
    """A kind of task whose items do what the other queues' jobs do."""

    def open(self, run: Run) -> MarkedWork:
        """Begin."""
        return MarkedWork(run)


class MarkedWork(DoingNothing):
    """One attempt."""

    def item(self, item: Item) -> Worked:
        """Do what all do."""
        settings = self._run.task.settings
        marks.work(settings["gate"], settings["seconds"])
        return Worked(ItemStatus.DONE)


def build(settings: Settings) -> Services:
    """Put the service together, with one kind more."""
    services = _build(settings)
    services.engine.kinds[Marked.name] = Marked()
    return services


def take_orders(*, works: bool) -> None:
    """Submit what is ordered; ``works``: by threads of this process, too."""
    services = build(config.load())
    manager = services.worker_manager("integrated", 1)
    services.start()
    if works:
        manager.loop.start()

    def submit(count: int, gate: str, seconds: float, items: int = 1) -> None:
        settings = {"gate": gate, "seconds": seconds, "items": items}
        for _ in range(count):
            services.queue.submit(Marked.name, user=None, settings=settings)

    try:
        marks.take_orders(submit)
    finally:
        manager.stop(1)
        services.close()


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        with mock.patch.object(bootstrap, "build", build):
            altwright(["worker", "--count", "1"])
    else:
        take_orders(works=sys.argv[1] == "both")
