"""What the serializer writes, and what it refuses to read."""

from __future__ import annotations

import pickle
from typing import Any

import msgpack
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from altwright.crypto import Box
from altwright.tasks.rq.serializer import RUN_TASK, serializer_for

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
box = Box(OLD)
serializer = serializer_for(box)
JOB = (RUN_TASK, None, (), {"task_id": "3" * 36, "attempt": 7})


@given(
    task_id=st.text(min_size=36, max_size=36),
    attempt=st.integers(0, 2**31),
)
def test_jobs_come_back_as_they_went(task_id: str, attempt: int) -> None:
    """A job's function, id and attempt survive."""
    job = (RUN_TASK, None, (), {"task_id": task_id, "attempt": attempt})
    assert serializer.loads(serializer.dumps(job)) == job


@pytest.mark.parametrize("value", [None, True, 7, "text", {}])
def test_results_come_back_as_they_went(value: Any) -> None:
    """What RQ keeps beside a job survives."""
    assert serializer.loads(serializer.dumps(value)) == value


@pytest.mark.parametrize(
    "job",
    [
        ("os.system", None, (), {"task_id": "3" * 36, "attempt": 0}),
        (RUN_TASK, "instance", (), {"task_id": "3" * 36, "attempt": 0}),
        (RUN_TASK, None, ("x",), {"task_id": "3" * 36, "attempt": 0}),
        (RUN_TASK, None, (), {"task_id": "3", "attempt": 0}),
        (RUN_TASK, None, (), {"task_id": "3" * 36, "attempt": True}),
        (RUN_TASK, None, (), {"task_id": "3" * 36, "attempt": -1}),
        (RUN_TASK, None, (), {}),
        {"meta": "data"},
        [1, 2],
        object(),
    ],
)
def test_nothing_else_is_written(job: Any) -> None:
    """A job that isn't on the list is refused where it would be made."""
    with pytest.raises(ValueError, match="isn't on the list"):
        serializer.dumps(job)


@pytest.mark.parametrize(
    "body",
    [
        [1, "job", "os.system", "3" * 36, 0],
        [2, "job", RUN_TASK, "3" * 36, 0],
        [1, "job", RUN_TASK, "3" * 36],
        [1, "value", [1]],
        {"a": 1},
        7,
    ],
)
def test_nothing_else_is_read(body: Any) -> None:
    """Not even with the right key is anything read that no version writes."""
    with pytest.raises(ValueError, match=r"isn't on the list|unknown version"):
        serializer.loads(box.close(msgpack.packb(body)))


@pytest.mark.parametrize(
    "data", [b"", b"x" * 100, pickle.dumps(JOB), msgpack.packb([1, "value", 1])]
)
def test_what_isnt_sealed_isnt_read(data: bytes) -> None:
    """Plain bytes, pickle and unsealed msgpack are refused before they are looked at."""
    with pytest.raises(ValueError, match="closed with another key"):
        serializer.loads(data)


def test_too_large_a_payload_isnt_read() -> None:
    """Size is checked before it is unpacked."""
    with pytest.raises(ValueError, match="size"):
        serializer.loads(box.close(b"x" * 100_000))


@pytest.mark.req("11.2", "keys rotate")
def test_keys_rotate_without_downtime() -> None:
    """Old processes' jobs are read by new ones; the old key can go when they are done."""
    sealed = serializer.dumps(JOB)
    both = serializer_for(Box(f"{NEW},{OLD}"))
    assert both.loads(sealed) == JOB
    with pytest.raises(ValueError, match="another key"):
        serializer.loads(both.dumps(JOB))
    assert serializer_for(Box(NEW)).loads(both.dumps(JOB)) == JOB
