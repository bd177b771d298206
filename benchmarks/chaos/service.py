"""The service under chaos: what `altwright serve` runs, with the kind of task exchanged.

`python -m benchmarks.chaos.service [--clock LIBFAKETIME]`; settings come from the environment.
"""

from __future__ import annotations

import argparse

from altwright import config, telemetry
from altwright.processes import serve
from altwright.processes.supervisor import Child, Supervisor, python

#: What one worker's clock is ahead of the others'.
CLOCK_AHEAD = "+60s"


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clock", default="", help="library that gives the last worker its clock")
    clock: str = parser.parse_args().clock
    settings = config.load()
    telemetry.configure(settings.log_level, settings.log_format)
    serve.prepare(settings)
    children = [_exchanged(child) for child in serve.children_of(settings)]
    if clock:
        children[-1].env = {
            "LD_PRELOAD": clock,
            "FAKETIME": CLOCK_AHEAD,
            # Waits and time-outs go by the monotonic clock, which no administrator can set wrong.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    supervisor = Supervisor(children, settings.run_dir / "supervisor.json")
    supervisor.start()
    print("ready", flush=True)  # noqa: T201 - what the run waits for
    supervisor.run()


def _exchanged(child: Child) -> Child:
    ours = {"altwright.wsgi:app": "benchmarks.chaos.wsgi:app"}
    worker = python("altwright", "worker")
    if child.argv[: len(worker)] == worker:
        child.argv = python("benchmarks.chaos.worker") + child.argv[len(worker) :]
    child.argv = [ours.get(part, part) for part in child.argv]
    return child


if __name__ == "__main__":
    main()
