"""Runs the real `altwright` commands as processes, as a user would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from tests import forked
from tests.support import free_port, wait_until

#: What is left of the surroundings: nothing that could be a setting.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "ALTWRIGHT_REQUIRE_ALL")


@dataclass
class Service:
    """A service in a folder of its own; ``settings`` are environment variables."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    #: Put before its command line.
    prefix: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Return what it has printed."""
        path = self.folder / "out.log"
        return path.read_text() if path.exists() else ""

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {
            **kept,
            "DATA_DIR": str(self.folder / "var"),
            "PORT": str(self.port),
            "RQ_SHUTDOWN_TIMEOUT": "5",
            "OFFLINE_DOWNLOAD": "false",  # 25 MB each time; tests/e2e has what is had at a start
            **self.settings,
        }

    def command(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end; ``typed`` is what it gets on stdin."""
        if not self.prefix:
            return forked.command(arguments, self.folder, self.environment(), typed)
        return subprocess.run(
            [*self.prefix, sys.executable, "-m", "altwright", *arguments],
            cwd=self.folder,
            env=self.environment(),
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        """Run a command that must succeed with --json, and return its answer."""
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str, until: str = "http://") -> None:
        """Start a command that stays (``serve``, ``demo``), and wait until it prints ``until``."""
        with (self.folder / "out.log").open("w") as output:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "altwright", *arguments],
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=output,
                text=True,
            )
        process = self.process

        def up() -> bool:
            assert process.poll() is None, self.log
            return until in self.log

        wait_until(up, 180)

    def stop(self) -> int:
        """Stop it as Ctrl-C does, and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def children(self) -> dict[str, dict[str, Any]]:
        """Return the supervisor's own word on its children."""
        (status,) = (self.folder / "var" / "run").rglob("supervisor.json")
        children: dict[str, dict[str, Any]] = json.loads(status.read_text())
        return children

    def answers(self) -> bool:
        """Say whether the web application answers."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=10).ok
        return False

    def api(self, token: str, method: str, path: str, **options: Any) -> requests.Response:
        """Call the REST API."""
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return requests.request(
            method, f"{self.url}/api/v1{path}", headers=headers, timeout=300, **options
        )


def findings_of(service: Service) -> dict[str, dict[str, Any]]:
    """Return what `altwright check` says, by what it looks at."""
    return {row["what"]: row for row in json.loads(service.command("check", "--json").stdout)}


@contextlib.contextmanager
def running(service: Service, *arguments: str, until: str = "http://") -> Iterator[Service]:
    """Run a service, and stop it at the end."""
    service.start(*arguments, until=until)
    try:
        yield service
    finally:
        service.stop()


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie doesn't)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def tree(pid: int) -> set[int]:
    """Return a process's descendants."""
    found: set[int] = set()
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, listing.read_text().split()):
                found |= {child} | tree(child)
    return found
