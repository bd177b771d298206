"""One model's server as its host sees it: started, limited in memory, and why it ended."""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Final

from altwright.describers.local_models.catalogue import MB
from altwright.describers.local_models.folder import Installed, megabytes
from altwright.errors import Category, DescriberUnavailable
from altwright.text import clean_line

#: Seconds that loading a model may take: 7 GB from a slow disk.
START_S: Final = 300.0
#: Address space that llama.cpp takes beside the model: libraries, threads' stacks and arenas. It is
#: mapped, most of it never touched.
_MAPPED_BYTES: Final = 2_500 * MB
#: Bytes of what a server has printed from which on they are dropped.
_PRINTED_MOST_BYTES: Final = MB
#: Last bytes of what a server has printed.
_TAIL_BYTES: Final = 4000
#: What it prints where memory was refused to it.
_NO_MEMORY: Final = re.compile(
    r"bad_alloc|insufficient memory|mem_buffer != NULL|(?:failed|unable|cannot) to allocate"
    r"|cannot allocate memory|out of memory|MemoryError|failed to map segment|mmap failed"
    r"|resource temporarily unavailable",  # no room for a thread's stack
    re.IGNORECASE,
)
_GRACE_S: Final = 5.0


class Served:
    """A running server; ``url`` and ``key`` are what its clients need."""

    def __init__(self, installed: Installed, memory_limit_mb: int) -> None:
        """Start it, and wait until it answers.

        Raises:
            DescriberUnavailable: the machine has too little memory for it, or it didn't come up.
        """
        self.installed = installed
        self.key = secrets.token_urlsafe(32)
        self._limit_mb = memory_limit_mb or installed.model.memory_mb
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        self._check_memory()
        self._process = self._started(memory_limit_mb)
        self.url = self._address()

    @property
    def pid(self) -> int:
        """Return its process's id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Return whether it lives."""
        return self._process.poll() is None

    def shorten_log(self) -> None:
        """Drop what it has printed if that is much: a model may run for months."""
        if os.fstat(self._printed.fileno()).st_size > _PRINTED_MOST_BYTES:
            # Its own place in the file is this one: first back, or it would leave a hole.
            self._printed.seek(0)
            self._printed.truncate()

    def memory_mb(self) -> int:
        """Return the most memory that it has had in use."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 // MB if found else 0

    def end(self) -> DescriberUnavailable | None:
        """End it if it runs; return why it ended, if it did so by itself."""
        fault = None if self.is_running() else self._fault()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._printed.close()
        return fault

    def _check_memory(self) -> None:
        free_mb = available_mb()
        if free_mb is not None and free_mb < self._limit_mb:
            raise _short(
                f"{self.installed.model.title} finds too little memory at the moment.",
                f"It needs about {megabytes(self._limit_mb * MB)}, and {megabytes(free_mb * MB)} "
                "are free on this machine.",
            )

    def _started(self, memory_limit_mb: int) -> subprocess.Popen[bytes]:
        files = (self.installed.weights, self.installed.projector)
        limit = memory_limit_mb * MB or self._limit_mb * MB + _MAPPED_BYTES
        wanted: dict[str, Any] = {
            "name": self.installed.model.name,
            "weights": str(files[0]),
            "projector": str(files[1]),
            "key": self.key,
            "address_space_bytes": limit,
        }
        process = subprocess.Popen(  # noqa: S603 - fixed arguments
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            cwd=self.installed.folder,
            # A bare environment: the service's secrets are nobody's business in a process that
            # reads strangers' pictures, and llama.cpp reads settings of its own there.
            env={
                "LANG": "C.UTF-8",
                "PATH": os.defpath,
                "PYTHONPATH": str(Path(__file__).parents[4]),
                "MALLOC_ARENA_MAX": "2",
                "GGML_NO_BACKTRACE": "1",  # else a server that fails starts a debugger
            },
            start_new_session=True,  # Ctrl-C reaches us, and we end it
        )
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            process.stdin.write(json.dumps(wanted).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already, and its address doesn't come
        return process

    def _address(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        readable, _, _ = select.select([self._process.stdout], [], [], START_S)
        line = self._process.stdout.readline() if readable else b""
        if line:
            return str(json.loads(line)["url"])
        if not readable:
            self._process.kill()
        self._process.wait()
        raise self.end() or DescriberUnavailable("The model's server didn't come up.")

    def _fault(self) -> DescriberUnavailable:
        """Return why it has ended."""
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - _TAIL_BYTES))
        said = self._printed.read().decode(errors="replace")
        title, status = self.installed.model.title, self._process.returncode
        if status == -signal.SIGKILL or _NO_MEMORY.search(said):
            return _short(
                f"{title} ran out of memory.",
                "Choose a smaller model, give the machine more, or raise MODEL_MEMORY_LIMIT if "
                "that is set.",
            )
        last = [line for line in said.splitlines() if line.strip()][-1:]
        ended = DescriberUnavailable(f"{title}'s server has ended.")
        ended.operator_detail = f"It ended with {status}: {clean_line(' '.join(last), 200)}"
        return ended


#: Where a container's limits are. Source: Linux, cgroup-v2.
_CGROUP: Final = Path("/sys/fs/cgroup")
_MODULE: Final = "altwright.describers.local_models.process.server"


def available_mb() -> int | None:
    """Return the memory that this machine, or container, has left, in MB; None: it doesn't say."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return None
    if found is None:
        return None
    free_bytes = int(found[1]) * 1024
    try:
        most, used = ((_CGROUP / name).read_text() for name in ("memory.max", "memory.current"))
        free_bytes = min(free_bytes, int(most) - int(used))
    except (OSError, ValueError):
        pass  # no container, or one without a limit
    return free_bytes // MB


def _short(words: str, detail: str) -> DescriberUnavailable:
    error = DescriberUnavailable(words, category=Category.EXHAUSTED)
    error.operator_detail = detail
    return error
