"""Every error that Altwright raises on purpose.

Branches are remedies (who has to do what), leaves are causes. Adapters turn foreign
exceptions into these at their edge; above the adapters nobody catches anything else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Category(StrEnum):
    """Why something failed, as stored with tasks and items and shown to administrators."""

    NETWORK = "network"
    RATE_LIMIT = "rate_limit"
    SERVICE_DOWN = "service_down"
    AUTHENTICATION = "authentication"
    #: The service itself isn't set up as it should be: an administrator's, not the user's.
    CONFIGURATION = "configuration"
    BAD_INPUT = "bad_input"
    #: Nothing is broken: a text waits for a person's decision, and the reason says for which.
    REVIEW = "review"
    EXHAUSTED = "exhausted"
    TIMEOUT = "timeout"
    #: What was stored can't be read, or makes no sense; `altwright task repair` deals with it.
    CORRUPT = "corrupt"
    FAULT = "fault"


class Superseded(Exception):
    """Raised by an item's effect that has nothing to write any more, since somebody was faster.

    The item is skipped; ``str(error)`` is its reason, for people.
    """


class AltwrightError(Exception):
    """Unexpected error: answered with 500, logged with where it was raised.

    ``str(error)`` is one or two sentences that are safe to show to a user: no token, path,
    internal address or stack. ``operator_detail`` is more for the operator's log: another
    server's own words, cleaned and cut.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    category: Category = Category.FAULT
    operator_detail: str = ""


class ConfigError(AltwrightError):
    """The operator has to fix the settings that it names; the process exits with 2.

    ``problems`` lists every fault found, each as "NAME: what is wrong and what it should be".
    """

    title = "Wrong configuration"

    def __init__(self, problems: list[str]) -> None:
        """Collect all ``problems`` at once, so that nobody fixes them one start at a time."""
        super().__init__("\n".join(problems))
        self.problems = problems


class RequestError(AltwrightError):
    """The caller has to ask differently: 4xx, not logged as an error."""

    status = 400
    title = "Bad request"
    category = Category.BAD_INPUT


class InvalidInput(RequestError):
    """The request's content is wrong; ``fields`` maps a field's name to its fault."""

    status = 422
    title = "Invalid input"

    def __init__(self, detail: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.fields = fields or {}


class NotSignedIn(RequestError):
    """No valid session or token came with the request."""

    status = 401
    title = "Not signed in"


class NotAllowed(RequestError):
    """The caller is known and may not do this."""

    status = 403
    title = "Not allowed"


class NotFound(RequestError):
    """There is no such thing, or it belongs to somebody else (the answer is the same)."""

    status = 404
    title = "Not found"


class TaskNotFound(NotFound):
    """There is no task with this id that the caller may see."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"There is no task {task_id}.")
        self.task_id = task_id


class Conflict(RequestError):
    """The thing isn't in a state in which this can be done."""

    status = 409
    title = "Conflict"


class TaskStateConflict(Conflict):
    """A task's state or attempt has moved on; whoever loses the race does nothing."""

    title = "The task's state has changed"

    def __init__(self, task_id: str, expected: str) -> None:
        super().__init__(f"Task {task_id} is not {expected} any more.")
        self.task_id = task_id


class ActiveTaskExists(Conflict):
    """The user has an active task already; ``task_id`` names it."""

    title = "A task is active already"

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id} is active; wait until it has ended, or cancel it.")
        self.task_id = task_id


class TemporaryError(AltwrightError):
    """The machine tries again after ``retry_in_s`` seconds (None: as the policy says)."""

    status = 503
    title = "Temporarily unavailable"
    category = Category.SERVICE_DOWN

    def __init__(
        self, detail: str, *, retry_in_s: float | None = None, category: Category | None = None
    ) -> None:
        super().__init__(detail)
        self.retry_in_s = retry_in_s
        self.category = category or self.category


class DatabaseUnavailable(TemporaryError):
    """The database does not answer."""


class RedisUnavailable(TemporaryError):
    """Redis doesn't answer, or its circuit breaker is open."""


class Busy(TemporaryError):
    """So much of this is being done at the moment that no more is begun."""


class PlatformUnavailable(TemporaryError):
    """The Fediverse server doesn't answer, or answers 5xx."""


class DescriberUnavailable(TemporaryError):
    """The describer (model server or describer process) doesn't answer or can't now."""


class NotOnThisHost(DescriberUnavailable):
    """What is to describe isn't on this host; another one may have it, or another describer do."""


class ModelHubUnavailable(TemporaryError):
    """What vision models are fetched from doesn't answer or can't now; describing goes on."""


class ImageUnavailable(TemporaryError):
    """One picture could not be fetched for a reason that may pass (time-out, 5xx)."""

    category = Category.NETWORK


class RateLimited(TemporaryError):
    """A server asked us to wait; ``retry_in_s`` says how long."""

    status = 429
    title = "Too many requests"
    category = Category.RATE_LIMIT


class PermanentError(AltwrightError):
    """A person has to change something: trying again can't help."""

    status = 422
    title = "Cannot be done"
    category = Category.BAD_INPUT
    #: Whether it ends the whole task: the other items would fare the same, or worse.
    ends_task: ClassVar[bool] = False
    #: Whether several items in a row that meet it end the task: it isn't theirs then.
    ends_streak: ClassVar[bool] = False


class PlatformRefused(PermanentError):
    """The Fediverse server refused (401, 403, 404, 422): token revoked, post gone."""

    def __init__(self, detail: str, *, category: Category = Category.BAD_INPUT) -> None:
        """Say what was refused; ``category`` AUTHENTICATION asks the user to reconnect."""
        super().__init__(detail)
        self.category = category


class OutboundRefused(PermanentError):
    """An address lies on our own network, or isn't http or https: we don't call it."""


class ImageUnusable(PermanentError):
    """One picture can't be described: not a picture, damaged, too large, of a kind we skip."""


class CaptionUnusable(PermanentError):
    """The describer answered with something that is no description; nothing is stored."""


class PictureRefused(CaptionUnusable):
    """The rules of a describer's server forbid this picture.

    Whether another describer gets it is a person's choice.
    """


class ModelUnusable(PermanentError):
    """A model can't be had: it isn't there, isn't what was stated, or finds no room."""

    ends_task = True
