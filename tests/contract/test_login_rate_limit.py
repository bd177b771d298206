"""How often a password may be guessed: counted in Redis for all, without it in the process."""

from __future__ import annotations

import pytest
from tests.servers import RedisServer
from tests.support_engine import NOWHERE

from altwright.errors import RateLimited
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import FAILED_LOGINS_KEY, connect
from altwright.web import login_rate_limit
from altwright.web.login_rate_limit import TRIES_OF_ADDRESS, TRIES_OF_NAME, WINDOW_S, LoginLimit

HERE = "192.0.2.1"


class Counting(LoginLimit):
    """A limit with a clock that tests turn."""

    def __init__(self, url: str) -> None:
        self.at = 1000.0
        super().__init__(RedisHealthMonitor(connect(url), url=url), lambda: self.at)

    @property
    def entries(self) -> int:
        """Return how many are in memory."""
        return len(self._counts)

    def try_all(self, name: str = "anna", address: str = HERE) -> RateLimited:
        """Try as often as one may, and once more; return the refusal."""
        for _ in range(TRIES_OF_NAME):
            self.enter(name, address)
        with pytest.raises(RateLimited) as refused:
            self.enter(name.upper(), address)
        return refused.value


def test_without_redis_tries_count_for_a_quarter_of_an_hour() -> None:
    """From the first of them on; the refusal says how long it is still."""
    limit = Counting(NOWHERE)
    limit.enter("anna", HERE)
    limit.forgive("ANNA", HERE)
    refused = limit.try_all()
    assert refused.retry_in_s == WINDOW_S
    assert str(refused) == "Too many sign-ins have failed; try again in 15 min."
    limit.at += WINDOW_S - 61
    with pytest.raises(RateLimited, match=r"in 2 min\.") as later:
        limit.enter("anna", HERE)
    assert later.value.retry_in_s == 61
    limit.at += 61
    limit.enter("anna", HERE)


def test_entries_that_have_ended_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that haven't count on."""
    monkeypatch.setattr(login_rate_limit, "MANY", 3)
    limit = Counting(NOWHERE)
    limit.enter("old", "192.0.2.9")
    limit.enter("older", "192.0.2.9")
    assert limit.entries == 4
    limit.at += WINDOW_S
    limit.try_all()
    assert limit.entries == 3
    with pytest.raises(RateLimited):
        limit.enter("anna", HERE)
    limit.enter("old", "192.0.2.9")


@pytest.mark.parametrize("name", ["anna", "\ud800"])
def test_with_redis_all_processes_count_together(valkey: RedisServer, name: str) -> None:
    """The counts end by themselves, and no name can be read in them; a right password ends one."""
    first, second = Counting(valkey.url), Counting(valkey.url)
    refused = first.try_all(name)
    with pytest.raises(RateLimited):
        second.enter(name, HERE)
    assert refused.retry_in_s == pytest.approx(WINDOW_S, abs=60)
    with valkey.client() as client:
        keys = list(client.scan_iter("*"))
        assert len(keys) == 3  # of the address, of the name there, and of all that failed
        assert all(0 < int(str(client.ttl(key))) <= WINDOW_S for key in keys)
        assert not any(b"anna" in key for key in keys)
        for key in keys:
            client.expire(key, 100)
        with pytest.raises(RateLimited) as later:
            first.enter(name, HERE)
        assert later.value.retry_in_s is not None
        assert later.value.retry_in_s <= 100, "a try doesn't lengthen the time of those before it"
        second.forgive(name, HERE)
        assert 0 < int(str(client.ttl(FAILED_LOGINS_KEY))) <= 100, "nor does one forgiven"
        client.delete(FAILED_LOGINS_KEY)
        first.enter("bert", HERE)
        client.delete(FAILED_LOGINS_KEY)
        first.forgive("bert", HERE)
        assert client.get(FAILED_LOGINS_KEY) == b"0", "what isn't counted any more isn't taken off"
        assert 0 < int(str(client.ttl(FAILED_LOGINS_KEY))) <= WINDOW_S
    first.enter(name, HERE)


@pytest.mark.parametrize("has_redis", [True, False])
def test_an_address_has_its_own_limit(valkey: RedisServer, *, has_redis: bool) -> None:
    """Whatever names are tried there; elsewhere nothing is counted."""
    limit = Counting(valkey.url if has_redis else NOWHERE)
    for number in range(TRIES_OF_ADDRESS):
        limit.enter(f"user{number}", HERE)
    with pytest.raises(RateLimited):
        limit.enter("another", HERE)
    limit.enter("another", "192.0.2.2")
