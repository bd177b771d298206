"""One offline describer for a host: shared by its processes, replaceable, gone with its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support import wait_until
from tests.support_offline import MODELS, SAID, alive, noise, say, wait_until_busy

from altwright.describers.offline.process import protocol
from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.offline.weights import fetch
from altwright.errors import CaptionUnusable, ConfigError, DescriberUnavailable


class HostProcess:
    """A host as `altwright serve` starts it, and its address."""

    def __init__(self, folder: Path, models_dir: Path = MODELS, processes: int = 1) -> None:
        self.address = folder / "describer.sock"
        command = [
            sys.executable,
            "-m",
            "altwright.describers.offline.process.host",
            str(self.address),
        ]
        command += [str(models_dir), "60", str(processes), "INFO", "console"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_until(self._listens, 180)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(str(self.address)) == 0

    def client(self) -> OfflineDescriber:
        """Return the describer of a worker process on this host."""
        return OfflineDescriber(MODELS, idle_s=60, host=self.address)

    def end(self) -> int:
        """Ask it to end; return its exit status."""
        self.process.terminate()
        return self.process.wait(120)


@pytest.fixture(scope="module", autouse=True)
def _models() -> None:
    fetch.ensure(MODELS, print)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[HostProcess]:
    """Run a host, which ends with the test."""
    made = HostProcess(tmp_path)
    yield made
    made.end()


def descendants(host: HostProcess) -> list[int]:
    """Return the describing processes, whichever of the host's threads started them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.parent.name, stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(rest[1]) == host.process.pid:
            found.append(int(pid))
    return found


def test_workers_share_one_describing_process(host: HostProcess) -> None:
    """Twelve pictures from three workers at once are described by one process, none by theirs."""
    workers = [host.client() for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(say, workers * 4))
    assert said == [SAID] * 12
    assert len(descendants(host)) == 1
    assert [one.pid for one in workers] == [None] * 3


def test_a_large_host_describes_several_at_a_time(tmp_path: Path) -> None:
    """OFFLINE_PROCESSES=2: two are at work at the same time, and only then."""
    host = HostProcess(tmp_path, processes=2)
    try:
        assert [say(host.client()) for _ in range(3)] == [SAID] * 3
        assert len(descendants(host)) == 1
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(say, [host.client(), host.client()], [noise(), noise()]))
        assert len(descendants(host)) == 2
    finally:
        host.end()


def test_bad_pictures_are_refused_as_by_a_process_of_ones_own(host: HostProcess) -> None:
    """The reason crosses the socket, and the next picture is described."""
    worker = host.client()
    with pytest.raises(CaptionUnusable):
        say(worker, b"no picture")
    assert say(worker) == SAID


def test_missing_models_are_named(tmp_path: Path) -> None:
    """What the administrator has to do crosses the socket too."""
    host = HostProcess(tmp_path, models_dir=tmp_path / "nothing")
    try:
        with pytest.raises(ConfigError, match="altwright models"):
            say(host.client())
    finally:
        host.end()


@contextmanager
def picture_in_hand(host: HostProcess) -> Iterator[tuple[OfflineDescriber, int, Future[str]]]:
    """Yield a worker, the process that describes its picture now, and what will be said of it."""
    worker = host.client()
    say(worker)
    (pid,) = descendants(host)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(say, worker, noise())
        wait_until_busy(pid)
        yield worker, pid, answer


def test_a_crash_costs_the_picture_in_hand(host: HostProcess) -> None:
    """It fails as temporary; the host starts another process for the next one."""
    with picture_in_hand(host) as (worker, pid, answer):
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(DescriberUnavailable, match="ended while it described"):
            answer.result(timeout=180)
    assert say(worker) == SAID
    assert host.process.poll() is None


def test_a_host_that_is_killed_costs_the_picture_in_hand(tmp_path: Path) -> None:
    """The picture fails as temporary; until there is a host again, a worker uses its own."""
    host = HostProcess(tmp_path)
    with picture_in_hand(host) as (worker, pid, answer):
        host.process.kill()
        host.process.wait(60)
        with pytest.raises(DescriberUnavailable, match="host's describer ended"):
            answer.result(timeout=180)
    wait_until(lambda: not alive(pid))
    assert say(worker) == SAID
    assert worker.pid is not None
    worker.close()
    again = HostProcess(tmp_path)  # over the socket that the killed one left
    assert say(worker) == SAID
    assert worker.pid is None
    again.end()


def test_a_host_that_says_nothing_is_told_from_one_that_is_busy(
    host: HostProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a picture meets it: a look that costs no picture, and waits for none."""
    with picture_in_hand(host) as (worker, _, answer):
        assert "Offline describer" in worker.probe()
        host.process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(protocol, "PING_S", 0.5)
        try:
            with pytest.raises(DescriberUnavailable, match="host's describer doesn't answer"):
                worker.probe()
        finally:
            host.process.send_signal(signal.SIGCONT)
        monkeypatch.undo()
        assert "Offline describer" in worker.probe()
        assert answer.result(timeout=180)


def test_a_stop_replies_first(tmp_path: Path) -> None:
    """SIGTERM while a picture is in hand: its reply arrives, and then the host ends."""
    host = HostProcess(tmp_path)
    with picture_in_hand(host) as (_, _, answer):
        assert host.end() == 0
        assert answer.result(timeout=60)


def test_the_end_takes_everything_with_it(tmp_path: Path) -> None:
    """After SIGTERM neither the describing process nor the socket is there."""
    host = HostProcess(tmp_path)
    say(host.client())
    (pid,) = descendants(host)
    assert host.end() == 0
    wait_until(lambda: not alive(pid))
    assert not host.address.exists()


def test_nobody_else_may_ask(host: HostProcess) -> None:
    """The socket is its owner's: pictures of users are nobody else's business."""
    assert host.address.stat().st_mode & 0o077 == 0
