"""`python -m benchmarks.sockets`: open pages on a server, with what each costs and its delay."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from tests.servers import valkey
from tests.support import free_port, wait_until
from tests.support_service import KEPT, tree

from altwright import bootstrap, config
from altwright.bootstrap import Services
from altwright.db import migrate
from altwright.web.app import create_app
from altwright.web.auth import SignedIn
from altwright.web.realtime.admission import MOST_OF_USER
from benchmarks.processes import memory_mb
from benchmarks.sockets.pages import Pages

#: Events to each user, and seconds between two.
EVENTS, EVENT_EVERY_S = 10, 0.5
CONF = {
    "threads": ["python:altwright.gunicorn_conf", "altwright.wsgi:app"],
    "loop": ["python:altwright.gunicorn_asgi_conf", "altwright.asgi:app"],
}


def main() -> None:
    """Measure one set-up; print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--server", choices=CONF, default="loop")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(measure(options.pages, options.server, options.processes)))  # noqa: T201


def measure(count: int, server: str, processes: int) -> dict[str, Any]:
    """Return the figures of ``count`` pages on ``processes`` processes of a kind."""
    with tempfile.TemporaryDirectory() as name, valkey() as redis:
        folder, port = Path(name), free_port()
        threads = str(min(1000, count * 4 // (3 * processes) + 40))
        environment = {
            "DATA_DIR": name,
            "REDIS_URL": redis.url,
            "PORT": str(port),
            "SOCKETS_PORT": str(port),
            "WORKER_MODE": "off",
            "WEB_THREADS": threads,
            "LOG_LEVEL": "ERROR",
        }
        services = bootstrap.build(config.load(_ENV_FILE=None, **environment))
        migrate.upgrade(services.database.engine)
        cookies, user_ids = _cookies(services, count)
        argv = [sys.executable, "-m", "gunicorn", "-w", str(processes), "-c", *CONF[server]]
        with _running(argv, environment, folder, port) as pid:
            before = _memory_mb(pid)
            figures = asyncio.run(_run(Pages(port), cookies, services, user_ids, pid, port))
        services.health.client.close()
        services.close()
        per_page_kb = (figures["mb"] - before) * 1000 / max(1, figures["connected"])
        return {
            "server": server,
            "processes": processes,
            "pages": count,
            **figures,
            "mb_before": round(before),
            "kb_per_page": round(per_page_kb, 1),
        }


async def _run(
    pages: Pages,
    cookies: list[str],
    services: Services,
    user_ids: list[int],
    pid: int,
    port: int,
) -> dict[str, Any]:
    began = time.monotonic()
    await pages.open(cookies)
    opened_s = time.monotonic() - began
    await asyncio.sleep(1)
    mb = _memory_mb(pid)
    threads = sum(_threads(one) for one in tree(pid))
    gets: list[float] = []
    done = threading.Event()
    asker = threading.Thread(target=_ask, args=[port, gets, done])
    asker.start()
    await asyncio.to_thread(_emit, services, user_ids)
    expected = EVENTS * pages.connected
    with contextlib.suppress(AssertionError):  # what is missing is printed
        await asyncio.to_thread(wait_until, lambda: len(pages.delays_ms) >= expected)
    done.set()
    await asyncio.to_thread(asker.join)
    delays = sorted(pages.delays_ms)
    figures = {
        "connected": pages.connected,
        "refused": pages.refused,
        "lost": pages.lost,
        "open_s": round(opened_s, 1),
        "mb": round(mb),
        "threads": threads,
        "events": f"{len(delays)} of {expected}",
        "p50_ms": round(statistics.median(delays), 1) if delays else None,
        "p95_ms": round(delays[int(len(delays) * 0.95)], 1) if delays else None,
        "max_ms": round(delays[-1], 1) if delays else None,
        "get_max_ms": round(max(gets, default=0), 1),
    }
    await pages.close()
    return figures


def _cookies(services: Services, count: int) -> tuple[list[str], list[int]]:
    """Return a session cookie for each page, of so many users that none has too many."""
    app = create_app(services)
    serializer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    users = [
        SignedIn(services.users.create(f"user{number}", "correct horse"))
        for number in range(-(-count // (MOST_OF_USER - 2)))
    ]
    cookies = [
        serializer.dumps({"_user_id": users[number % len(users)].get_id(), "_fresh": True})
        for number in range(count)
    ]
    return [f"altwright_session={cookie}" for cookie in cookies], [one.user.id for one in users]


def _emit(services: Services, user_ids: list[int]) -> None:
    """Tell every user's pages something, as a worker of another process does."""
    emit = services.progress.emit
    for number in range(EVENTS):
        for user_id in user_ids:
            task = {"id": "0", "progress": {"sequence": number}, "step": "x" * 600}
            emit("task", user_id, {**task, "sent_at": time.time()})
            time.sleep(EVENT_EVERY_S / len(user_ids))


def _ask(port: int, gets: list[float], done: threading.Event) -> None:
    while not done.wait(0.05):
        began = time.monotonic()
        requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).raise_for_status()
        gets.append((time.monotonic() - began) * 1000)


@contextmanager
def _running(
    argv: list[str], environment: dict[str, str], folder: Path, port: int
) -> Iterator[int]:

    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - fixed arguments
            argv, env={**kept, **environment}, cwd=folder, stdout=output, stderr=output
        )

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()  # noqa: S101 - a benchmark
        try:
            return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    try:
        wait_until(answers, 180)
        time.sleep(2)  # the other processes come up, too
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _memory_mb(pid: int) -> float:
    """Return the proportional memory of a process and all below it (proc(5): smaps_rollup)."""
    return sum(memory_mb(one)[0] for one in {pid, *tree(pid)})


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


if __name__ == "__main__":
    main()
