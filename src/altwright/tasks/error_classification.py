"""What an error means for the item that met it and for its task: the one place that decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from altwright.errors import (
    AltwrightError,
    CaptionUnusable,
    Category,
    ConfigError,
    DescriberUnavailable,
    ImageUnavailable,
    ModelHubUnavailable,
    OutboundRefused,
    PermanentError,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
    RequestError,
    TemporaryError,
)

#: What people read when the fault is ours; the log has the traceback under the task's id.
OUR_FAULT = "Something went wrong inside Altwright. The administrator's log says more."
#: What people read when the service lacks something; the log has the settings' names.
NOT_SET_UP = "The describer isn't set up on this server. An administrator has been told."
#: The same where a probe finds nothing wrong: a server that refuses this one picture.
NOT_FOR_THIS = "The describer refused this one. An administrator's log says more."


class Source(StrEnum):
    """Where an error came from; a task asks a server by this name how it is."""

    PLATFORM = "platform"
    DESCRIBER = "describer"
    PICTURES = "pictures"
    MODEL_HUB = "model_hub"
    ALTWRIGHT = "altwright"


class Meaning(Enum):
    """What an error that comes with one item says about it."""

    #: A server asked for a pause: no failure of anything.
    WAIT = "wait"
    #: It may pass: the item is tried again, after the others.
    PASSING = "passing"
    #: It may pass, and if the server as a whole says the same, the task can't be done at all.
    DOUBTFUL = "doubtful"
    #: Trying again can't help.
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as the runner sees it. ``words`` are a user's; ``detail`` is the operator's."""

    meaning: Meaning
    category: Category
    words: str
    source: Source
    retry_in_s: float | None = None
    detail: str = ""
    #: The other items would fare the same, or worse; nobody needs to be asked.
    ends_task: bool = False
    #: Several items in a row that meet it end the task, after they have failed.
    ends_streak: bool = False

    @property
    def cause(self) -> tuple[Category, Source]:
        """Return what makes two failures one and the same trouble."""
        return self.category, self.source

    def of_whole_service(self) -> Fault:
        """Return the same as a fault that a probe has confirmed."""
        if self.category is Category.CONFIGURATION:
            return replace(self, words=NOT_SET_UP)
        return self


def fault_of(error: Exception) -> Fault:
    """Return what an error means.

    The engine's own ways out (TaskStateConflict, DatabaseUnavailable, Interrupted) are none.
    """
    match error:
        case RateLimited():
            return _fault(Meaning.WAIT, error, error.retry_in_s)
        case TemporaryError():
            return _fault(Meaning.PASSING, error, error.retry_in_s)
        case ConfigError():
            return Fault(
                Meaning.DOUBTFUL,
                Category.CONFIGURATION,
                NOT_FOR_THIS,
                Source.DESCRIBER,
                detail=" ".join(filter(None, (str(error), error.operator_detail))),
            )
        case PermanentError() if error.category is Category.AUTHENTICATION:
            return _fault(Meaning.DOUBTFUL, error)
        case PermanentError() | RequestError():
            return replace(
                _fault(Meaning.FINAL, error),
                ends_task=getattr(error, "ends_task", False),
                ends_streak=getattr(error, "ends_streak", False),
            )
        case _:
            return Fault(Meaning.PASSING, Category.FAULT, OUR_FAULT, Source.ALTWRIGHT)


def unknown_kind(name: str) -> Fault:
    """Return what it means that a worker doesn't know a task's kind.

    While a cluster is upgraded, those of the newer version do: it waits for one of them.
    """
    words = f"The worker that took it doesn't know the kind {name[:32]!r}; a newer Altwright may."
    return Fault(Meaning.PASSING, Category.CORRUPT, words, Source.ALTWRIGHT)


def _fault(meaning: Meaning, error: AltwrightError, retry_in_s: float | None = None) -> Fault:
    return Fault(
        meaning, error.category, str(error), _source(error), retry_in_s, error.operator_detail
    )


def _source(error: AltwrightError) -> Source:
    match error:
        case PlatformUnavailable() | PlatformRefused() | OutboundRefused():
            return Source.PLATFORM
        case DescriberUnavailable() | CaptionUnusable():
            return Source.DESCRIBER
        case ImageUnavailable():
            return Source.PICTURES
        case ModelHubUnavailable():
            return Source.MODEL_HUB
        case _:
            return Source.ALTWRIGHT
