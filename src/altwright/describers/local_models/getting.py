"""The kind of task that gets a model: its items are pieces of it, the check, and a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from altwright.describers.local_models.catalogue import MB, Model
from altwright.describers.local_models.client import LocalModel
from altwright.describers.local_models.download import Download
from altwright.describers.local_models.folder import ModelFolder, megabytes
from altwright.describers.local_models.hub import Hub
from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.domain.worker import host_name
from altwright.errors import (
    ConfigError,
    Conflict,
    DescriberUnavailable,
    InvalidInput,
    ModelUnusable,
    NotAllowed,
    PermanentError,
    RateLimited,
)
from altwright.tasks.error_classification import Source
from altwright.tasks.store.items import PLAN_BATCH, Planned, Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work

#: Bytes of an item: the task gives way to others' after each, a minute at 10 Mbit/s.
_PIECE_BYTES: Final = 64 * MB
#: Pieces at most, since a task is submitted with so many items; those of large models are larger.
_MOST_PIECES: Final = PLAN_BATCH - 10
#: Seconds until it is looked again whether a command still gets the same model.
_BESIDE_S: Final = 60.0
#: Keys of items: how many bytes are here after it; and what comes after all of them.
_BYTES, _CHECK, _TRY, _USE = "bytes", "check", "try", "use"


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """Which model is to be had; ``use_by``: who wants it to describe from then on, if it works."""

    model: Model
    use_by: UserRef | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the task's settings."""
        by = self.use_by
        named = {"id": by.id, "username": by.username, "address": by.address} if by else None
        return {"model": asdict(self.model), "use_by": named}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> ModelOrder:
        """Return what ``to_json`` was made from. Raises KeyError, TypeError, ValueError."""
        by = UserRef(**kept["use_by"], is_admin=True) if kept.get("use_by") else None
        return cls(Model.of_json(kept["model"]), by)


class GetModel(TaskKind):
    """The kind "model": one such task at a time, and behind all others."""

    name = "model"
    default_priority = Priority.LOW
    is_for_administrators = True

    def __init__(
        self,
        hub: Hub,
        models: ModelFolder,
        local: Callable[[str], LocalModel],
        use: Callable[[str, UserRef], None],
    ) -> None:
        """Take what makes a describer of a model's name, and what lets it describe.

        The latter raises NotAllowed where whoever ordered it may do so no more.
        """
        self.hub = hub
        self.models = models
        self.local = local
        self.use = use

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return an order's settings. Raises NotAllowed, InvalidInput."""
        if user is not None:
            raise NotAllowed("A model is chosen on an administrator's page.")
        try:
            return ModelOrder.of_json(settings).to_json()
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput("This is no model that can be had.") from error

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return one key for everybody."""
        return self.name

    def planned(self, settings: Mapping[str, Any]) -> Sequence[Planned]:
        """Return its pieces, the check, the trial and, where it is wished, the use."""
        order = ModelOrder.of_json(settings)
        size = order.model.size_bytes
        piece = max(_PIECE_BYTES, -(-size // _MOST_PIECES))
        ends = [*range(piece, size, piece), size]
        items = [Planned(f"{_BYTES} {end}", f"Up to {megabytes(end)}") for end in ends]
        items.append(Planned(_CHECK, "The checksums", last=True))
        items.append(Planned(_TRY, "A picture, to try it out", last=True))
        if order.use_by is not None:
            items.append(Planned(_USE, "Describing with it from now on", last=True))
        return items

    def open(self, run: Run) -> GetModelWork:
        """Begin an attempt, which goes on with what is here."""
        return GetModelWork(self, run)


class GetModelWork(Work):
    """One attempt."""

    def __init__(self, kind: GetModel, run: Run) -> None:
        self._kind = kind
        self._run = run
        self._order = ModelOrder.of_json(run.task.settings)
        model = self._order.model
        self._download = Download(kind.hub, kind.models, model, run.checkpoint)

    def plan(self) -> Iterator[Planned]:
        """Yield the items, for a task of another version."""
        yield from self._kind.planned(self._run.task.settings)

    def item(self, item: Item) -> Worked:
        """Do one of them."""
        try:
            return self._done(item.key)
        except Conflict as error:  # a command gets it at the same time
            raise RateLimited(str(error), retry_in_s=_BESIDE_S) from error
        except ConfigError as error:  # the disk, which no other item would find larger
            raise ModelUnusable("; ".join(error.problems)) from error

    def _done(self, key: str) -> Worked:
        what, _, end = key.partition(" ")
        match what:
            case "bytes":
                self._download.up_to(int(end), self._say)
            case "check":
                self._run.step("Checking the files …")
                self._download.finish(self._say)
            case "try":
                return self._tried()
            case "use":
                return self._used()
        return Worked(ItemStatus.DONE)

    def probe(self, source: Source) -> None:
        """Ask the hub. Raises ModelHubUnavailable."""
        self._kind.hub.probe()

    def summary(self, task: Task) -> str:
        """Say what it takes on this machine."""
        installed = self._kind.models.find(self._order.model.name)
        if installed is None:
            return f"{self._order.model.title} could not be had."
        if installed.trial is None:
            return f"{installed.model.title} is on {host_name()}."
        took = installed.trial
        return (
            f"{installed.model.title} is on {host_name()}, and takes {took.seconds:g} s a picture "
            f"and {took.memory_mb:,} MB there."
        )

    def _say(self, have: int) -> None:
        model = self._order.model
        self._run.step(f"{megabytes(have)} of {megabytes(model.size_bytes)} of {model.title}")

    def _tried(self) -> Worked:
        self._run.step("Trying it out …")
        local = self._kind.local(self._order.model.name)
        try:
            local.try_out()
        except (ConfigError, DescriberUnavailable, PermanentError) as error:
            # An administrator's task: what the log says may stand there.
            why = f"{error} {error.operator_detail}".strip()
            return Worked(ItemStatus.SKIPPED, f"It is here, but doesn't describe: {why}")
        finally:
            local.close()
        return Worked(ItemStatus.DONE)

    def _used(self) -> Worked:
        installed, by = self._kind.models.find(self._order.model.name), self._order.use_by
        if installed is None or installed.trial is None or by is None:
            return Worked(ItemStatus.SKIPPED, "It wasn't chosen, since it doesn't describe.")
        try:
            self._kind.use(installed.model.name, by)
        except NotAllowed as refusal:
            return Worked(ItemStatus.SKIPPED, f"The describer stays as it is: {refusal}")
        return Worked(ItemStatus.DONE)
