"""Gets a model from a hub: resumed where it stopped, and checked before it is anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from altwright.describers.local_models.catalogue import Model, ModelFile
from altwright.describers.local_models.folder import (
    PART,
    PROJECTOR,
    WEIGHTS,
    Installed,
    ModelFolder,
    megabytes,
    sha256_of,
)
from altwright.describers.local_models.hub import Hub
from altwright.errors import ModelHubUnavailable, ModelUnusable

#: Told the model's bytes that are here.
Report = Callable[[int], None]


class Download:
    """One model's; ``checkpoint`` is called now and then, and may raise to end it for now."""

    def __init__(
        self, hub: Hub, models: ModelFolder, model: Model, checkpoint: Callable[[], None]
    ) -> None:
        self._hub = hub
        self._models = models
        self._model = model
        self._checkpoint = checkpoint

    def up_to(self, wanted: int, report: Report) -> None:
        """Have at least so many bytes of the model's files, the projector's first.

        Raises:
            ModelUnusable: the hub doesn't have it, it is of another size, finds no room, or
                another model is called so.
            ModelHubUnavailable, RateLimited: away, stalled, broken off; what has arrived is kept.
            Conflict: another process gets it.
            ConfigError: the folder can't be written.
        """
        with self._models.filling(self._model.name) as folder:
            there = self._models.same(self._model)
            have = sum(self._have(folder, stated) for stated in self._model.files)
            if there is None:
                self._models.check_room(self._model.size_bytes - have)
            before = 0
            for stated in self._model.files:
                least = min(wanted - before, stated.size_bytes)
                self._get(folder, stated, least, before, report)
                before += stated.size_bytes

    def finish(self, report: Report) -> Installed:
        """Get what is missing, check both files, and let them be a model.

        Raises:
            ModelUnusable: a checksum isn't what was stated; that file is gone.
            Else as ``up_to``.
        """
        there = self._models.same(self._model)
        if there is not None:
            return there
        self.up_to(self._model.size_bytes, report)
        with self._models.filling(self._model.name) as folder:
            for stated in self._model.files:
                path = folder / self._place(stated)
                part = path.with_name(path.name + PART)
                # A file under its own name was checked for another model, or not at all, where
                # the attempt that put it there came to nothing.
                here = part if part.exists() else path
                found = sha256_of(here, self._checkpoint)
                if found != stated.sha256:
                    here.unlink()
                    raise ModelUnusable(
                        f"{stated.name} isn't what was stated: its checksum is {found[:12]}… and "
                        f"should be {stated.sha256[:12]}…. It was removed; nothing of it is used."
                    )
                here.replace(path)
            return self._models.complete(folder, self._model)

    def _get(
        self, folder: Path, stated: ModelFile, least: int, before: int, report: Report
    ) -> None:
        have = self._have(folder, stated)
        if have >= least:
            return
        part = folder / (self._place(stated) + PART)
        with self._hub.reading(self._model, stated, have) as rest, part.open("ab") as out:
            out.truncate(rest.begin)
            have = rest.begin
            for block in rest.blocks:
                have += len(block)
                if have > stated.size_bytes:
                    out.truncate(0)
                    raise ModelUnusable(
                        f"{stated.name} is larger on the hub than was stated; nothing of it is "
                        "used."
                    )
                out.write(block)
                report(before + have)
                self._checkpoint()
                if have >= least and rest.continues:
                    return
        if have < least:
            raise ModelHubUnavailable(
                f"The model hub broke off after {megabytes(before + have)}; what has arrived is "
                "kept."
            )

    def _have(self, folder: Path, stated: ModelFile) -> int:
        path = folder / self._place(stated)
        if path.exists() and path.stat().st_size == stated.size_bytes:
            return stated.size_bytes
        part = path.with_name(path.name + PART)
        return part.stat().st_size if part.exists() else 0

    def _place(self, stated: ModelFile) -> str:
        return WEIGHTS if stated == self._model.weights else PROJECTOR
