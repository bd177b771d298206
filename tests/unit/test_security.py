"""CaptionSecurityManager: ids of tasks."""

from __future__ import annotations

import uuid

import pytest

from altwright.errors import InvalidInput
from altwright.tasks.submission_rules import CaptionSecurityManager


@pytest.mark.req("4.4", "ids")
def test_task_ids_cannot_be_guessed_and_nothing_else_is_taken_for_one() -> None:
    """Each is random in 122 bits (RFC 9562, version 4), and read in its one spelling only."""
    ids = [CaptionSecurityManager().new_task_id() for _ in range(1000)]
    bits = 0
    for one in ids:
        assert CaptionSecurityManager().checked_task_id(one) == one
        bits |= uuid.UUID(one).int ^ uuid.UUID(ids[0]).int
    assert len(set(ids)) == 1000
    assert bits.bit_count() == 122
    first = uuid.UUID(ids[0])
    for wrong in ("", "1", first.hex, str(first).upper(), f"{{{first}}}", str(uuid.uuid1())):
        with pytest.raises(InvalidInput, match="A task id is a UUID"):
            CaptionSecurityManager().checked_task_id(wrong)
