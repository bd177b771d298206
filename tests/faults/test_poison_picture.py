"""A picture at which workers die is blamed alone, however many were looked at beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.support import wait_until
from tests.support_leaves import Exchange, serving
from tests.support_pretend import MODEL, Misbehaviour, PretendMastodon, PretendModel

from altwright import bootstrap, config
from altwright.db import migrate
from altwright.domain.task import ItemStatus, Status

POSTS, POISON = 12, 8


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_poison_picture_fails_and_the_others_are_described(tmp_path: Path, parallel: int) -> None:
    """Each worker that fetches it is killed (kill -9); no other picture fails with it."""
    fediverse, model = PretendMastodon(), PretendModel()
    with serving(fediverse) as fediverse.server, serving(model) as model.server:
        variables = {
            "DATA_DIR": str(tmp_path),
            "REDIS_URL": f"unix://{tmp_path}/nowhere.sock",
            "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            "LEASE_S": "2",
            "DESCRIBER": "ollama",
            "DESCRIBER_PARALLEL": str(parallel),
            "OLLAMA_URL": model.server.url,
            "OLLAMA_MODEL": MODEL,
        }
        services = bootstrap.build(config.load(**variables))
        migrate.upgrade(services.database.engine)
        for number in range(1, POSTS + 1):
            fediverse.post(number)
        workers: list[subprocess.Popen[bytes]] = []

        def dies(exchange: Exchange) -> None:
            workers[-1].kill()
            exchange.drop()

        fediverse.wrong.append(Misbehaviour(f"/files/{POISON}-", dies))
        user = services.users.create("anna", "correct horse")
        account = services.accounts.add(user.id, "mastodon", fediverse.server.url, "token")
        task = services.queue.submit("captions", user=user.ref, account_id=account.id)
        command = [sys.executable, "-m", "altwright", "worker", "--count", "1"]

        def has_ended() -> bool:
            if not workers or workers[-1].poll() is not None:
                workers.append(subprocess.Popen(command, env={**os.environ, **variables}))
            return services.store.get(task.id, None).ended

        try:
            wait_until(has_ended, 200, every_s=0.1)
            workers[-1].send_signal(signal.SIGTERM)
            workers[-1].wait(60)
        finally:
            for process in workers:
                process.kill()
                process.wait()
    assert services.store.get(task.id, None).status is Status.COMPLETED
    failed = [one for one in services.store.items(task.id) if one.status is ItemStatus.FAILED]
    assert [one.key for one in failed] == [f"{POISON}:{POISON}00"]
    assert "worker stopped" in failed[0].reason
    found = services.drafts.find(user.id, limit=200).drafts
    posts = Counter(int(one.post.remote_id) for one in found)
    assert posts == Counter(number for number in range(1, POSTS + 1) if number != POISON)
    # Once beside another picture at most, and then three times in hand.
    assert len(workers) - 1 <= 4
    services.close()
