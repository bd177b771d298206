"""Names of workers, and whether their processes can still be there."""

from __future__ import annotations

import os
import subprocess

import pytest

from altwright.domain.worker import gone_from_this_host, new_worker_id, process_name


@pytest.mark.req("3.5", "unique worker ids")
def test_names_are_unique_and_begin_with_the_process() -> None:
    """Each worker of a process has a name of its own."""
    names = {new_worker_id("x") for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith(process_name() + ".") for name in names)


def test_this_process_is_here() -> None:
    """A worker of a living process isn't gone."""
    assert not gone_from_this_host(new_worker_id("x"))


def test_a_process_that_ended_is_gone() -> None:
    """Ended, or ended and not yet waited for, makes no difference; so does a reused number."""
    host, boot, pid, started, kind = new_worker_id("x").split(".")
    with subprocess.Popen(["sleep", "100"]) as child:
        theirs = ".".join((host, boot, str(child.pid), started, kind))
        assert gone_from_this_host(theirs), "another start time"
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert gone_from_this_host(theirs)
    assert gone_from_this_host(theirs)
    assert pid


@pytest.mark.parametrize(
    "name", ["", "x", "a.b.c.d.e", "other.boot.1.1.x", "rq-worker-7f", "..", "a.b.1.2"]
)
def test_of_other_names_nothing_is_known(name: str) -> None:
    """Another host's, another boot's or a foreign name is left to its lease."""
    assert not gone_from_this_host(name)


def test_a_name_with_a_strange_number_is_left_to_its_lease() -> None:
    """It raises nothing, which would stop the rescue of others."""
    host, boot, *_ = new_worker_id("x").split(".")
    assert not gone_from_this_host(f"{host}.{boot}.abc.1.x")
