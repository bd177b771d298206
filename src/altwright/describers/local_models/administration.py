"""What administrators do to this host's models, each with an entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass

from altwright.describers.local_models.catalogue import CATALOGUE, MB, Model, named
from altwright.describers.local_models.client import LocalModel
from altwright.describers.local_models.folder import ModelFolder, Trial, megabytes
from altwright.describers.local_models.getting import GetModel, ModelOrder
from altwright.describers.local_models.hub import Hub
from altwright.describers.local_models.process.served import available_mb
from altwright.describers.model_servers.ollama import Ollama
from altwright.describers.model_servers.ollama_models import OllamaModels
from altwright.describers.model_servers.pulling import PullModel
from altwright.domain.user import UserRef
from altwright.errors import Conflict, NotFound
from altwright.setting_values import NONE
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.live_settings import LiveSettings
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as it stands here. ``begun_bytes``: of one that isn't complete."""

    model: Model
    is_here: bool = False
    is_used: bool = False
    begun_bytes: int = 0
    trial: Trial | None = None
    #: What this machine has less left of than it takes; what is used has its memory already.
    lacks: tuple[str, ...] = ()

    @property
    def size(self) -> str:
        """Return its files' size, as people read it."""
        return megabytes(self.model.size_bytes)

    @property
    def memory(self) -> str:
        """Return the memory that it takes, measured or (with "about") estimated."""
        if self.trial is not None:
            return megabytes(self.trial.memory_mb * MB)
        return f"about {self.model.memory_mb / 1000:.1f} GB"


@dataclass(frozen=True, slots=True)
class Room:
    """What a machine has left; ``memory_mb`` None: it doesn't say."""

    memory_mb: int | None
    disk_bytes: int

    @property
    def memory(self) -> str:
        """Return the memory, as people read it; "": nobody knows."""
        return "" if self.memory_mb is None else megabytes(self.memory_mb * MB)

    @property
    def disk(self) -> str:
        """Return the room on the disk, as people read it."""
        return megabytes(self.disk_bytes)

    def lacks_memory(self, model: Model) -> bool:
        """Return whether there is too little memory for a model."""
        return self.memory_mb is not None and self.memory_mb < model.memory_mb


class LocalModels:
    """Who may do this is asked before."""

    def __init__(
        self,
        models: ModelFolder,
        hub: Hub,
        queue: RQQueueManager,
        live: LiveSettings,
        audit: Audit,
        ollama: OllamaModels,
    ) -> None:
        self._models = models
        self._ollama = ollama
        self._hub = hub
        self._queue = queue
        self._live = live
        self._audit = audit

    @property
    def hub(self) -> str:
        """Return the hub's address for people."""
        return self._hub.shown

    def offers(self) -> list[Offer]:
        """Return those of the catalogue and those that are here besides, from small to large."""
        here = {one.model.name: one for one in self._models.installed()}
        begun = self._models.begun()
        used, room = self.used(), self.room()
        known = {**CATALOGUE, **{name: one.model for name, one in here.items()}}
        return [
            Offer(
                model,
                name in here,
                name == used,
                begun.get(name, 0),
                here[name].trial if name in here else None,
                tuple(
                    what
                    for what, is_lacking in (
                        ("memory", name != used and room.lacks_memory(model)),
                        (
                            "room on its disk",
                            name not in here
                            and room.disk_bytes < model.size_bytes - begun.get(name, 0),
                        ),
                    )
                    if is_lacking
                ),
            )
            for name, model in known.items()
        ]

    def room(self) -> Room:
        """Return what this machine has left for models at the moment."""
        return Room(available_mb(), self._models.free_bytes())

    def used(self) -> str:
        """Return the name of the model that describes now; "": none does."""
        current = self._live.current
        return current.model_name if current.describer == LocalModel.name else ""

    def look_up(self, name: str) -> Model:
        """Return what a name of the catalogue, or OWNER/REPOSITORY of the hub, stands for.

        Raises:
            InvalidInput, ModelUnusable: it stands for nothing that can be had.
            ModelHubUnavailable, RateLimited: the hub can't be asked now.
        """
        return self._hub.look_up(name) if "/" in name else named(name)

    def order(self, name: str, *, by: UserRef, to_use: bool, revision: str | None = None) -> Task:
        """Order a model; return the task that gets it. ``revision``: the one that was shown.

        Raises:
            Conflict: the hub has another revision by now.
            ActiveTaskExists: another model is being got.
            ModelUnusable: another model is called so here.
            Else as ``look_up``.
        """
        model = self.look_up(name)
        if revision is not None and model.revision != revision:
            raise Conflict(f"{model.title} has changed on the hub since it was shown.")
        self._models.same(model)
        order = ModelOrder(model, by if to_use else None)
        task = self._queue.submit(GetModel.name, user=None, by=by, settings=order.to_json())
        self._audit.add(by, "model ordered", model.name, f"{model.repository}, {model.licence}")
        return task

    def use(self, name: str, *, by: UserRef) -> None:
        """Let a model that is here describe, in every process within 2 seconds.

        Raises:
            NotFound: it isn't here.
        """
        if self._models.find(name) is None:
            raise NotFound(f"There is no model {name} here.")
        self._describe_by(LocalModel.name, {"MODEL_NAME": name}, by=by)

    def ollamas(self) -> list[str]:
        """Return the vision models that Ollama has.

        Raises:
            DescriberUnavailable, ConfigError: no Ollama answers.
        """
        return self._ollama.vision()

    def used_of_ollama(self) -> str:
        """Return the name of Ollama's model that describes now; "": none does."""
        current = self._live.current
        return current.ollama_model if current.describer == Ollama.name else ""

    def use_ollama(self, name: str, *, by: UserRef) -> None:
        """Let a model of Ollama's describe. Raises InvalidInput."""
        self._describe_by(Ollama.name, {"OLLAMA_MODEL": name}, by=by)

    def _describe_by(self, first: str, values: dict[str, str], *, by: UserRef) -> None:
        """Let a describer be asked first, and no more as a fallback."""
        fallbacks = self._live.current.describers[1:]
        if first in fallbacks:
            rest = ",".join(one for one in fallbacks if one != first)
            values = values | {"DESCRIBER_FALLBACKS": rest or NONE}
        self._live.change({"DESCRIBER": first} | values, by=by)

    def pull(self, name: str, *, by: UserRef) -> Task:
        """Let Ollama get a model and describe with it; return the task that does so.

        Raises:
            InvalidInput: it is no model's name.
            ActiveTaskExists: another one is being got.
        """
        who = {"id": by.id, "username": by.username, "address": by.address}
        wanted = {"model": name, "by": who}
        task = self._queue.submit(PullModel.name, user=None, by=by, settings=wanted)
        self._audit.add(by, "model ordered", name, "from Ollama's library")
        return task

    def check_removable(self, name: str) -> None:
        """Make sure that nothing describes by a model. Raises Conflict."""
        current = self._live.current
        if LocalModel.name in current.describers and name == current.model_name:
            raise Conflict(f"{name} describes at the moment; choose another describer first.")

    def remove(self, name: str, *, by: UserRef) -> int:
        """Remove a model from this host, complete or not; return the bytes that are free again.

        Raises:
            NotFound: it isn't here.
            Conflict: it describes at the moment, first or where others fail, or is being got.
        """
        self.check_removable(name)
        freed = self._models.remove(name)
        self._audit.add(by, "model removed", name, megabytes(freed))
        return freed
