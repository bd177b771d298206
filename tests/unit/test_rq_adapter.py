"""What Altwright takes the place of in RQ is still there, as RQ's command calls it."""

from __future__ import annotations

import inspect

import pytest
from rq.worker import BaseWorker

from altwright.rq_worker import Worker

#: What RQ's command calls or reads of a worker, and that is ours instead.
OVERRIDDEN = {"__init__", "find_by_key", "request_stop", "work"}


def test_whatever_has_a_name_of_rq_is_known() -> None:
    """A method of ours that meets a new one of RQ's by chance is noticed."""
    named = {name for name in vars(Worker) if name in vars(BaseWorker)}
    assert named - {"__module__", "__doc__", "__annotations__"} == OVERRIDDEN


@pytest.mark.parametrize("name", sorted(OVERRIDDEN - {"find_by_key"}))
def test_whatever_rq_passes_is_taken(name: str) -> None:
    """RQ's parameters, by their names, fit those that ours has."""
    theirs = inspect.signature(getattr(BaseWorker, name)).parameters
    given = dict.fromkeys(name for name in theirs if name != "self")
    inspect.signature(getattr(Worker, name)).bind(None, **given)
