"""`altwright serve`: what dies is started again, and nothing outlives the supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from tests.servers import valkey
from tests.support import free_port, wait_until
from tests.support_service import Service, alive, running, tree

from altwright.config import load
from altwright.demo.run import pretend_server
from altwright.processes.serve import children_of


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a service that runs with embedded defaults."""
    with running(Service(tmp_path), "serve") as made:
        yield made


def test_what_is_killed_comes_back(service: Service) -> None:
    """Each child that is killed -9 is replaced, and the service answers again."""
    for name in ("valkey", "describer", "gunicorn"):
        before = service.children()[name]["pid"]
        os.kill(before, signal.SIGKILL)
        wait_until(replaced(service, name, before))
        wait_until(service.answers)
        shown = requests.get(f"{service.url}/readyz", timeout=60).json()["processes"]
        assert shown[name] == {"state": "running", "restarts": 1}


def test_what_workers_call_outlives_them(tmp_path: Path) -> None:
    """At a stop the demo's server goes after all that may have a task in hand: none sees that."""
    settings = load(DATA_DIR=tmp_path, WORKER_MODE="hybrid")
    callers = [
        one for one in children_of(settings) if one.name not in {"valkey", "describer", "model"}
    ]
    assert {"gunicorn", "worker 1"} <= {one.name for one in callers}
    assert pretend_server(tmp_path, 1, "http://127.0.0.1:1").rank < min(one.rank for one in callers)


def test_a_child_that_was_killed_is_told_of_once(tmp_path: Path) -> None:
    """While others of its rank still end, the log doesn't say it again at every look."""
    deaf, slow, ends = (tmp_path / name for name in ("deaf", "slow", "ends"))
    os.mkfifo(ends)
    script = f"""
import itertools, logging, pathlib, sys, time
from altwright.processes.supervisor import Child, Supervisor

BODY = "import pathlib, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); " \\
    "pathlib.Path(sys.argv[1]).touch(); "
children = [
    Child(
        name,
        [sys.executable, "-c", BODY + waits, path, {str(ends)!r}],
        pathlib.Path(path).exists,
        stop_s=stop_s,
    )
    for name, waits, path, stop_s in (
        ("deaf", "signal.pause()", {str(deaf)!r}, 0.0),
        ("slow", "open(sys.argv[2]).read()", {str(slow)!r}, 60.0),
    )
]
logging.basicConfig()
supervisor = Supervisor(children, None)
supervisor.start()
rests, looks = time.sleep, itertools.count()

def looked(seconds):
    if next(looks) == 5:
        open({str(ends)!r}, "w").close()  # lets the slow one end
    rests(seconds)

time.sleep = looked
supervisor.stop()
"""
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr.count("deaf did not end within 0 s and is killed") == 1
    assert "slow" not in done.stderr


def test_a_stop_at_the_start_lets_nothing_more_begin() -> None:
    """What has begun is ended, the service isn't said to be up, and there is nothing to tell."""
    script = """
import os, signal, sys
from altwright.processes.supervisor import Child, Supervisor

def stops():
    os.kill(os.getpid(), signal.SIGTERM)
    return True

def late():
    print("began late")

nap = [sys.executable, "-c", "import signal; signal.pause()"]
children = [Child("first", nap, stops), Child("second", nap, late)]
supervisor = Supervisor(children, None)
supervisor.start(late)
supervisor.run()
assert [one.process is not None and one.alive for one in children] == [False, False]
assert children[1].process is None
"""
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def replaced(service: Service, name: str, before: int) -> Callable[[], bool]:
    """Return a question: does a child run in the place of process ``before``?"""

    def answer() -> bool:
        child = service.children()[name]
        return bool(child["alive"]) and child["pid"] != before

    return answer


@contextlib.contextmanager
def listening(address: Path) -> Iterator[list[bytes]]:
    """Be systemd: yield the first line of each word that arrives at the address."""
    heard: list[bytes] = []
    done = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(0.1)

        def listen() -> None:
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    heard.append(systemd.recv(100).split(b"\n")[0])

        thread = threading.Thread(target=listen, name="systemd")
        thread.start()
        yield heard
        done.set()
        thread.join()


def test_a_reload_replaces_every_worker_and_systemd_hears_of_it(tmp_path: Path) -> None:
    """SIGHUP: Gunicorn's and our workers are new, one after the other; Valkey stays.

    Systemd is told that the service is ready, reloads, lives and stops, without a terminal.
    """
    address = tmp_path / "notify"
    settings = {
        "NOTIFY_SOCKET": str(address),
        "WATCHDOG_USEC": "1000000",
        "WORKER_MODE": "external",
        "EXTERNAL_PROCESSES": "2",
        "RQ_WORKER_COUNT": "1",
        "SOCKETS_PORT": str(free_port()),
    }
    with listening(address) as heard:
        service = Service(tmp_path, settings)
        service.start("serve")
        assert service.process is not None
        try:
            wait_until(lambda: heard[:1] == [b"READY=1"])
            first = {name: child["pid"] for name, child in service.children().items()}
            workers = {"describer", "model", "worker 1", "worker 2"}
            assert set(first) == {"valkey", "gunicorn", "sockets"} | workers
            gunicorn = tree(first["gunicorn"])
            os.kill(service.process.pid, signal.SIGHUP)
            wait_until(lambda: {b"RELOADING=1", b"WATCHDOG=1"} <= set(heard))
            for name in workers:
                wait_until(replaced(service, name, first[name]), 180)
            wait_until(lambda: not any(alive(pid) for pid in gunicorn), 180)
            assert service.answers()
            assert service.children()["valkey"]["pid"] == first["valkey"]
        finally:
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(120) == 0
        wait_until(lambda: b"STOPPING=1" in heard)


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    """After Ctrl-C no process of the service is left, and the exit code is 0."""
    service = Service(tmp_path)
    service.start("serve")
    assert service.process is not None
    everyone = tree(service.process.pid)
    assert len(everyone) >= 3  # Valkey, Gunicorn, its worker
    assert service.stop() == 0
    assert not [pid for pid in everyone if alive(pid)]


def test_nothing_outlives_a_supervisor_that_was_killed(service: Service) -> None:
    """After kill -9 of the supervisor its children end by themselves."""
    assert service.process is not None
    everyone = tree(service.process.pid)
    service.process.kill()
    wait_until(lambda: not [pid for pid in everyone if alive(pid)])


def test_a_second_service_in_the_same_folder_is_refused(service: Service) -> None:
    """Two services on one DATA_DIR would fight; the second says who is there, exit code 2."""
    assert service.process is not None
    second = service.command("serve")
    assert second.returncode == 2
    assert f"process {service.process.pid} serves from it already" in second.stderr
    assert service.answers()


def test_hosts_share_a_folder(tmp_path: Path) -> None:
    """With a Redis for all, a second host serves from the same DATA_DIR beside the first."""
    elsewhere = ("unshare", "--uts", "sh", "-c", 'hostname another; exec "$@"', "sh")
    if subprocess.run([*elsewhere, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system doesn't let us change a host name")
    with valkey() as server:
        settings = {"REDIS_URL": server.url}
        first, second = Service(tmp_path, settings), Service(tmp_path, settings, prefix=elsewhere)
        with running(first, "serve"), running(second, "serve"):
            assert first.answers()
            assert second.answers()
            hosts = {path.parent.name for path in tmp_path.glob("var/run/*/supervisor.json")}
            assert "another" in hosts
            assert len(hosts) == 2
            third = Service(tmp_path, settings).command("serve")
            assert third.returncode == 2
