"""What Altwright overrides in RQ is still there, with the parameters that it had."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from rq.worker import BaseWorker

from altwright.rq_worker import Worker
from altwright.tasks.rq.thread_worker import NoDeathPenalty, ThreadRQWorker

#: Methods and properties that RQ calls or reads, and that are ours instead.
OVERRIDDEN = {
    NoDeathPenalty: {"setup_death_penalty", "cancel_death_penalty"},
    ThreadRQWorker: {
        "__init__",
        "_install_signal_handlers",
        "check_for_suspension",
        "connection_timeout",
        "death_penalty_class",
        "dequeue_job_and_maintain_ttl",
        "dequeue_timeout",
        "execute_job",
        "get_heartbeat_ttl",
        "heartbeat",
        "max_connection_wait_time",
        "prepare_job_execution",
        "register_birth",
        "subscribe",
        "unsubscribe",
    },
    Worker: {"__init__", "_install_signal_handlers", "request_stop", "work"},
}
#: What is called or read of RQ's worker, beside what is overridden.
USED = (
    "_ordered_queues",
    "_shutdown_requested_date",
    "_stop_requested",
    "maintain_heartbeats",
    "perform_job",
    "prepare_execution",
    "request_force_stop",
    "set_state",
)
#: What takes other parameters on purpose: RQ passes ours through.
OTHERWISE = {"__init__", "work", "death_penalty_class", "max_connection_wait_time"}


def of_rq(kind: type, name: str) -> Any:
    """Return RQ's own member of this name, or None."""
    bases = [base for base in kind.__mro__ if base.__module__.startswith("rq.")]
    return next((vars(base)[name] for base in bases if name in vars(base)), None)


@pytest.mark.parametrize("kind", OVERRIDDEN)
def test_whatever_has_a_name_of_rq_is_known(kind: type) -> None:
    """A method of ours that meets a new one of RQ's by chance is noticed."""
    named = {name for name in vars(kind) if of_rq(kind, name) is not None}
    assert named - {"__doc__", "__module__", "__annotations__"} == OVERRIDDEN[kind]


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in OVERRIDDEN.items() for name in sorted(names)]
)
def test_overrides_take_what_rq_passes(kind: type, name: str) -> None:
    """Same parameters, in the same order."""
    theirs, ours = of_rq(kind, name), vars(kind)[name]
    assert isinstance(ours, property) is isinstance(theirs, property)
    if name not in OTHERWISE and not isinstance(ours, property):
        assert list(inspect.signature(ours).parameters) == list(
            inspect.signature(theirs).parameters
        )


@pytest.mark.parametrize("name", USED)
def test_what_is_used_of_rq_is_there(name: str) -> None:
    """RQ's private parts that the worker relies on."""
    assert name in inspect.getsource(BaseWorker)
