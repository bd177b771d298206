"""The offline describer as the rest of the service sees it: a process of its own does the work."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final, cast

from altwright import interrupts
from altwright.describers.abilities import Abilities
from altwright.describers.offline.process import protocol
from altwright.describers.offline.weights import fetch
from altwright.describers.port import Describer, Description, Level, Picture, Request
from altwright.errors import CaptionUnusable, Category, ConfigError, DescriberUnavailable

_log = logging.getLogger(__name__)

#: Seconds that one picture may take, the process's start included. Measured: 0.6 s on median,
#: 1.5 s with the start; a machine under full load may need ten times that.
LIMIT_S: Final = 60.0
#: Seconds until a failed description is tried again.
_RETRY_S: Final = 5.0
#: Seconds between two looks whether a thread that waits for its turn is still to wait.
_SLICE_S: Final = 0.2
#: Seconds that a process which was told to end gets before it is killed.
_GRACE_S: Final = 2.0
#: Last bytes of the process's error output that are logged when it has crashed.
_TAIL_BYTES: Final = 2000


class ModelsComing(DescriberUnavailable):
    """It describes once its models are there, which is a matter of minutes."""


class OfflineDescriber(Describer):
    """Describes without any server, one picture at a time, in English.

    It asks the describer that serves this host at the socket ``host``, where there is one. Else a
    process of its own starts with the first picture and ends after ``idle_s`` without one. Threads
    may share a describer; a process that was forked starts a describing process of its own.
    """

    name = "offline"
    #: The version of the composition; a change of its rules raises it.
    model = "composed-2"

    def __init__(
        self,
        models_dir: Path,
        *,
        idle_s: float,
        limit_s: float = LIMIT_S,
        host: Path | None = None,
        parallel: int = 1,
    ) -> None:
        """Take ``parallel``, the pictures that the describer of this host takes at a time."""
        self.abilities = Abilities(
            languages=("en",),
            takes_hint=False,
            takes_post_text=False,
            takes_style=False,
            pictures="text, tables, simple charts and screenshots; little of photographs",
            parallel=parallel,
            reads_text=True,
        )
        self._models_dir = models_dir.absolute()
        self._idle_s = idle_s
        self._limit_s = limit_s
        self._host = host
        self._lock = threading.Lock()
        self._child: _Child | None = None
        _every_describer.add(self)

    @property
    def pid(self) -> int | None:
        """Return the describing process's id; None while there is none."""
        child = self._child
        return child.pid if child is not None and child.is_running() else None

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture; waits while another thread's is being described.

        What ``abilities`` leaves out of the request changes nothing.
        """
        message = {
            "data": picture.data,
            "parts": [part.data for part in picture.parts],
            "frames": picture.frames,
            "duration_s": picture.duration_s,
            "max_length": request.max_length,
        }
        match self._reply_of_host(message) or self.reply(message):
            case {"text": str(text), "level": level, "evidence": dict(evidence)} if (
                text or evidence.get("seen")
            ):
                return Description(text, self.name, self.model, cast("Level", level), evidence)
            case {"error": "picture", "detail": str(detail)}:
                raise CaptionUnusable(detail)
            case {"error": "fault", "detail": str(detail)}:
                _log.error("the offline describer failed on a picture: %s", detail)
            case {"error": "unavailable", "detail": str(detail), "category": str(category)}:
                raise _unavailable(detail, Category(category))
            case {"error": "config", "problems": list(problems)}:
                raise ConfigError(problems)
        raise _unavailable("The offline describer failed on this picture.")

    def reply(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return what the describing process says to a request of protocol.py's.

        Raises:
            DescriberUnavailable: it crashed, or took too long, or its models are being downloaded.
            ConfigError: models are missing or damaged, and nobody gets them.
        """
        # In slices: another thread's picture may take as long as LIMIT_S.
        lock = self._lock
        while not lock.acquire(timeout=_SLICE_S):
            interrupts.current().check()
        try:
            return self._ask(message)
        finally:
            lock.release()

    def probe(self) -> str:
        """Return which models and engines describe.

        Of describing processes nothing is asked: one that doesn't answer is ended by its picture.

        Raises:
            ModelsComing: its models are being downloaded.
            DescriberUnavailable: this host's describer is there, and says nothing.
            ConfigError: models are missing or damaged, and nobody gets them.
        """
        self._check_models()
        self._ping_host()
        running = f"running as process {self.pid}" if self.pid else "starts with the first picture"
        engines = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "rapidocr"))
        return (
            f"Offline describer {self.model}: YOLOX-nano, EfficientNet-lite0, YuNet, PP-OCRv6 on "
            f"{engines}; {running}."
        )

    def close(self) -> None:
        """End the describing process at once; a picture in hand fails."""
        child = self._child
        if child is not None:
            child.end(grace_s=0)
        with self._lock:
            if self._child is child:
                self._child = None

    def _ping_host(self) -> None:
        try:
            if self._host is not None:
                protocol.ask(self._host, protocol.PING, protocol.PING_S)
        except (OSError, protocol.Broken) as error:
            raise _unavailable("This host's describer doesn't answer.") from error

    def _reply_of_host(self, message: dict[str, Any]) -> dict[str, Any] | None:
        if self._host is None:
            return None
        try:
            return protocol.ask(self._host, message)
        except (OSError, protocol.Broken) as error:
            interrupts.current().check()
            words = "This host's describer ended while it described this picture."
            raise _unavailable(words) from error

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        for is_last in (False, True):
            child = self._running_child()
            try:
                reply = child.ask(message, self._limit_s)
            except interrupts.Interrupted:
                child.end(grace_s=0)  # it is in the middle of a picture that nobody wants
                raise
            except TimeoutError as error:
                child.end(grace_s=0)
                words = f"didn't finish this picture within {self._limit_s:g} seconds."
                raise _unavailable(f"The offline describer {words}", Category.TIMEOUT) from error
            except (OSError, protocol.Broken) as error:
                status, tail = child.end()
                if status == 0 and not is_last:
                    continue  # it had idled out just before: a fresh one answers
                _log.warning("The offline describer's process ended with %s. %s", status, tail)
                words = "The offline describer's process ended while it described this picture."
                raise _unavailable(words) from error
            if reply.get("error") == "fault":
                child.end()  # it ends by itself then, and is to be asked nothing more
            return reply
        raise AssertionError("the loop returns or raises")

    def _running_child(self) -> _Child:
        if self._child is None or not self._child.is_running():
            if self._child is not None:
                self._child.end()
            self._check_models()
            self._child = _Child(self._models_dir, self._idle_s)
        return self._child

    def _check_models(self) -> None:
        # Asked first: the download may end between the two.
        are_coming = fetch.being_fetched(self._models_dir)
        if fetch.present(self._models_dir):
            return
        if are_coming:
            words = "The describer's models are being downloaded."
            raise ModelsComing(words, retry_in_s=_RETRY_S)
        missing = (
            "DESCRIBER: the offline describer's models are missing or damaged in "
            f"{self._models_dir}; `altwright models` gets them"
        )
        raise ConfigError([missing])

    def _forget(self) -> None:
        """Drop what belongs to the process that this one was forked from."""
        self._lock = threading.Lock()
        if self._child is not None:
            self._child.forget()
            self._child = None


def _unavailable(words: str, category: Category | None = None) -> DescriberUnavailable:
    return DescriberUnavailable(words, retry_in_s=_RETRY_S, category=category)


class _Child:
    """One describing process and the socket to it."""

    def __init__(self, models_dir: Path, idle_s: float) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._ending = threading.Lock()  # one thread may close while another describes
        self._last_words = ""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", _MODULE]
        command += [str(models_dir), repr(idle_s), str(os.getpid())]
        with theirs:
            # A bare environment: secrets of the service are nobody's business in a process
            # that decodes strangers' pictures.
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - fixed arguments
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors,
                cwd=models_dir,
                env={
                    "LANG": "C.UTF-8",
                    "PATH": os.defpath,
                    "PYTHONPATH": str(Path(__file__).parents[3]),
                    "OMP_NUM_THREADS": "2",
                    "OPENBLAS_NUM_THREADS": "1",
                },
                start_new_session=True,  # Ctrl-C reaches us, and we end it
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def ask(self, message: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Send one request and wait for its reply; TimeoutError after ``limit_s``."""
        deadline = time.monotonic() + limit_s

        def receive(count: int) -> bytes:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            return self._socket.recv(min(count, 1 << 20))

        interrupt = interrupts.current()
        try:
            with interrupt.breaking_off(self._break_off):
                self._socket.settimeout(limit_s)
                self._socket.sendall(protocol.pack(message))
                return protocol.unpack(receive)
        except (OSError, protocol.Broken):
            interrupt.check()
            raise

    def _break_off(self) -> None:
        with contextlib.suppress(OSError):  # it has closed already
            self._socket.shutdown(socket.SHUT_RDWR)

    def end(self, grace_s: float = _GRACE_S) -> tuple[int, str]:
        """End the process, kill it after ``grace_s``; return its exit status and last words."""
        with self._ending:
            self._break_off()
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if not self._errors.closed:
                size = self._errors.seek(0, os.SEEK_END)
                self._errors.seek(max(0, size - _TAIL_BYTES))
                self._last_words = self._errors.read().decode(errors="replace")
            self.forget()
            return self._process.returncode, self._last_words

    def forget(self) -> None:
        """Close our ends; a process that another one started is left alone."""
        self._socket.close()
        self._errors.close()
        if self._process.returncode is None:
            self._process.returncode = 0  # another process's child: nothing to wait for


_MODULE: Final = "altwright.describers.offline.process.worker"
_every_describer: weakref.WeakSet[OfflineDescriber] = weakref.WeakSet()


def _after_fork() -> None:
    for describer in list(_every_describer):
        describer._forget()  # noqa: SLF001 - the same module


os.register_at_fork(after_in_child=_after_fork)
