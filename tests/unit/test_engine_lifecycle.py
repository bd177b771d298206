"""The table of legal moves, and that no code writes a state past it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from altwright import tasks
from altwright.domain.task import ACTIVE, MOVES, Priority, Status
from altwright.tasks.store.transitions import _Move, _moved

SOURCE = Path(str(tasks.__path__[0])).parent


def test_ended_tasks_stay_ended() -> None:
    """Completed and cancelled are final; a failed task can only be queued again."""
    assert MOVES[Status.COMPLETED] == MOVES[Status.CANCELLED] == frozenset()
    assert MOVES[Status.FAILED] == {Status.QUEUED}
    assert set(MOVES) == set(Status)
    assert {one for one in Status if MOVES[one] - {Status.QUEUED}} == set(ACTIVE)


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_an_illegal_move_is_refused_before_it_is_written(before: Status, after: Status) -> None:
    """The one function that writes states asks the table."""
    session = Mock()
    session.execute.return_value.rowcount = 1
    move = _Move("t", 1, before, after, "event", "by")
    if after in MOVES[before]:
        assert _moved(session, move, {})
    else:
        with pytest.raises(ValueError, match="no task moves"):
            _moved(session, move, {})
        session.execute.assert_not_called()


#: Who writes states: transitions.py asks the table; repair.py sets rows aside of a state that
#: the table does not know; imported_tasks.py writes how a task ended in the replaced system.
WRITERS = ["imported_tasks.py", "repair.py", "transitions.py"]


def test_no_other_code_writes_a_tasks_state() -> None:
    """Nothing else in the engine sets ``status`` to a Status, but a new row's default."""
    found = sorted(
        f"{path.name}:{node.lineno}"
        for path in (SOURCE / "tasks").rglob("*.py")
        for node in _state_writes(ast.parse(path.read_text()))
    )
    assert [one.split(":")[0] for one in found] == WRITERS, found


def _state_writes(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what writes a column called status: ``values(status=…)``, ``{"status": …}``."""
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys) if any(
                isinstance(key, ast.Constant) and key.value == "status" for key in keys
            ):
                if not _is_json_or_item(node):
                    yield node
            case ast.Call(func=ast.Attribute(attr="values"), keywords=keywords):
                for keyword in keywords:
                    if keyword.arg == "status" and "worked" not in ast.unparse(keyword.value):
                        yield node


def _is_json_or_item(node: ast.Dict) -> bool:
    text = ast.unparse(node)
    return any(
        other in text for other in ("self.status.value", "worked.status", "JobStatus", "_job_count")
    )


def test_priorities_sort_as_they_are_served() -> None:
    """Their numbers are their order, their names those of the queues."""
    assert [one.queue for one in sorted(Priority)] == ["urgent", "high", "normal", "low"]


@pytest.mark.req("2.6", "unknown becomes normal")
def test_an_unknown_priority_is_normal_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; known ones aren't, whatever their spelling."""
    assert Priority.parse("soonest") is Priority.NORMAL
    assert "soonest" in caplog.text
    caplog.clear()
    assert Priority.parse(" Urgent ") is Priority.URGENT
    assert not caplog.text
