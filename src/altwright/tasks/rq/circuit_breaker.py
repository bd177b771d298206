"""RedisHealthMonitor: circuit breaker fed by pings and by failed calls."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import redis
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, ResponseError

from altwright.background import BackgroundLoop
from altwright.errors import RedisUnavailable
from altwright.tasks.rq.connection_errors import reason_of
from altwright.tasks.rq.redis_client import PROBE_KEY, RedisFull, move, translated

_log = logging.getLogger(__name__)

#: RQ needs BLMOVE (its worker.py checks 6.2.0).
OLDEST_VERSION = (6, 2)
#: Good answers in a row that end an outage, and the most that are asked of a flapping server.
FIRST_GOOD, MOST_GOOD = 2, 16
#: Seconds within which a second outage counts as flapping.
FLAP_S = 60.0
#: Seconds between pings: while something is wrong, and while Redis is down.
SUSPECT_S, DOWN_S = 0.1, 0.5
#: Seconds between two looks at memory and policy.
INFO_EVERY_S = 5.0
#: Shares of maxmemory (DESIGN.md, Redis): an alert and a purge; dispatch stops.
MEMORY_ALERT, MEMORY_FULL = 0.8, 0.9


#: Said where nothing more is known of why Redis isn't used.
AWAY = "Redis is away."
#: Stands for what a server doesn't tell.
UNKNOWN = "unknown"


class RedisState(StrEnum):
    """The circuit breaker's states; calls are tried in the first two only."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    DOWN = "down"
    RECOVERING = "recovering"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server said of itself; ``memory_share`` is None without a maxmemory.

    A server that keeps INFO to itself says ``UNKNOWN``. ``unusable``: why it can't serve at all.
    """

    version: str
    policy: str
    persistence: str
    used_bytes: int
    memory_share: float | None
    unusable: str | None = None

    def remarks(self) -> list[str]:
        """Return what an administrator should change."""
        remarks = self.settings_remarks()
        if self.persistence == "none":
            remarks.append("nothing is persisted; tasks survive in the database all the same")
        if self.memory_share is not None and self.memory_share > MEMORY_ALERT:
            remarks.append(f"{self.memory_share:.0%} of maxmemory is used")
        return remarks

    def settings_remarks(self) -> list[str]:
        """Return what makes a server lose jobs, however much room it has."""
        if self.version == UNKNOWN:
            return ["INFO isn't allowed here, so memory and eviction policy aren't watched"]
        remarks = []
        if tuple(int(part) for part in re.findall(r"\d+", self.version)[:2]) < OLDEST_VERSION:
            remarks.append(f"version {self.version} is older than 6.2, which RQ needs")
        if self.policy != "noeviction":
            remarks.append(f"maxmemory-policy is {self.policy}; set noeviction")
        return remarks


class RedisHealthMonitor:
    """Pings Redis, is told of every failed call, and opens and closes the circuit."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        url: str = "",
        interval_s: float = 1.0,
        threshold: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the client and its address, seconds between pings, failures that mean "down"."""
        self.client = client
        self.url = url
        self._interval_s = interval_s
        self._threshold = threshold
        self._clock = clock
        self._lock = threading.Lock()
        #: Pings.
        self.loop = BackgroundLoop("redis-health", self.check, every_s=self._pause_s)
        self._listeners: list[Callable[[RedisState, RedisState], None]] = []
        self._failures = 0
        self._good = 0
        self._good_needed = FIRST_GOOD
        self._last_outage_at = -FLAP_S
        self._looked_at = -INFO_EVERY_S
        self._refused = False
        #: Whether administrators want tasks to stay in the database (DeliveryWish).
        self.held = False
        #: Why the last call or look failed, in words for an operator; None: it didn't.
        self.reason: str | None = None
        self.state = RedisState.HEALTHY
        self.changed_at = clock()
        self.facts: ServerFacts | None = None

    @property
    def usable(self) -> bool:
        """Return whether calls are tried."""
        return self.state in {RedisState.HEALTHY, RedisState.SUSPECT}

    @property
    def full(self) -> bool:
        """Return whether memory is so short that new tasks stay in the database."""
        share = self.facts.memory_share if self.facts else None
        return self._refused or (share is not None and share > MEMORY_FULL)

    @property
    def takes_jobs(self) -> bool:
        """Return whether tasks go by Redis now; else they wait in, and come from, the database."""
        return self.usable and not self.full and not self.held

    def hold(self, held: bool) -> None:  # noqa: FBT001 - a switch
        """Let tasks stay in the database, or go by Redis again; all else goes on using it."""
        self.held = held

    def on_change(self, listener: Callable[[RedisState, RedisState], None]) -> None:
        """Call ``listener(before, after)`` at each change of state, from the thread that saw it."""
        self._listeners.append(listener)

    @contextmanager
    def guarded(self) -> Iterator[redis.Redis]:
        """Lend the client for a few calls.

        Raises:
            RedisUnavailable: the circuit is open (at once), or a call failed (and was noted).
        """
        if not self.usable:
            raise RedisUnavailable(self.words)
        try:
            with translated():
                yield self.client
        except RedisFull:
            self._refused = True  # it answers, so the circuit stays closed; see ``look``
            raise
        except RedisUnavailable as error:
            self._fail(error)
            raise

    @property
    def words(self) -> str:
        """Return why Redis isn't used, as a sentence."""
        return self.reason or AWAY

    def _fail(self, error: RedisUnavailable) -> None:
        self.reason = str(error)
        self.note(answered=False)

    def note(self, *, answered: bool) -> None:
        """Take one answer, or its absence, into account."""
        with self._lock:
            before = self.state
            self.state = self._next(answered=answered)
            after = self.state
            if after is not before:
                self.changed_at = self._clock()
        if after is not before:
            why = f": {self.reason}" if self.reason and after is not RedisState.HEALTHY else ""
            _log.warning("redis is %s, was %s%s", after, before, why)
            for listener in self._listeners:
                listener(before, after)
        if not answered:
            self.loop.wake()

    def _next(self, *, answered: bool) -> RedisState:
        if answered:
            self._failures = 0
            match self.state:
                case RedisState.DOWN:
                    self._good = 1
                    return RedisState.RECOVERING
                case RedisState.RECOVERING:
                    self._good += 1
                    enough = self._good >= self._good_needed
                    return RedisState.HEALTHY if enough else RedisState.RECOVERING
                case _:
                    return RedisState.HEALTHY
        self._failures += 1
        match self.state:
            case RedisState.HEALTHY | RedisState.SUSPECT:
                if self._failures < self._threshold:
                    return RedisState.SUSPECT
                at = self._clock()
                flaps = at - self._last_outage_at < FLAP_S
                self._good_needed = min(self._good_needed * 2, MOST_GOOD) if flaps else FIRST_GOOD
                self._last_outage_at = at
                self._looked_at = at - INFO_EVERY_S  # what comes back may be another server
                return RedisState.DOWN
            case _:
                return RedisState.DOWN

    def check(self) -> bool:
        """Ping once, look at memory and policy when due, and take the answer into account.

        After any failure a write is tried, too: a replica, a cluster's node and a server that
        refuses writes answer each PING, and would come and go for ever.
        """
        try:
            with translated():
                self.client.ping()
                if self._clock() - self._looked_at >= INFO_EVERY_S:
                    self.look()
                _require_usable(self.facts)
                if self.state is not RedisState.HEALTHY:
                    self._try_a_write()
        except RedisUnavailable as error:
            self._fail(error)
            return False
        self.note(answered=True)
        if self.state is RedisState.HEALTHY:
            self.reason = None
        return True

    def try_out(self) -> ServerFacts:
        """Ask all that matters once, for somebody who waits for the answer.

        Raises:
            RedisUnavailable: it can't be used; RedisFull, of these, that it is full.
        """
        facts = self.look()
        _require_usable(facts)
        with translated():
            self._write()
        return facts

    def _try_a_write(self) -> None:
        try:
            self._write()
        except OutOfMemoryError:
            self._refused = True  # full isn't away

    def _write(self) -> None:
        self.client.set(PROBE_KEY, "1", px=1000)
        self.client.eval("return 1", 0)  # jobs are taken and ended by scripts

    def look(self) -> ServerFacts:
        """Ask the server about itself (requirement 1.3), as far as it tells.

        Raises RedisUnavailable.
        """
        info: dict[str, Any] | None = None
        saves: Any = {}
        with translated():
            try:
                info = self.client.info()
                saves = self.client.config_get("save")
            except ResponseError as error:
                # INFO and CONFIG are forbidden to users by the rule that Redis' documentation
                # gives (+@all -@dangerous), and CONFIG on many hosted servers.
                if not _is_forbidden(error):
                    raise
        first = self.facts is None
        self.facts = facts_of(info, saves.get("save")) if info else _UNTOLD
        self._refused = False
        self._looked_at = self._clock()
        if first:
            _log.info(
                "redis %s, policy %s, persistence %s",
                self.facts.version,
                self.facts.policy,
                self.facts.persistence,
            )
            for remark in self.facts.remarks():
                _log.warning("redis: %s", remark)
        return self.facts

    def move(self, url: str) -> None:
        """Watch and lend another server from now on."""
        move(self.client, url)
        self.url = url
        self.facts = None
        self._looked_at = self._clock() - INFO_EVERY_S
        self.loop.wake()

    def _pause_s(self) -> float:
        match self.state:
            case RedisState.HEALTHY:
                return self._interval_s
            case RedisState.SUSPECT:
                return SUSPECT_S
            case _:
                return DOWN_S * (1 + random.random() / 2)  # noqa: S311 - jitter, no secret


def _require_usable(facts: ServerFacts | None) -> None:
    if facts is not None and facts.unusable:
        raise RedisUnavailable(f"Redis can't be used: {facts.unusable}.")


def _is_forbidden(error: ResponseError) -> bool:
    return isinstance(error, NoPermissionError) or "unknown command" in str(error).lower()


def _unusable(info: dict[str, Any]) -> str | None:
    if info.get("cluster_enabled") or info.get("redis_mode") == "cluster":
        return reason_of(ResponseError("CLUSTERDOWN"))
    if info.get("role") == "slave":
        return reason_of(ReadOnlyError("READONLY"))
    return None


#: The facts of a server that tells none.
_UNTOLD = ServerFacts(UNKNOWN, UNKNOWN, UNKNOWN, used_bytes=0, memory_share=None)


def facts_of(info: dict[str, Any], save: str | None) -> ServerFacts:
    """Read the answers to INFO and to CONFIG GET save (None: it isn't known)."""
    limit = int(info.get("maxmemory", 0))
    used = int(info.get("used_memory", 0))
    kinds = {"aof": bool(info.get("aof_enabled")), "rdb": bool(save), "rdb?": save is None}
    return ServerFacts(
        version=str(info.get("redis_version", "0.0")),
        policy=str(info.get("maxmemory_policy", "unknown")),
        persistence="+".join(kind for kind, is_on in kinds.items() if is_on) or "none",
        used_bytes=used,
        memory_share=used / limit if limit else None,
        unusable=_unusable(info),
    )
