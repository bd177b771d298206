"""LookAhead: fetches and describes the pictures that come next while one is in hand.

Nothing of it is written: what a picture's own turn doesn't use is thrown away. Its threads ask the
database whether a picture has a text already, and hold no connection while they wait for a server.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from altwright import interrupts, tracing
from altwright.captions.pictures.decoding import Prepared
from altwright.captions.pictures.picture_fetch import PictureSource
from altwright.describers.port import Describer, Description, Request
from altwright.interrupts import Interrupt, Interrupted, interruptible
from altwright.tasks.error_classification import Meaning, fault_of

#: Pictures that are looked at ahead, for each that is described at a time: prepared ones wait for
#: the describer, described ones for their turn.
AHEAD: Final = 2
#: Answers that didn't fit what was asked for in a picture's own turn, after which no more are
#: sought: a server whose addresses differ each time would have every picture described twice.
MISFITS_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture and its description; ``took_s`` leaves out the time in which it waited."""

    prepared: Prepared
    description: Description
    took_s: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the picture at an address, described so. ``number``: its place in turn."""

    number: int
    picture_id: int
    url: str
    request: Request


class LookAhead:
    """One attempt's; its methods are called in the attempt's thread."""

    def __init__(
        self,
        source: PictureSource,
        describer: Describer,
        parallel: int,
        name: str,
        known_text: Callable[[Wanted, Prepared], Description | None],
    ) -> None:
        """Take how many pictures are described at a time; ``name`` is in those of the threads.

        ``known_text`` says what a picture that needs no describer is called, in any thread.
        """
        self._known_text = known_text
        self._source = source
        self._describer = describer
        self._name = name
        self._most = AHEAD * parallel
        self._turns = _Turns(parallel)
        self._looks: dict[int, _Look] = {}
        #: Numbers of pictures that met what may be a server's fault, until their turn has come.
        self.troubled: set[int] = set()
        self._misfits = 0
        self._in_hand = -1

    @property
    def room(self) -> int:
        """Return how many more pictures may be begun now."""
        if self.troubled or self._misfits >= MISFITS_MOST:
            return 0
        return self._most - len(self._looks.keys() - {self._in_hand})

    def is_begun(self, number: int) -> bool:
        """Return whether a picture is looked at already."""
        return number in self._looks

    def begin(self, wanted: Wanted) -> None:
        """Begin with a picture that will come."""
        self._turns.expect(wanted.number)
        look = _Look(self, wanted, f"{self._name}-{wanted.number}")
        self._looks[wanted.number] = look
        look.start()

    def expect(self, number: int) -> None:
        """Let no later picture be described before the one in hand; drop what came before it."""
        self._in_hand = number
        for former in [one for one in self._looks if one < number]:
            self.drop(former)
        if number not in self._looks:
            self._turns.expect(number)

    def seen(self, wanted: Wanted, checkpoint: Callable[[], None]) -> Seen:
        """Return what is in the picture in hand, from before or by looking now.

        Raises what fetching and describing raise, whenever that was met.
        """
        look = self._looks.get(wanted.number)
        if look is not None and look.wanted != wanted:
            self._misfits += 1
            self.drop(wanted.number)
            look = None
        if look is not None:
            seen = look.result()
            if isinstance(seen, Seen):
                return seen
            prepared, fetching_s = seen
        else:
            prepared, fetching_s = self.fetched(wanted)
        checkpoint()
        if known := self._known(wanted, prepared, fetching_s):
            return known
        with self._turns.turn(wanted.number):
            return self.described(wanted, prepared, fetching_s)

    def drop(self, number: int) -> None:
        """Forget a picture: its turn is over, or won't come."""
        look = self._looks.pop(number, None)
        if look is not None:
            look.end()
        self.troubled.discard(number)
        self._turns.forget(number)

    def close(self) -> None:
        """End all threads."""
        for look in self._looks.values():
            look.interrupt.interrupt()
        for number in list(self._looks):
            self.drop(number)

    # What follows is called in any thread.

    def look(self, wanted: Wanted) -> Seen | tuple[Prepared, float]:
        """Return what is in a picture; undescribed if a server is in trouble meanwhile."""
        prepared, fetching_s = self.fetched(wanted)
        if known := self._known(wanted, prepared, fetching_s):
            return known
        with self._turns.turn(wanted.number):
            if self.troubled:
                return prepared, fetching_s
            return self.described(wanted, prepared, fetching_s)

    def _known(self, wanted: Wanted, prepared: Prepared, fetching_s: float) -> Seen | None:
        description = self._known_text(wanted, prepared)
        return None if description is None else Seen(prepared, description, fetching_s)

    def fetched(self, wanted: Wanted) -> tuple[Prepared, float]:
        """Return a picture and the seconds that it took."""
        began = time.monotonic()
        prepared = self._source.fetch(wanted.url)
        return prepared, time.monotonic() - began

    def described(self, wanted: Wanted, prepared: Prepared, fetching_s: float) -> Seen:
        """Describe a picture whose turn it is."""
        began = time.monotonic()
        with tracing.span("describe", describer=self._describer.name):
            description = self._describer.describe(prepared.picture, wanted.request)
        return Seen(prepared, description, fetching_s + time.monotonic() - began)

    def left(self, number: int, error: Exception | None) -> None:
        """Note that a look has ended."""
        if error is not None and fault_of(error).meaning is not Meaning.FINAL:
            self.troubled.add(number)
        self._turns.forget(number)


class _Look(threading.Thread):
    """One picture that is looked at ahead."""

    def __init__(self, ahead: LookAhead, wanted: Wanted, name: str) -> None:
        # A daemon, as workers' threads are: a process that is to end waits for no server.
        super().__init__(name=name, daemon=True)
        self.wanted = wanted
        self.interrupt = Interrupt()
        self._ahead = ahead
        self._of_attempt = interrupts.current()
        #: The attempt's, for log lines and traces.
        self._context = contextvars.copy_context()
        self._over = threading.Event()
        self._seen: Seen | tuple[Prepared, float] | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        """Look; what is raised is kept until the picture's turn."""
        self._context.run(self._look)

    def _look(self) -> None:
        error: Exception | None = None
        try:
            # The attempt's interrupt reaches it, and so does the end of this one look.
            end = self._of_attempt.breaking_off(self.interrupt.interrupt)
            with end, interruptible(self.interrupt):
                self._seen = self._ahead.look(self.wanted)
        except Interrupted as interrupted:
            self._error = interrupted
        except Exception as met:  # noqa: BLE001 - raised in the picture's turn
            self._error = error = met
        finally:
            self._ahead.left(self.wanted.number, error)
            self._over.set()

    def result(self) -> Seen | tuple[Prepared, float]:
        """Wait, and return what was seen, or raise what was met."""
        interrupt = interrupts.current()
        with interrupt.breaking_off(self._over.set):
            self._over.wait()
        interrupt.check()
        if self._error is not None:
            raise self._error
        if self._seen is None:
            raise AssertionError("a look that is over has seen something, or met an error")
        return self._seen

    def end(self) -> None:
        """End the thread, wherever it is."""
        self.interrupt.interrupt()
        self.join()


class _Turns:
    """So many may describe at a time, and begin in the order of their numbers."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._expected: set[int] = set()
        self._changed = threading.Condition()

    def expect(self, number: int) -> None:
        """Let no higher number begin before this one."""
        with self._changed:
            self._expected.add(number)

    def forget(self, number: int) -> None:
        """Let the others go on without it."""
        with self._changed:
            self._expected.discard(number)
            self._changed.notify_all()

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Wait until it is this one's turn. Raises Interrupted."""
        interrupt = interrupts.current()
        self.expect(number)
        with interrupt.breaking_off(self._wake), self._changed:
            while not (self._free and number == min(self._expected)):
                interrupt.check()
                self._changed.wait()
            self._free -= 1
            self._expected.discard(number)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
