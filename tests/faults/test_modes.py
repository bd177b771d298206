"""The table of docs/reference/modes.md: whatever happens in whatever mode, nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.servers import valkey
from tests.support_mode_table import EVENTS, happen, mode, row
from tests.support_modes import fleet

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "modes.md"
MODES = ("rq worker", "external", "hybrid", "integrated", "database")


@pytest.mark.req("3.1", "integrated")
@pytest.mark.req("3.1", "external")
@pytest.mark.req("3.1", "hybrid")
@pytest.mark.req("3.3", "loses no task")
@pytest.mark.req("3.3", "starts none twice")
@pytest.mark.req("3.6", "inside an app context")
@pytest.mark.req("4.5", "side by side")
def test_nothing_is_lost_or_done_twice_in_any_mode(tmp_path: Path) -> None:
    """Start, submit, reload, rolling restart, kill -9, Redis lost: the page says what comes out."""
    settings = {"RQ_WORKER_COUNT": "3", "WEB_CONCURRENCY": "2", "RQ_SHUTDOWN_TIMEOUT": "1"}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(valkey()) for name in MODES}
        fleets = {
            name: stack.enter_context(fleet(tmp_path / name.replace(" ", "-"), server, **settings))
            for name, server in servers.items()
        }
        servers["database"].stop()

        def run(name: str) -> str:
            with mode(name, fleets[name], servers[name]) as chosen:
                return row(name, {event: happen(chosen, event) for event in EVENTS})

        # Most of the time is spent waiting, so some run side by side.
        with ThreadPoolExecutor(3) as pool:
            rows = list(pool.map(run, MODES))
    page = PAGE.read_text("utf-8").splitlines()
    assert [one for one in rows if one not in page] == []
