"""What lies in Redis: msgpack, checked against a schema, encrypted and authenticated.

Whoever can write to Redis can neither read tasks nor make a worker run code: no pickle, and
only the functions in ``FUNCTIONS`` are run.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgpack

from altwright.crypto import Box

#: The version that is written. A reader takes every version it knows and refuses others.
VERSION = 1
RUN_TASK = "altwright.workers.jobs.run_task"
FUNCTIONS = frozenset({RUN_TASK})

#: Longest task id: a UUID.
_ID_LENGTH = 36
#: Longest result or meta that is read back, in bytes after decryption.
_MOST_BYTES = 64 * 1024


class TaskSerializer:
    """RQ's serializer for payloads, results and meta; ``serializer_for`` binds it to keys."""

    box: ClassVar[Box]

    @classmethod
    def dumps(cls, obj: Any) -> bytes:
        """Write a job ``(function, None, (), {"task_id", "attempt"})``, a result or a meta dict.

        Raises:
            ValueError: it is none of these.
        """
        if isinstance(obj, tuple):
            body: list[Any] = [VERSION, "job", *_checked_job(obj)]
        else:
            body = [VERSION, "value", _checked_value(obj)]
        return cls.box.close(msgpack.packb(body))

    @classmethod
    def loads(cls, data: bytes) -> Any:
        """Read what ``dumps`` wrote.

        Raises:
            ValueError: it was written with another key, changed, or says what no version says.
        """
        body = cls.box.open(bytes(data))
        if len(body) > _MOST_BYTES:
            raise ValueError("a payload of this size isn't ours")
        match msgpack.unpackb(body, strict_map_key=True):
            case [1, "job", function, task_id, attempt]:
                job = (function, None, (), {"task_id": task_id, "attempt": attempt})
                _checked_job(job)
                return job
            case [1, "value", value]:
                return _checked_value(value)
            case _:
                raise ValueError("a payload of an unknown version or shape")


def deliverable(task_id: str, attempt: int) -> bool:
    """Return whether a job with this id and attempt can be written and read back."""
    try:
        _checked_job((RUN_TASK, None, (), {"task_id": task_id, "attempt": attempt}))
    except ValueError:
        return False
    return True


def serializer_for(box: Box) -> type[TaskSerializer]:
    """Return the serializer that uses these keys (RQ wants a class)."""
    return type("TaskSerializer", (TaskSerializer,), {"box": box, "__module__": __name__})


def _checked_job(job: tuple[Any, ...]) -> tuple[str, str, int]:
    match job:
        case (str() as function, None, args, {"task_id": str() as task_id, "attempt": attempt}) if (
            function in FUNCTIONS
            and not args
            and len(task_id) == _ID_LENGTH
            and type(attempt) is int
            and attempt >= 0
        ):
            return function, task_id, attempt
        case _:
            raise ValueError("a job that isn't on the list")


def _checked_value(value: Any) -> Any:
    if value is None or value == {} or isinstance(value, (str, int, bool)):
        return value
    raise ValueError("a value that isn't on the list")
