"""What only a process itself can see of its host: connections, disk, clock, key, its model."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy.pool import QueuePool

from altwright import folders
from altwright.db.session import POOL_OVERFLOW, Database, utcnow
from altwright.domain.worker import host_name
from altwright.errors import DatabaseUnavailable
from altwright.tasks.alerting.rules import Thresholds
from altwright.tasks.cluster.service_state import ServiceState

#: Rows of service_state: what is wrong on a host, as a sentence.
POOL, DISK, CLOCK, KEY = "trouble:pool", "trouble:disk", "trouble:clock", "trouble:key"
MODEL = "trouble:model"
TROUBLES = (POOL, DISK, CLOCK, KEY, MODEL)
_log = logging.getLogger(__name__)

#: Seconds between two looks at disk, clock and key, between two notes of what is still wrong, and
#: after which a note is out of date.
LOOK_EVERY_S, NOTE_EVERY_S, FRESH_S = 30.0, 10.0, 45.0
#: Looks in a row, a second apart, that find every connection in use.
POOL_LOOKS = 3
#: Seconds that the database may take to tell its time, if it is to say something of the clock.
PROMPT_S = 1.0


class HostWatch:
    """Every process looks at itself, and leaves a note for the leader while something is wrong."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        thresholds: Thresholds,
        key_fits: Callable[[], bool],
        lacks: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the folder that must have room.

        ``key_fits`` says whether the key is the right one, ``lacks`` what describing lacks here.
        """
        self._database = database
        self._state = ServiceState(database)
        self._folder = folder
        self.thresholds = thresholds
        self._key_fits = key_fits
        self._lacks = lacks
        self._clock = clock
        self._look_at = clock()
        self._note_at = self._look_at
        self._pool_looks = 0
        self._wrong: dict[str, str] = {}

    def look(self) -> None:
        """Look at what is due, and note what is wrong; once a second. Never raises for trouble."""
        at = self._clock()
        pool: QueuePool = self._database.engine.pool  # type: ignore[assignment]  # make_engine's
        is_exhausted = pool.checkedout() >= pool.size() + POOL_OVERFLOW
        self._pool_looks = self._pool_looks + 1 if is_exhausted else 0
        if self._pool_looks >= POOL_LOOKS:
            self._wrong[POOL] = f"{self._host}: every one of its database connections is in use."
        # A database that is away, or has no connection for this, is what other alerts are about.
        with suppress(DatabaseUnavailable):
            if at >= self._look_at:
                self._look_at = at + LOOK_EVERY_S
                before = self._wrong
                self._wrong = dict(self._looked()) | {
                    name: words for name, words in self._wrong.items() if name == POOL
                }
                for words in set(self._wrong.values()) - set(before.values()):
                    _log.warning("%s", words)
            if self._wrong and at >= self._note_at:
                for name, words in self._wrong.items():
                    self._state.set(name, words)
                self._wrong.pop(POOL, None)
                self._note_at = at + NOTE_EVERY_S

    @property
    def _host(self) -> str:
        return host_name()

    def _looked(self) -> Iterator[tuple[str, str]]:
        yield from self._disk()
        skew_s = self._skew_s()
        if abs(skew_s) > self.thresholds.clock_skew_s:
            way = "behind" if skew_s > 0 else "ahead of"
            yield CLOCK, f"{self._host}: its clock is {abs(skew_s):.0f} s {way} the database's."
        if not self._key_fits():
            yield KEY, f"{self._host}: its encryption key isn't the one of this database."
        if lacking := self._lacks():
            yield MODEL, f"{self._host}: {lacking}."

    def _disk(self) -> Iterator[tuple[str, str]]:
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError as error:
            yield DISK, f"{self._host}: DATA_DIR can't be used: {folders.reason_of(error)}."
            return
        if usage.free < self.thresholds.disk_free_share * usage.total:
            free = f"{usage.free / 2**30:.1f} GB ({usage.free / usage.total:.1%})"
            yield DISK, f"{self._host}: {free} of the disk with DATA_DIR is free."

    def _skew_s(self) -> float:
        """Return how many seconds the database's clock is ahead of this host's; 0: unknown."""
        began = utcnow()
        at = self._database.now()
        took = utcnow() - began
        if took.total_seconds() > PROMPT_S:
            return 0.0
        return (at - (began + took / 2)).total_seconds()
