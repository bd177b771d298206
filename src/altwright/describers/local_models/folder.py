"""The models of this host: a folder for each, complete or not, and what is known of it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from altwright import folders
from altwright.describers.local_models.catalogue import (
    BESIDE_MB,
    CATALOGUE,
    MAGIC,
    MB,
    NAME,
    Model,
    ModelFile,
)
from altwright.domain.worker import host_name
from altwright.errors import Conflict, InvalidInput, ModelUnusable, NotFound, NotOnThisHost

#: The files of a model, by what they are; as they are called while they are incomplete.
WEIGHTS, PROJECTOR, PART = "weights.gguf", "projector.gguf", ".part"
#: Written last, so that a folder without it isn't complete.
_MANIFEST: Final = "model.json"
#: Held by whoever fills the folder; the kernel drops it with the process.
_LOCK: Final = ".lock"
#: Bytes that are read at a time.
_BLOCK: Final = 1024 * 1024
#: Bytes that stay free beside a model: pictures, the database and the log go on.
_SPARE_BYTES: Final = 200 * MB


@dataclass(frozen=True, slots=True)
class Trial:
    """What a model took on this machine for a picture of our own."""

    seconds: float
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Installed:
    """A model that lies here complete and was checked."""

    model: Model
    folder: Path
    trial: Trial | None = None

    @property
    def weights(self) -> Path:
        """Return the language model's file."""
        return self.folder / WEIGHTS

    @property
    def projector(self) -> Path:
        """Return the file that lets it see."""
        return self.folder / PROJECTOR


class ModelFolder:
    """All of them; methods raise ConfigError where the folder can't be written."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def installed(self) -> list[Installed]:
        """Return the complete ones, by name."""
        paths = sorted(self.path.glob(f"*/{_MANIFEST}"))
        return [one for path in paths if (one := _read(path.parent)) is not None]

    def find(self, name: str) -> Installed | None:
        """Return the complete model of this name."""
        return _read(self.path / name) if NAME.fullmatch(name) else None

    def needed(self, name: str) -> Installed:
        """Return the complete model of this name. Raises NotOnThisHost."""
        found = self.find(name)
        if found is None:
            raise not_here(lacks(name))
        return found

    def same(self, model: Model) -> Installed | None:
        """Return a model if it is complete here.

        Raises:
            ModelUnusable: another one is called so; two publishers' may be.
        """
        there = self.find(model.name)
        if there is not None and there.model.weights != model.weights:
            raise ModelUnusable(
                f"There is another model called {model.name} here"
                f"{f', of {there.model.repository}' if there.model.repository else ''}; "
                "remove that one first."
            )
        return there

    def begun(self) -> dict[str, int]:
        """Return the bytes of those that are here in part, by name."""
        found: dict[str, int] = {}
        for part in sorted(self.path.glob(f"*/*.gguf{PART}")):
            if not (part.parent / _MANIFEST).exists():
                found[part.parent.name] = sum(
                    one.stat().st_size for one in part.parent.glob("*.gguf*")
                )
        return found

    @contextmanager
    def filling(self, name: str) -> Iterator[Path]:
        """Hold a model's folder, made if it is missing, while it is filled.

        Raises:
            Conflict: another process does so.
        """
        folder = self.path / name
        with self._writing():
            self.path.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            with (folder / _LOCK).open("a") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise Conflict(f"Another process is getting {name} already.") from error
                yield folder

    def free_bytes(self) -> int:
        """Return the room that is left where models lie."""
        above = next(one for one in (self.path, *self.path.parents) if one.exists())
        return shutil.disk_usage(above).free

    def check_room(self, size_bytes: int) -> None:
        """Make sure that so much more finds room. Raises ModelUnusable."""
        free = self.free_bytes()
        if free < size_bytes + _SPARE_BYTES:
            raise ModelUnusable(
                f"The disk has too little room: {megabytes(size_bytes + _SPARE_BYTES)} are needed "
                f"and {megabytes(free)} are free."
            )

    def complete(self, folder: Path, model: Model) -> Installed:
        """Write that a folder's files were checked and are this model."""
        with self._writing():
            folders.write_whole(folder / _MANIFEST, _manifest(model, None), prefix=".model-")
        return Installed(model, folder)

    def note(self, installed: Installed, trial: Trial) -> Installed:
        """Keep what a trial found."""
        with self._writing():
            manifest = _manifest(installed.model, trial)
            folders.write_whole(installed.folder / _MANIFEST, manifest, prefix=".model-")
        return replace(installed, trial=trial)

    def remove(self, name: str) -> int:
        """Remove a model, complete or not; return the bytes that are free again.

        Raises:
            NotFound: there is no such model here.
            Conflict: it is being got.
        """
        if not NAME.fullmatch(name) or not (self.path / name).is_dir():
            raise NotFound(f"There is no model {name} here.")
        with self.filling(name) as folder:
            size = sum(one.stat().st_size for one in folder.glob("*.gguf*"))
            (folder / _MANIFEST).unlink(missing_ok=True)  # first: a part of it is none
            shutil.rmtree(folder)
        return size

    def add(
        self, weights: Path, projector: Path, name: str, report: Callable[[str], None]
    ) -> Installed:
        """Copy a model from files of this machine; the catalogue's are recognised by their content.

        Raises:
            InvalidInput: a file isn't there, or is none of llama.cpp's.
            Conflict: there is a model of this name.
            ModelUnusable: the disk has no room.
        """
        parts = {WEIGHTS: weights, PROJECTOR: projector}
        for path in parts.values():
            _check_kind(path)
        self.check_room(sum(path.stat().st_size for path in parts.values()))
        found: dict[str, ModelFile] = {}
        for part, path in parts.items():
            report(f"Reading {path.name} …")
            found[part] = ModelFile(path.name, path.stat().st_size, sha256_of(path))
        known = (one for one in CATALOGUE.values() if one.weights.sha256 == found[WEIGHTS].sha256)
        model = next(known, None)
        if model is None:
            memory_mb = sum(file.size_bytes for file in found.values()) // MB + BESIDE_MB
            words = "Added from a file of this machine."
            pair = found[WEIGHTS], found[PROJECTOR]
            model = Model(name, name, "", "", "", "", memory_mb, words, *pair)
        elif found[PROJECTOR].sha256 != model.projector.sha256:
            raise InvalidInput(
                f"{weights.name} is {model.title}, and {projector.name} isn't the file that goes "
                f"with it: {model.projector.name}."
            )
        if self.find(model.name) is not None:
            raise Conflict(f"There is a model {model.name} here; remove it first.")
        with self.filling(model.name) as folder:
            for part, path in parts.items():
                report(f"Copying {path.name} …")
                shutil.copyfile(path, folder / (part + PART))
                if sha256_of(folder / (part + PART)) != found[part].sha256:
                    raise ModelUnusable(f"{found[part].name} has changed while it was copied.")
                (folder / (part + PART)).replace(folder / part)
            return self.complete(folder, model)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise folders.unusable(self.path, "DATA_DIR", error) from error


def lacks(name: str) -> str:
    """Return what the operator of a host without this model has to know."""
    return f"MODEL_NAME: {name} isn't here; `altwright model get {name}` gets it"


def not_here(lacking: str) -> NotOnThisHost:
    """Return what is met on a host that lacks a model, or what runs models."""
    error = NotOnThisHost("The model isn't on the machine that was to describe with it.")
    error.operator_detail = f"{host_name()}: {lacking}."
    return error


def sha256_of(path: Path, checkpoint: Callable[[], None] = lambda: None) -> str:
    """Return a file's checksum; ``checkpoint`` is called now and then, and may raise."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            checkpoint()
    return digest.hexdigest()


def megabytes(size_bytes: float) -> str:
    """Return a size as people read it: "545 MB", "2.95 GB"."""
    if size_bytes < 1000 * MB:
        return f"{size_bytes / MB:.3g} MB"
    return f"{size_bytes / (1000 * MB):.3g} GB"


def _check_kind(path: Path) -> None:
    name = path.name
    try:
        with path.open("rb") as file:
            is_ours = file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise InvalidInput(f"{name} can't be read: {error.strerror or error}.") from error
    if not is_ours:
        raise InvalidInput(f"{name} isn't a model in GGUF form.")


def _manifest(model: Model, trial: Trial | None) -> bytes:
    kept = {"model": asdict(model), "trial": asdict(trial) if trial else None}
    return json.dumps(kept, indent=2).encode()


def _read(folder: Path) -> Installed | None:
    """Return the model in a folder; None: it isn't complete, or another version's."""
    try:
        kept: dict[str, Any] = json.loads((folder / _MANIFEST).read_bytes())
        model = Model.of_json(kept["model"])
        trial = Trial(**kept["trial"]) if kept.get("trial") else None
        installed = Installed(model, folder, trial)
        sizes = installed.weights.stat().st_size, installed.projector.stat().st_size
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    is_whole = sizes == (model.weights.size_bytes, model.projector.size_bytes)
    return installed if is_whole and model.name == folder.name else None
