"""Procrastinate on PostgreSQL: the peer that, as Altwright, keeps its tasks in a database."""

from __future__ import annotations

import os

from procrastinate import App, PsycopgConnector

from benchmarks.peers import marks

app = App(connector=PsycopgConnector(conninfo=os.environ["PEER_DATABASE"]))


#: What has to be open while jobs are deferred.
opened = app.open


@app.task(name="work")
def work(gate: str, seconds: float) -> None:
    """Do what all do."""
    marks.work(gate, seconds)


def submit(count: int, gate: str, seconds: float) -> None:
    """Defer jobs: one as users do, many in one statement."""
    if count == 1:
        work.defer(gate=gate, seconds=seconds)
    else:
        work.batch_defer(*({"gate": gate, "seconds": seconds} for _ in range(count)))
