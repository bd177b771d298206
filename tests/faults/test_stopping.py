"""SIGTERM ends a worker process in order, whatever its tasks wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support import wait_until
from tests.support_leaves import serving
from tests.support_pretend import Misbehaviour, PretendMastodon, dribbles

from altwright import bootstrap, config
from altwright.db import migrate
from altwright.domain.task import Status

#: Seconds that running work gets; the servers of this test would be waited for longer.
GRACE_S = 1


def test_a_dribbling_server_doesnt_hold_up_a_stop(tmp_path: Path) -> None:
    """The process ends by itself, and its task waits for another worker, with no failure."""
    variables = {
        "DATA_DIR": str(tmp_path),
        "REDIS_URL": f"unix://{tmp_path}/nowhere.sock",
        "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
        "PLATFORM_TIMEOUT": "120",
        "RQ_SHUTDOWN_TIMEOUT": str(GRACE_S),
    }
    services = bootstrap.build(config.load(**variables))
    migrate.upgrade(services.database.engine)
    fediverse = PretendMastodon()
    with serving(fediverse) as fediverse.server:
        user = services.users.create("anna", "correct horse")
        url = fediverse.server.url
        account = services.accounts.add(user.id, "mastodon", url, "token")
        fediverse.wrong.append(Misbehaviour(r"/statuses/?(\?|$)", dribbles))
        task = services.queue.submit("captions", user=user.ref, account_id=account.id)
        before = len(fediverse.server.calls)
        command = [sys.executable, "-m", "altwright", "worker", "--count", "1"]
        process = subprocess.Popen(command, env={**os.environ, **variables})
        try:
            wait_until(lambda: len(fediverse.server.calls) >= before + 2, 60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    left = services.store.get(task.id, None)
    assert (left.status, left.failures) == (Status.QUEUED, 0)
    assert services.store.history(task.id)[-1].event == "worker stopped"
    services.close()
