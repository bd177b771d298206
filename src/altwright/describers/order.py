"""Several describers in an order: where one fails, the next one describes the picture.

What kind of failure it is decides. A pause that a server asks for is waited for; a picture that a
describer's own rules forbid goes to no other one unless a person says so; whatever else goes wrong
is a reason to ask the next. Each is asked once for a picture, so nothing goes round.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from altwright.describers.port import Describer, Description, Picture, Request
from altwright.errors import (
    AltwrightError,
    CaptionUnusable,
    ConfigError,
    DescriberUnavailable,
    PictureRefused,
    RateLimited,
    TemporaryError,
)

_log = logging.getLogger(__name__)

#: Failures in a row after which a describer isn't asked for a while: one picture's fault is that
#: picture's.
FAILURES: Final = 2
#: Seconds of the first such while; each later one is twice as long, up to the last.
PAUSE_S, PAUSE_MOST_S = 30.0, 600.0
#: Seconds of a pause that is waited for if a server asks for it; a longer one is a failure.
WAIT_MOST_S: Final = 60.0
#: What people read of a describer that lacks something; the operator reads what.
NOT_SET_UP: Final = "It isn't set up as it should be."


class DescriberOrder(Describer):
    """Asks one describer after the other; with one alone it is that one."""

    def __init__(
        self, describers: Sequence[Describer], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take at least one, the first to ask first."""
        self.describers = tuple(describers)
        self._circuits = [Circuit(clock) for _ in describers]
        self.name, self.model = self.describers[0].name, self.describers[0].model
        self.abilities = self.describers[0].abilities

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture; ``evidence["instead_of"]`` says who didn't, and why.

        Raises as Describer.describe, of all failures the one that promises most.
        """
        failed: list[tuple[Describer, AltwrightError]] = []
        passing: TemporaryError | None = None
        ways = self._ways(request.describer)
        for describer, circuit in ways:
            error = circuit.refusal() if len(ways) > 1 else None
            if error is None:
                try:
                    found = describer.describe(picture, request)
                except AltwrightError as met:
                    if _is_waited_for(met):
                        raise
                    circuit.met(met)
                    if isinstance(met, PictureRefused):
                        if len(ways) == 1:
                            raise
                        return _instead(_left_to_a_person(describer, met), failed)
                    error = met
                    if isinstance(met, TemporaryError):
                        passing = passing or met
                    said = f"{met} {met.operator_detail}".strip()
                    _log.warning("%s doesn't describe this picture: %s", describer.name, said)
                else:
                    circuit.answered()
                    if passing is not None and not found.text:
                        raise passing  # a blank is no reason to give up one that may answer soon
                    return _instead(found, failed)
            failed.append((describer, error))
        raise _most_hopeful([error for _, error in failed])

    def read(self, picture: Picture) -> Any:
        """Return the words in a picture, in the shape of ``evidence["text"]``.

        None: nobody here reads, or can now. What is read is compared with what another describer
        wrote, so no failure is worth a picture's.
        """
        for describer, circuit in self._ways(""):
            if not describer.abilities.reads_text or circuit.refusal() is not None:
                continue
            try:
                found = describer.describe(picture, Request())
            except AltwrightError as met:
                circuit.met(met)
                said = f"{met} {met.operator_detail}".strip()
                _log.info("%s doesn't read the text in this picture: %s", describer.name, said)
            else:
                circuit.answered()
                return found.evidence.get("text")
        return None

    def probe(self) -> str:
        """Return what answers. Raises as Describer.probe, if none does."""
        said: list[str] = []
        problems: list[AltwrightError] = []
        for describer in self.describers:
            try:
                said.append(describer.probe())
            except (TemporaryError, ConfigError) as error:
                problems.append(error)
        if not said:
            raise problems[0]
        return "; ".join(said)

    def lacking(self) -> str:
        """Return what this host lacks for any of them."""
        return "; ".join(filter(None, (one.lacking() for one in self.describers)))

    def close(self) -> None:
        """Release what they hold."""
        for describer in self.describers:
            describer.close()

    def _ways(self, name: str) -> list[tuple[Describer, Circuit]]:
        ways = list(zip(self.describers, self._circuits, strict=True))
        if not name:
            return ways
        named = [way for way in ways if way[0].name == name]
        if not named:
            raise CaptionUnusable("The describer that was asked for isn't in use any more.")
        return named


class Circuit:
    """Says whether a describer is to be asked: not for a while once it has failed in a row."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._error: AltwrightError | None = None
        self._failures, self._until, self._pause_s = 0, 0.0, PAUSE_S

    def refusal(self) -> AltwrightError | None:
        """Return why it isn't asked now, or None: it is; after the while by one picture alone."""
        with self._lock:
            left_s = self._until - self._clock()
            if self._error is None or self._failures < FAILURES:
                return None
            if left_s > 0:
                return _anew(self._error, left_s)
            self._until = self._clock() + self._pause_s
            return None

    def met(self, error: AltwrightError) -> None:
        """Note a failure; what it says of one picture says nothing of the describer."""
        if not isinstance(error, TemporaryError | ConfigError):
            self.answered()
            return
        with self._lock:
            self._error = error
            self._failures += 1
            if isinstance(error, RateLimited):
                self._failures = FAILURES
            if self._failures >= FAILURES:
                asked_s = getattr(error, "retry_in_s", None) or 0.0
                self._until = self._clock() + max(asked_s, self._pause_s)
                self._pause_s = min(2 * self._pause_s, PAUSE_MOST_S)

    def answered(self) -> None:
        """Note that it is well."""
        with self._lock:
            self._error, self._failures = None, 0
            self._until, self._pause_s = 0.0, PAUSE_S


def why(error: AltwrightError) -> str:
    """Return what people read of a describer's failure."""
    return NOT_SET_UP if isinstance(error, ConfigError) else str(error)


def _is_waited_for(error: AltwrightError) -> bool:
    return isinstance(error, RateLimited) and (error.retry_in_s or 0.0) <= WAIT_MOST_S


def _left_to_a_person(describer: Describer, refused: PictureRefused) -> Description:
    """Return a blank: whether another describer gets to see this picture, its owner decides."""
    return Description("", describer.name, describer.model, None, {"refused": str(refused)})


def _instead(found: Description, failed: Sequence[tuple[Describer, AltwrightError]]) -> Description:
    """Return a description with what came before it."""
    if not failed:
        return found
    passed = [{"describer": one.name, "why": why(error)} for one, error in failed]
    return replace(found, evidence={**found.evidence, "instead_of": passed})


def passed_over(evidence: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and reason of each describer that didn't write a description, in their order."""
    found = evidence.get("instead_of")
    for one in found if isinstance(found, list) else ():
        match one:
            case {"describer": str(name), "why": str(reason)}:
                yield name, reason


def _anew(error: AltwrightError, left_s: float) -> AltwrightError:
    """Return an error that was met before, for a picture that didn't meet it itself."""
    if isinstance(error, ConfigError):
        return ConfigError(error.problems)
    return DescriberUnavailable(str(error), retry_in_s=left_s, category=error.category)


def _most_hopeful(errors: Sequence[AltwrightError]) -> AltwrightError:
    """Return what may pass before what is this picture's fault, and that before a wrong setting."""
    kinds = (TemporaryError, CaptionUnusable, AltwrightError)
    return next(error for kind in kinds for error in errors if isinstance(error, kind))
