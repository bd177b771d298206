"""A process that works on toys, for tests that kill it: `python -m tests.toy_worker`."""

from __future__ import annotations

import signal

from tests.support import wait_until
from tests.support_toys import Toy

from altwright import bootstrap, config

#: Seconds after which it ends in any case, should the test that started it be gone.
LIVES_S = 600.0


def main() -> None:
    """Work until SIGTERM."""
    services = bootstrap.build(config.load())
    services.engine.kinds["toy"] = Toy()
    asked_to_stop: list[int] = []  # no Event: see cli/workers.py
    signal.signal(signal.SIGTERM, lambda number, _frame: asked_to_stop.append(number))
    manager = services.worker_manager("external", 1)
    services.start()
    manager.loop.start()
    wait_until(lambda: asked_to_stop, LIVES_S, every_s=0.2)
    manager.stop(services.settings.rq_shutdown_timeout)
    services.close()


if __name__ == "__main__":
    main()
