"""What most tests with real processes begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers import RedisServer, valkey


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a Valkey."""
    with valkey() as running:
        yield running
