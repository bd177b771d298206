"""Submits of one user at the same instant: one is accepted, whatever has become of Redis."""

from __future__ import annotations

import pytest
from tests.servers import RedisServer
from tests.support_engine import Rig, at_once, count_tasks

from altwright.errors import ActiveTaskExists
from altwright.tasks.task import Task

pytestmark = pytest.mark.every_database


@pytest.mark.req("4.6", "100 at once")
@pytest.mark.req("4.6", "Redis down or flushed")
@pytest.mark.parametrize("redis", ["up", "down", "just flushed", "gone unnoticed"])
def test_of_a_hundred_submits_at_once_one_is_accepted(
    rig: Rig, valkey: RedisServer, redis: str
) -> None:
    """100 simultaneous submits of a user: one task, and 99 refusals that name it."""
    match redis:
        case "down":
            rig.lose_redis()
        case "gone unnoticed":
            valkey.kill()
    client = valkey.client()

    def submit(number: int) -> Task:
        if redis == "just flushed" and number % 10 == 0:
            client.flushall()
        return rig.submit()

    results = at_once(100, submit)
    client.close()
    accepted = [one for one in results if isinstance(one, Task)]
    refused = [one for one in results if isinstance(one, ActiveTaskExists)]
    assert [len(accepted), len(refused)] == [1, 99], set(map(repr, results))
    assert {error.task_id for error in refused} == {accepted[0].id}
    assert count_tasks(rig.database) == 1
