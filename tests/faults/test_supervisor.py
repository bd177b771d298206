"""`altwright serve`: what dies is started again, and nothing outlives the supervisor."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import wait_until
from tests.support_service import Service, alive, running, tree


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a service that runs with embedded defaults."""
    with running(Service(tmp_path), "serve") as made:
        yield made


def test_a_killed_valkey_and_a_killed_gunicorn_come_back(service: Service) -> None:
    """Each child that is killed -9 is replaced, and the service answers again."""
    for name in ("valkey", "gunicorn"):
        before = service.children()[name]["pid"]
        os.kill(before, signal.SIGKILL)
        wait_until(
            lambda name=name, before=before: (
                service.children()[name]["alive"] and service.children()[name]["pid"] != before
            ),
            20,
        )
        wait_until(service.answers, 30)
        assert service.children()[name]["restarts"] == 1


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
    wait_until(lambda: not [pid for pid in everyone if alive(pid)], 30)


def test_a_second_service_in_the_same_folder_is_refused(service: Service) -> None:
    """Two services on one DATA_DIR would fight; the second says who is there, exit code 2."""
    assert service.process is not None
    second = service.command("serve")
    assert second.returncode == 2
    assert f"process {service.process.pid} serves from it already" in second.stderr
    assert service.answers()
