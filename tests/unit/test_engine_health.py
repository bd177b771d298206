"""The circuit breaker's states, with a clock and a server that the test holds."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as Refused
from redis.exceptions import OutOfMemoryError

from altwright.errors import RedisUnavailable
from altwright.tasks.rq.circuit_breaker import (
    FIRST_GOOD,
    INFO_EVERY_S,
    MOST_GOOD,
    RedisHealthMonitor,
    RedisState,
    facts_of,
)


class Server:
    """A server whose answers the test decides, and a monitor of it."""

    def __init__(self) -> None:
        """Begin healthy."""
        self.at = 0.0
        self.info: dict[str, Any] = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction"}
        self.client = Mock()
        self.client.info.side_effect = lambda: self.info
        self.client.config_get.return_value = {"save": ""}
        self.monitor = RedisHealthMonitor(self.client, clock=lambda: self.at)

    def ping(self, *, answers: bool, after_s: float = 1.0) -> RedisState:
        """Let one ping be answered or not."""
        self.at += after_s
        self.client.ping.side_effect = None if answers else Refused
        self.monitor.check()
        return self.monitor.state


def test_one_failure_is_a_suspicion_and_two_are_an_outage() -> None:
    """A blip changes nothing for callers; an outage opens the circuit."""
    server = Server()
    assert server.ping(answers=False) is RedisState.SUSPECT
    assert server.monitor.usable
    assert server.ping(answers=True) is RedisState.HEALTHY
    server.ping(answers=False)
    assert server.ping(answers=False) is RedisState.DOWN
    assert not server.monitor.usable
    with pytest.raises(RedisUnavailable), server.monitor.guarded():
        pytest.fail("nothing is tried")


def test_recovering_takes_several_good_answers() -> None:
    """One good answer after an outage isn't enough, and a bad one begins anew."""
    server = Server()
    server.ping(answers=False)
    server.ping(answers=False)
    assert server.ping(answers=True) is RedisState.RECOVERING
    assert server.ping(answers=False) is RedisState.DOWN
    for _ in range(FIRST_GOOD):
        server.ping(answers=True)
    assert server.monitor.usable


def test_a_flapping_server_is_trusted_more_slowly_each_time() -> None:
    """The good answers that end an outage double, up to a limit, and are forgiven in time."""
    server = Server()
    needed: list[int] = []
    for _ in range(6):
        while server.monitor.usable:
            server.ping(answers=False, after_s=0.1)
        good = 0
        while not server.monitor.usable:
            server.ping(answers=True, after_s=0.1)
            good += 1
        needed.append(good)
    assert needed == [2, 4, 8, 16, 16, 16]
    assert needed[-1] == MOST_GOOD
    server.at += 3600
    server.ping(answers=False)
    server.ping(answers=False)
    for _ in range(FIRST_GOOD):
        server.ping(answers=True)
    assert server.monitor.usable


@given(st.lists(st.booleans(), max_size=60))
def test_callers_are_let_through_exactly_while_it_is_healthy_or_suspect(
    answers: list[bool],
) -> None:
    """Whatever the answers: an outage begins with two failures in a row and ends with two goods."""
    server = Server()
    for number, answer in enumerate(answers):
        was_usable = server.monitor.usable
        server.ping(answers=answer)
        if was_usable and not server.monitor.usable:
            assert answers[number - 1 : number + 1] == [False, False]
        if server.monitor.usable and not was_usable:
            assert answers[number - 1 : number + 1] == [True, True]


def test_failed_calls_count_like_failed_pings() -> None:
    """Requests that meet the fault open the circuit before the next ping does."""
    server = Server()
    for _ in range(2):
        with pytest.raises(RedisUnavailable), server.monitor.guarded():
            raise Refused
    assert not server.monitor.usable


@pytest.mark.req("6.7", "alert, purge, database")
def test_a_refusal_for_memory_is_no_outage() -> None:
    """The circuit stays closed, dispatch stops, and the next look decides anew."""
    server = Server()
    for _ in range(5):
        with pytest.raises(RedisUnavailable), server.monitor.guarded():
            raise OutOfMemoryError
    assert server.monitor.state is RedisState.HEALTHY
    assert server.monitor.full
    server.ping(answers=True, after_s=INFO_EVERY_S + 1)
    assert not server.monitor.full


@pytest.mark.req("6.7", "alert, purge, database")
@pytest.mark.parametrize(
    ("used", "full", "alerts"), [(79, False, 0), (85, False, 1), (91, True, 1)]
)
def test_memory_is_watched(used: int, full: bool, alerts: int) -> None:  # noqa: FBT001 - a table
    """Over 80 % is an alert, over 90 % stops dispatch."""
    server = Server()
    server.info |= {"maxmemory": 100, "used_memory": used}
    server.ping(answers=True, after_s=INFO_EVERY_S)
    assert server.monitor.full is full
    facts = server.monitor.facts
    assert facts is not None
    assert sum("of maxmemory" in remark for remark in facts.remarks()) == alerts


def test_listeners_hear_each_change_once() -> None:
    """From what to what, in order."""
    server = Server()
    heard: list[tuple[RedisState, RedisState]] = []
    server.monitor.on_change(lambda *change: heard.append(change))
    for answers in (True, False, False, False, True, True, True):
        server.ping(answers=answers)
    states = [RedisState.HEALTHY, RedisState.SUSPECT, RedisState.DOWN, RedisState.RECOVERING]
    assert heard == list(zip(states, [*states[1:], RedisState.HEALTHY], strict=True))


@pytest.mark.req("1.3", "verifies the server")
@pytest.mark.parametrize(
    ("info", "save", "persistence"),
    [
        ({"aof_enabled": 1}, "", "aof"),
        ({"aof_enabled": 0}, "3600 1", "rdb"),
        ({"aof_enabled": 1}, "3600 1", "aof+rdb"),
        ({}, "", "none"),
        ({}, None, "rdb?"),
    ],
)
def test_persistence_is_told(info: dict[str, Any], save: str | None, persistence: str) -> None:
    """Also where CONFIG is forbidden."""
    assert facts_of(info, save).persistence == persistence


@pytest.mark.req("1.3", "verifies the server")
def test_an_old_server_is_remarked_on() -> None:
    """RQ needs 6.2."""
    old = facts_of({"redis_version": "6.0.16", "maxmemory_policy": "noeviction"}, "x")
    assert any("6.2" in remark for remark in old.remarks())
    assert facts_of({"redis_version": "7.0", "maxmemory_policy": "noeviction"}, "x").remarks() == []
