"""A process that works on toys, for tests that kill it: `python -m tests.toy_worker`."""

from __future__ import annotations

import signal
import threading

from tests.support_toys import Toy

from altwright import bootstrap, config


def main() -> None:
    """Work until SIGTERM."""
    services = bootstrap.build(config.load())
    services.kinds["toy"] = Toy()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    services.start()
    manager = services.worker_manager("external", 1)
    manager.start()
    while not stop.wait(0.2):  # without a time-out, a signal that another thread gets is lost
        pass
    manager.stop(services.settings.rq_shutdown_timeout)
    services.close()


if __name__ == "__main__":
    main()
