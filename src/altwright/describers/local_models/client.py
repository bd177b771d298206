"""A describer that runs a model of its own on this host: an OpenAI-compatible server's client."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

from altwright import installed as packages
from altwright import interrupts
from altwright.describers.abilities import Abilities
from altwright.describers.local_models.folder import (
    Installed,
    ModelFolder,
    Trial,
    lacks,
    not_here,
)
from altwright.describers.model_servers.error_meanings import Names
from altwright.describers.model_servers.openai import OpenAICompatible
from altwright.describers.model_servers.prompts import TRIAL
from altwright.describers.offline.process import protocol
from altwright.describers.port import Describer, Description, Picture, Request
from altwright.errors import Category, DescriberUnavailable

#: What the catalogue, and a hub, state of a model that writes English only.
_ENGLISH: Final = frozenset({"English", "en"})
#: The extra with llama.cpp.
EXTRA: Final = "llama"
#: Pixels of the picture that a model is tried with.
_TRIAL_SIDES: Final = (1024, 768)
#: Seconds until a host that was started listens.
_LISTENS_S: Final = 30.0
#: Seconds between two tries to reach it.
_TRY_S: Final = 0.05
#: Seconds that a host which was told to end gets before it is killed.
_GRACE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ModelHost:
    """How this host's models are run: where their host listens, and how it is started."""

    models: ModelFolder
    address: Path
    idle_s: float
    memory_limit_mb: int = 0

    def command(self, parent: int, level: str = "WARNING", form: str = "console") -> list[str]:
        """Return the command line of a host that ends with ``parent`` (0: by SIGTERM only)."""
        arguments = [str(self.address), str(self.models.path), repr(self.idle_s)]
        arguments += [str(self.memory_limit_mb), str(parent), level, form]
        return [sys.executable, "-m", _MODULE, *arguments]


class LocalModel(Describer):
    """Describes with a model that lies in DATA_DIR; one server of it runs on a host.

    `altwright serve` runs its host. Where none listens, one is started, and ends with this process.
    """

    name = "model"

    def __init__(self, host: ModelHost, model: str, timeout_s: float) -> None:
        self.model = model
        self._host = host
        there = host.models.find(model)
        is_english = there is not None and there.model.languages in _ENGLISH
        self.abilities = Abilities(languages=("en",) if is_english else (), parallel=1)
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._own: subprocess.Popen[bytes] | None = None
        self._own_parent = 0
        #: Whether the last picture failed at the server: then a probe tries one.
        self._is_doubtful = False
        #: The server that was asked last, with what was learnt of it, by its address and key.
        self._asked: tuple[tuple[str, str], _Server] | None = None

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture; waits while another one is being described."""
        description, _ = self._described(picture, request)
        return description

    def try_out(self) -> Trial:
        """Describe a picture of our own, and keep what that took with the model.

        Raises as ``describe``.
        """
        installed = self._checked()
        picture, request = _trial()
        self._described(picture, request)  # loads it
        began = time.monotonic()
        _, memory_mb = self._described(picture, request)
        trial = Trial(round(time.monotonic() - began, 1), memory_mb)
        self._host.models.note(installed, trial)
        return trial

    def probe(self) -> str:
        """Return the model, and what it took on this machine; after a failure, try a picture."""
        installed = self._checked()
        if self._is_doubtful:
            self._described(*TRIAL)
        took = "not tried yet"
        if installed.trial is not None:
            took = f"{installed.trial.seconds:g} s a picture, {installed.trial.memory_mb:,} MB"
        return f"{installed.model.title} in llama.cpp on this machine; {took}"

    def lacking(self) -> str:
        """Return what this host lacks: the model, or what runs models."""
        if missing := packages.without_extra(EXTRA):
            return f"DESCRIBER: {missing}"
        return "" if self._host.models.find(self.model) is not None else lacks(self.model)

    @property
    def host_pid(self) -> int | None:
        """Return the id of the host that this process has started; None: it hasn't."""
        return self._own.pid if self._own is not None and self._own_parent == os.getpid() else None

    def close(self) -> None:
        """End the host if this process has started it."""
        with self._lock:
            own, self._own = self._own, None
        if own is None or self._own_parent != os.getpid():
            return
        own.terminate()
        try:
            own.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            own.kill()
            own.wait()

    def _checked(self) -> Installed:
        if missing := packages.without_extra(EXTRA):
            raise not_here(f"DESCRIBER: {missing}")
        return self._host.models.needed(self.model)

    def _described(self, picture: Picture, request: Request) -> tuple[Description, int]:
        """Return a description, and the memory in MB that the server has had in use."""
        self._checked()
        self._is_doubtful = True
        with self._lent() as lease:
            try:
                description = self._server(lease.url, lease.key).describe(picture, request)
            except DescriberUnavailable as error:
                raise lease.why_ended() or error from error
            self._is_doubtful = False
            return description, lease.described()

    def _server(self, url: str, key: str) -> _Server:
        asked = self._asked
        if asked is None or asked[0] != (url, key):
            asked = ((url, key), _Server(url, key, self.model, self._timeout_s))
            self._asked = asked
        return asked[1]

    @contextmanager
    def _lent(self) -> Iterator[_Lease]:
        """Give the address of the model's server, which stays until the end."""
        with self._connected() as sock:

            def break_off() -> None:
                with contextlib.suppress(OSError):  # it has closed already
                    sock.shutdown(socket.SHUT_RDWR)

            lease = _Lease(sock)
            try:
                with interrupts.current().breaking_off(break_off):
                    lease.begin(self.model)
            except (OSError, protocol.Broken) as error:
                interrupts.current().check()
                raise _gone() from error
            yield lease

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + _LISTENS_S
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(str(self._host.address))
            except OSError as error:
                sock.close()
                if time.monotonic() > deadline:
                    raise _gone() from error
                self._start_own()
                interrupts.current().wait(_TRY_S)
            else:
                sock.settimeout(protocol.PATIENCE_S)
                return sock

    def _start_own(self) -> None:
        with self._lock:
            is_ours = self._own_parent == os.getpid()
            if self._own is not None and is_ours and self._own.poll() is None:
                return
            self._host.address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._own_parent = os.getpid()
            self._own = subprocess.Popen(  # noqa: S603 - fixed arguments
                self._host.command(self._own_parent),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches us, and we end it
            )


class _Lease:
    """What a host has lent to this thread: the address of a server, for one picture."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.url = self.key = ""

    def begin(self, model: str) -> None:
        match self._asked({"model": model}):
            case {"url": str(url), "key": str(key)}:
                self.url, self.key = url, key
            # A host of before said "config".
            case {"error": "not here" | "config"}:
                raise not_here(lacks(model))
            case told:
                raise _unavailable(told) or _gone()

    def why_ended(self) -> DescriberUnavailable | None:
        """Return why the server has ended; None: it runs, or nobody knows."""
        try:
            return _unavailable(self._asked({"ended": True}))
        except (OSError, protocol.Broken):
            return None

    def described(self) -> int:
        """Say that all went well; return the server's memory in MB."""
        try:
            return int(self._asked({"described": True}).get("memory_mb", 0))
        except (OSError, protocol.Broken):
            return 0

    def _asked(self, message: dict[str, Any]) -> dict[str, Any]:
        self._socket.sendall(protocol.pack(message))
        return protocol.unpack(lambda count: self._socket.recv(min(count, 1 << 20)))


class _Server(OpenAICompatible):
    name = LocalModel.name

    def __init__(self, url: str, key: str, model: str, timeout_s: float) -> None:
        names = Names("The model", "MODEL_NAME", "MODEL_NAME", "MODEL_NAME", model)
        super().__init__(url, key, model, timeout_s, names=names, is_direct=True)


def _trial() -> tuple[Picture, Request]:
    """Return the trial's picture as large as most are, which is what takes the time."""
    picture, request = TRIAL
    stream = BytesIO()
    Image.open(BytesIO(picture.data)).convert("RGB").resize(_TRIAL_SIDES).save(stream, "JPEG")
    return Picture(stream.getvalue(), "image/jpeg", *_TRIAL_SIDES), request


_MODULE: Final = "altwright.describers.local_models.process.host"


def _unavailable(told: dict[str, Any]) -> DescriberUnavailable | None:
    match told:
        case {"error": "unavailable", "detail": str(detail), "category": str(category)}:
            error = DescriberUnavailable(
                detail, retry_in_s=told.get("retry_in_s"), category=Category(category)
            )
            error.operator_detail = str(told.get("operator_detail", ""))
            return error
    return None


def _gone() -> DescriberUnavailable:
    return DescriberUnavailable("What runs the model on this host doesn't answer.")
