"""Workers that are scaled while all runs bring connections to the database along."""

from __future__ import annotations

import threading

from sqlalchemy.pool import QueuePool
from tests import support_web
from tests.support import PATIENCE_S, wait_until
from tests.support_engine import at_once
from tests.support_web import Web

from altwright.db.session import POOL_OVERFLOW
from altwright.domain.worker import WorkerKind

web = support_web.web


def test_workers_that_were_scaled_have_connections_of_their_own(web: Web) -> None:
    """As many as there are, beside those that pages use; what was opened for them goes again."""
    services = web.services
    pool = services.database.engine.pool
    assert isinstance(pool, QueuePool)
    size = pool.size()
    many = size + POOL_OVERFLOW + 10
    services.worker_administration.scale(WorkerKind.INTEGRATED, "", many, many, by=web.root.ref)
    manager = services.worker_manager(WorkerKind.INTEGRATED, None)
    manager.loop.start()
    try:
        wait_until(lambda: len(manager.workers) == many)
        together = threading.Barrier(many)

        def connected(_: int) -> None:
            with services.database.connect():
                together.wait(PATIENCE_S)

        assert at_once(many, connected) == [None] * many
        services.worker_administration.reset(WorkerKind.INTEGRATED, "", by=web.root.ref)
        wait_until(lambda: len(manager.workers) == services.settings.rq_worker_count)
        wait_until(lambda: pool.size() == size)
    finally:
        assert manager.stop(10)
    assert pool.checkedout() == 0
    assert pool.checkedin() <= size
