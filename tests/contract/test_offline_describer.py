"""The offline describer's process: confined, replaceable, never in the way of the web server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import ANY

import pytest
from evaluation.drawing.sheet import written
from PIL import Image
from tests.support import wait_until
from tests.support_domain import FakeDescriber
from tests.support_offline import (
    MODELS,
    SAID,
    SMALL,
    alive,
    computed_s,
    jpeg,
    noise,
    photo,
    picture,
    png,
    say,
    wait_until_busy,
)

from altwright.captions.drafts.quality import recognised
from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.offline.weights import fetch
from altwright.describers.order import DescriberOrder
from altwright.errors import CaptionUnusable, Category, ConfigError, DescriberUnavailable


@pytest.fixture(scope="module", autouse=True)
def _models() -> None:
    fetch.ensure(MODELS, print)


@pytest.fixture
def describer() -> Iterator[OfflineDescriber]:
    """Return a describer that is closed after the test."""
    describer = OfflineDescriber(MODELS, idle_s=60)
    yield describer
    describer.close()


def test_work_is_done_elsewhere(describer: OfflineDescriber) -> None:
    """The caller's process computes next to nothing, and the other one steps back for it."""
    say(describer)
    pid = describer.pid
    assert pid is not None
    before, before_there = time.process_time(), computed_s(pid)
    assert say(describer, photo("astronaut.png")) == "Portrait of a person."
    assert time.process_time() - before < (computed_s(pid) - before_there) / 5
    assert pid != os.getpid()
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)


def test_it_reads_for_describers_that_dont(describer: OfflineDescriber) -> None:
    """What a model quotes is compared with these words."""
    words = DescriberOrder([FakeDescriber(), describer]).read(picture(SMALL))
    assert list(recognised(words)) == ["Good morning"]


def test_secrets_stay_behind(describer: OfflineDescriber, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that decodes strangers' pictures doesn't have the service's environment."""
    monkeypatch.setenv("FLASK_SECRET_KEY", "do not tell")
    say(describer)
    assert b"do not tell" not in Path(f"/proc/{describer.pid}/environ").read_bytes()


def test_the_network_is_out_of_reach() -> None:
    """After the confinement a connection is refused before it is tried."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        script = (
            "import socket\n"
            "from altwright.describers.offline.process import sandbox\n"
            "sandbox.confine()\n"
            "for reach in (lambda: socket.create_connection(('127.0.0.1', "
            f"{port}), 2), lambda: socket.getaddrinfo('localhost', 80)):\n"
            "    try:\n"
            "        reach()\n"
            "    except PermissionError:\n"
            "        print('refused')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True
        )
        assert done.stdout.split() == ["refused", "refused"]
        with pytest.raises(TimeoutError):
            server.accept()


def test_it_works_without_any_network(tmp_path: Path) -> None:
    """Describing needs no host at all: in an empty network namespace it says the same."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system doesn't let us make a network namespace")
    (tmp_path / "small.png").write_bytes(SMALL)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from altwright.describers.offline.process.client import OfflineDescriber\n"
        "from altwright.describers.port import Picture, Request\n"
        "describer = OfflineDescriber(Path(sys.argv[1]), idle_s=60)\n"
        "data = Path(sys.argv[2]).read_bytes()\n"
        "print(describer.describe(Picture(data, 'image/png', 0, 0), Request()).text)\n"
        "describer.close()\n"
    )
    command = ["unshare", "-rn", sys.executable, "-c", script]
    done = subprocess.run(
        [*command, str(MODELS), str(tmp_path / "small.png")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.strip() == SAID, done.stderr


def test_an_idle_process_ends_and_comes_back() -> None:
    """Memory is given back after a while; the next picture starts it again."""
    describer = OfflineDescriber(MODELS, idle_s=0.3)
    assert say(describer) == SAID
    first = describer.pid
    wait_until(lambda: describer.pid is None)
    assert say(describer) == SAID
    assert describer.pid != first
    describer.close()


def test_a_crash_costs_one_picture(describer: OfflineDescriber) -> None:
    """The picture in hand fails as temporary; the next one gets a fresh process."""
    say(describer)
    pid = describer.pid
    assert pid is not None
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(say, describer, noise())
        wait_until_busy(pid)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(DescriberUnavailable, match="ended while it described"):
            answer.result(timeout=180)
    assert say(describer) == SAID
    assert describer.pid != pid


def test_a_fault_costs_one_picture(describer: OfflineDescriber) -> None:
    """A picture that rules fail on ends the process: the next one isn't given to what ends."""
    assert describer.reply({"data": SMALL}) == {"error": "fault", "detail": ANY}
    assert describer.pid is None
    assert say(describer) == SAID


def test_a_stuck_process_is_killed() -> None:
    """A picture that takes too long fails as timed out, and blocks nobody after it."""
    describer = OfflineDescriber(MODELS, idle_s=60, limit_s=180)
    say(describer)
    stuck = describer.pid
    assert stuck is not None
    os.kill(stuck, signal.SIGSTOP)
    describer._limit_s = 0.5  # noqa: SLF001 - waiting the real limit would cost a minute
    with pytest.raises(DescriberUnavailable) as caught:
        say(describer)
    assert caught.value.category is Category.TIMEOUT
    assert not alive(stuck)
    describer._limit_s = 180  # noqa: SLF001
    assert say(describer) == SAID
    describer.close()


HUGE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x02\x00\x00\x00"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00" * 5000, id="zeros"),
        pytest.param(SMALL[: len(SMALL) // 2], id="half a PNG"),
        pytest.param(jpeg(Image.new("RGB", (300, 300), "red"))[:200], id="a JPEG's head"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
        pytest.param(HUGE + b"\x00" * 20, id="65,536 pixels a side"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, shared: OfflineDescriber) -> None:
    """Damaged or foreign bytes are a permanent error, and harm no picture after them."""
    with pytest.raises(CaptionUnusable):
        say(shared, data)
    assert say(shared) == SAID


@pytest.fixture(scope="module")
def shared(_models: None) -> Iterator[OfflineDescriber]:
    """Return a describer that tests share, since its process survives them."""
    describer = OfflineDescriber(MODELS, idle_s=60)
    say(describer)
    yield describer
    describer.close()


def test_noise_in_a_picture_is_survived(shared: OfflineDescriber) -> None:
    """Flipped bytes end in a sentence or in one of our errors, never in silence."""
    data = bytearray(photo("rocket.jpg"))
    for at in range(700, len(data), 997):
        data[at] ^= 0x5A
    try:
        assert say(shared, bytes(data)).endswith(".")
    except (CaptionUnusable, DescriberUnavailable) as refused:
        assert str(refused)  # noqa: PT017 - either end is right
    assert say(shared) == SAID


def test_threads_share_it(shared: OfflineDescriber) -> None:
    """Several threads at once each get the answer to their own picture."""
    others = {
        f"Image of text: “Shelf number {n}”.": png(
            written((420, 90), [(20, 24, 30, f"Shelf number {n}")])
        )
        for n in range(40, 46)
    }
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda data: say(shared, data), others.values()))
    assert said == list(others)


PARENT = """
import os, signal, sys
from pathlib import Path
from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.port import Picture, Request

describer = OfflineDescriber(Path(sys.argv[1]), idle_s=600)
picture = Picture(Path(sys.argv[2]).read_bytes(), "image/png", 0, 0)
describer.describe(picture, Request())
first = describer.pid
readable, writable = os.pipe()
if os.fork() == 0:
    # A forked worker: it starts a process of its own, and holds a copy of the socket.
    describer.describe(picture, Request())
    os.write(writable, str(describer.pid).encode())
    signal.pause()
second = int(os.read(readable, 20))
print(first, second, describer.pid == first, flush=True)
signal.pause()
"""


def test_it_ends_with_its_parent_and_forks_share_nothing(tmp_path: Path) -> None:
    """Each forked process has a describing process of its own, which doesn't outlive it."""
    (tmp_path / "small.png").write_bytes(SMALL)
    command = [sys.executable, "-c", PARENT, str(MODELS), str(tmp_path / "small.png")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        first, second, kept = parent.stdout.readline().split()
        assert first != second
        assert kept == "True"
        assert alive(int(first))
        parent.kill()
        wait_until(lambda: not alive(int(first)))
        assert alive(int(second))  # its own parent, the fork, still runs
        os.killpg(parent.pid, signal.SIGKILL)
        wait_until(lambda: not alive(int(second)))


def test_closing_ends_it_even_in_the_middle(describer: OfflineDescriber) -> None:
    """Closing waits for nothing; the describer may be used again."""
    say(describer)
    pid = describer.pid
    assert pid is not None
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(say, describer, noise())
        wait_until_busy(pid)
        describer.close()
        assert not alive(pid)
        with pytest.raises(DescriberUnavailable):
            answer.result(timeout=180)
    assert say(describer) == SAID


def test_missing_models_are_the_operator_s_business(tmp_path: Path) -> None:
    """The error names the setting and the command that helps."""
    describer = OfflineDescriber(tmp_path, idle_s=60)
    for ask in (describer.probe, lambda: say(describer)):
        with pytest.raises(ConfigError, match=r"DESCRIBER: .*`altwright models`"):
            ask()


def test_a_probe_says_what_describes(shared: OfflineDescriber) -> None:
    """One line for people names the models and the process."""
    assert "YOLOX" in shared.probe()
    assert f"process {shared.pid}" in shared.probe()


def test_large_pictures_get_through(shared: OfflineDescriber) -> None:
    """A PNG of 12 MB is no problem for the socket."""
    assert say(shared, noise()).endswith(".")
