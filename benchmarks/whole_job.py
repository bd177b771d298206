"""`python -m benchmarks.whole_job`: pictures a minute of a whole account, beside the best there is.

`altwright worker --count 1` on SQLite describes an account whose server answers after 50 ms. The
model servers are ours: they take a fixed time for each picture, and so many at a time. Their best
is that time, and bare calls in the same run say whether it can be had. The offline describer's is
what it does in a process that only describes, with pictures that are prepared; before and after the
job, both with the start of its process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from tests.support import wait_until
from tests.support_leaves import Exchange, serving
from tests.support_offline import MODELS, jpeg, photo
from tests.support_pretend import MODEL, PretendMastodon, PretendModel

from altwright import bootstrap, config
from altwright.bootstrap import Services
from altwright.captions.pictures.decoding import prepare
from altwright.db import migrate
from altwright.describers.model_servers.ollama import Ollama
from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.port import Describer, Picture, Request
from altwright.domain.task import Status
from benchmarks.databases import say

#: Seconds until the account's server answers a request.
ANSWERS_AFTER_S = 0.05
#: Pictures of a size that phones' pictures have on servers.
SIDE_PX = 1600
PHOTOS = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")
JOB_MOST_S = 1800


@dataclass(frozen=True)
class Result:
    """Pictures a minute, of the whole job and at best."""

    per_min: float
    best_per_min: float
    share: float
    #: What bare calls of the describer came to.
    bare_per_min: float


class Account(PretendMastodon):
    """An account whose posts and pictures come after a while."""

    def __init__(self, pictures: list[bytes], count: int) -> None:
        """Have ``count`` posts, of one picture each."""
        super().__init__()
        self._pictures = pictures
        self._count = count

    def fill(self) -> None:
        """Post everything."""
        for number in range(1, self._count + 1):
            self.post(number)

    def _answer(self, exchange: Exchange) -> None:
        exchange.server.closing.wait(ANSWERS_AFTER_S)
        if exchange.path.startswith("/files/"):
            number = int(exchange.path.removeprefix("/files/").partition("-")[0])
            picture = self._pictures[number % len(self._pictures)]
            exchange.answer(200, picture, Content_Type="image/jpeg")
        else:
            super()._answer(exchange)


class TimedModel(PretendModel):
    """A model server that takes ``takes_s`` for a picture, and ``parallel`` at a time."""

    def __init__(self, takes_s: float, parallel: int) -> None:
        """Begin with nobody asking."""
        super().__init__()
        self.takes_s = takes_s
        self.parallel = parallel
        self._places = threading.Semaphore(parallel)

    def _answer(self, exchange: Exchange) -> None:
        if exchange.path == "/api/chat":
            with self._places:
                exchange.server.closing.wait(self.takes_s)
        super()._answer(exchange)


def photographs() -> list[bytes]:
    """Return the files of some photographs."""
    found = []
    for name in PHOTOS:
        with Image.open(BytesIO(photo(name))) as image:
            size = (SIDE_PX, round(SIDE_PX * image.height / image.width))
            found.append(jpeg(image.convert("RGB").resize(size)))
    return found


def bare(describer: Describer, pictures: list[Picture], count: int, parallel: int) -> float:
    """Return the pictures a minute of a describer that is only called."""
    began = time.monotonic()
    with ThreadPoolExecutor(parallel) as pool:
        asked = [
            pool.submit(describer.describe, pictures[number % len(pictures)], Request())
            for number in range(count)
        ]
        for one in asked:
            one.result()
    return 60 * count / (time.monotonic() - began)


@contextlib.contextmanager
def service(folder: Path, **settings: str) -> Iterator[tuple[Services, dict[str, str]]]:
    """Return a service on SQLite, without Redis, and the environment of its workers."""
    variables = {
        "DATA_DIR": str(folder),
        "REDIS_URL": f"unix://{folder}/nowhere.sock",
        "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
        "OFFLINE_DOWNLOAD": "false",
        **settings,
    }
    services = bootstrap.build(config.load(**variables))
    try:
        migrate.upgrade(services.database.engine)
        (folder / "models").symlink_to(MODELS)
        yield services, {**os.environ, **variables}
    finally:
        services.close()


def whole_job(
    pictures: list[bytes],
    count: int,
    look: Callable[[int], object] = lambda _pid: None,
    **settings: str,
) -> float:
    """Return the pictures a minute of a run over an account, its search for them included.

    ``look`` gets the worker's process once the run is over.
    """
    account = Account(pictures, count)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="altwright-bench-"))
        services, environment = stack.enter_context(service(Path(folder), **settings))
        account.server = stack.enter_context(serving(account))
        account.fill()
        user = services.users.create("anna", "correct horse")
        added = services.accounts.add(user.id, "mastodon", account.server.url, "token")
        submitted = services.queue.submit("captions", user=user.ref, account_id=added.id)
        command = [sys.executable, "-m", "altwright", "worker", "--count", "1"]
        worker = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            # A worker that ends itself (RQ_WORKER_MEMORY_LIMIT) fails the run at once.
            wait_until(
                lambda: services.store.get(submitted.id, None).ended or worker.poll() is not None,
                JOB_MOST_S,
                every_s=0.5,
            )
            if worker.poll() is None:
                look(worker.pid)
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
        finally:
            worker.kill()
            worker.wait()
        task = services.store.get(submitted.id, None)
    if task.status is not Status.COMPLETED or task.items_done != count:
        raise RuntimeError(f"{task.status}: {task.items_done} of {count}, {task.error}")
    if task.started_at is None or task.finished_at is None:
        raise RuntimeError("a task that has completed has no times")
    return 60 * count / (task.finished_at - task.started_at).total_seconds()


def on_a_server(pictures: list[bytes], count: int, takes_s: float, parallel: int) -> Result:
    """Measure with a model server."""
    model = TimedModel(takes_s, parallel)
    prepared = [prepare(one, max_pixels=100_000_000).picture for one in pictures]
    with serving(model) as server:
        model.server = server
        called = bare(Ollama(server.url, MODEL, 120), prepared, count, parallel)
        made = whole_job(
            pictures,
            count,
            DESCRIBER="ollama",
            DESCRIBER_PARALLEL=str(parallel),
            OLLAMA_URL=server.url,
            OLLAMA_MODEL=MODEL,
        )
    return _result(made, max(60 * parallel / takes_s, called), called)


def offline(pictures: list[bytes], count: int) -> Result:
    """Measure with the offline describer, which takes one picture at a time."""
    prepared = [prepare(one, max_pixels=100_000_000).picture for one in pictures]
    called, made = [], 0.0
    for is_first in (True, False):
        describer = OfflineDescriber(MODELS, idle_s=60)
        called.append(bare(describer, prepared, count, 1))
        describer.close()
        if is_first:
            made = whole_job(pictures, count, DESCRIBER="offline")
    best = statistics.mean(called)
    return _result(made, best, best)


def _result(made: float, best: float, called: float) -> Result:
    return Result(round(made, 1), round(best, 1), round(made / best, 3), round(called, 1))


def main() -> None:
    """Measure, print a table, and write the figures where they are wanted."""
    parser = argparse.ArgumentParser(prog="benchmarks.whole_job", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a try; the share is of long runs")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    given = parser.parse_args()
    pictures = photographs()
    few = 8 if given.quick else 1
    found: dict[str, Result] = {}
    say(f"{'pictures a minute':<44}{'job':>8}{'bare':>8}{'best':>8}{'share':>8}")
    for takes_s, parallel, count in ((0.5, 1, 120), (2.0, 4, 120), (2.0, 8, 240)):
        name = f"model server of ours, {takes_s:g} s, {parallel} at a time"
        found[name] = _said(name, on_a_server(pictures, count // few, takes_s, parallel))
    name = "offline describer"
    found[name] = _said(name, offline(pictures, 120 // few))
    if given.json:
        figures = {name: asdict(one) for name, one in found.items()}
        given.json.write_text(f"{json.dumps(figures, indent=1)}\n")


def _said(name: str, one: Result) -> Result:
    figures = f"{one.per_min:>8.1f}{one.bare_per_min:>8.1f}{one.best_per_min:>8.1f}"
    say(f"{name:<44}{figures}{one.share:>8.0%}")
    return one


if __name__ == "__main__":
    main()
