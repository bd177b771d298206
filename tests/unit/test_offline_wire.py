"""Messages between the describer and its process."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altwright.describers.offline.process import protocol

MESSAGE = {"data": b"\x00\xff", "frames": 3, "duration_s": 0.5, "text": "\u00e9", "none": None}


def test_a_message_comes_back_as_it_was() -> None:
    """Bytes, numbers, text and None survive, also when they arrive byte by byte."""
    stream = BytesIO(protocol.pack(MESSAGE))
    assert protocol.unpack(lambda _: stream.read(1)) == MESSAGE


@given(st.binary(max_size=60))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    """Whatever comes in ends in a message or in one error."""
    stream = BytesIO(data)
    try:
        assert isinstance(protocol.unpack(stream.read), dict)
    except protocol.Broken as broken:
        assert str(broken)  # noqa: PT017 - either end is right


def test_a_giant_message_isn_t_waited_for() -> None:
    """A length beyond the limit is refused before anything is read."""
    stream = BytesIO(b"\xff\xff\xff\xff")
    with pytest.raises(protocol.Broken, match="4294967295"):
        protocol.unpack(stream.read)
