"""The kind of task that lets an Ollama server get a model, and describes with it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from altwright.describers.model_servers.ollama_models import OllamaModels
from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.errors import InvalidInput, NotAllowed
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work

#: Keys of its two items.
_PULL, _USE = "pull", "use"
#: The longest name of a model; it becomes a setting.
_NAME_MOST: Final = 200


class PullModel(TaskKind):
    """The kind "ollama": one such task at a time."""

    name = "ollama"
    default_priority = Priority.LOW
    is_for_administrators = True

    def __init__(self, ollama: OllamaModels, use: Callable[[str, UserRef], None]) -> None:
        """Take what lets a model describe, for whoever wishes it; NotAllowed: they may no more."""
        self.ollama = ollama
        self.use = use

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return the model's name and who asks. Raises NotAllowed, InvalidInput."""
        if user is not None:
            raise NotAllowed("A model is chosen on an administrator's page.")
        name, by = str(settings.get("model", "")).strip(), settings.get("by")
        if not (0 < len(name) <= _NAME_MOST and name.isprintable() and " " not in name):
            raise InvalidInput("This is no model's name in Ollama's library.")
        if not isinstance(by, dict):
            raise InvalidInput("Nobody asks for it.")
        return {"model": name, "by": by}

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return one key for everybody."""
        return self.name

    def planned(self, settings: Mapping[str, Any]) -> Sequence[Planned]:
        """Return both items."""
        return [
            Planned(_PULL, "Ollama gets it"),
            Planned(_USE, "Describing with it from now on", last=True),
        ]

    def open(self, run: Run) -> PullWork:
        """Begin an attempt; Ollama goes on where it stopped."""
        return PullWork(self, run)


class PullWork(Work):
    """One attempt."""

    def __init__(self, kind: PullModel, run: Run) -> None:
        self._kind = kind
        self._run = run
        self._model = str(run.task.settings["model"])

    def plan(self) -> Iterator[Planned]:
        """Yield the items, for a task of another version."""
        yield from self._kind.planned({})

    def item(self, item: Item) -> Worked:
        """Do one of them."""
        if item.key == _PULL:
            self._run.step(f"Ollama is getting {self._model} …")
            self._kind.ollama.pull(self._model)
            return Worked(ItemStatus.DONE)
        if not self._kind.ollama.sees(self._model):
            return Worked(ItemStatus.SKIPPED, "It wasn't chosen, since it doesn't see pictures.")
        try:
            self._kind.use(self._model, UserRef(**self._run.task.settings["by"], is_admin=True))
        except NotAllowed as refusal:
            return Worked(ItemStatus.SKIPPED, f"The describer stays as it is: {refusal}")
        return Worked(ItemStatus.DONE)

    def summary(self, task: Task) -> str:
        """Say whether it describes."""
        return f"Ollama has {self._model}{'' if task.items_skipped else ', and describes with it'}."
