"""What failed is run once more, alone: a test that then passes is flaky, and is named.

Flaky tests don't fail a run, so that work can land on a machine with much else to do; they are
defects all the same. More than a few of them are no accident, and fail it.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

#: More flaky tests than this fail a run. Each one has passed alone; with one fault by chance in
#: 5,000 tests, a run has more than three once in 50 times, more than six once in 10,000.
MOST_FLAKY = 6
#: With more failures than this, something is broken: nothing is run once more.
MOST_FAILED = 12
#: Lines of a flaky test's first failure that are shown.
SHOWN_LINES = 40


class OnceMore:
    """Runs each failed test in a process of its own when everything else has ended."""

    def __init__(self) -> None:
        """Begin with nothing flaky."""
        self._flaky: list[str] = []

    # First of those that look at the result, last of those that run tests: pytest-xdist's workers
    # have ended, and the terminal's summary hasn't begun (it wraps this hook).
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Run what failed once more; a run whose failures were all flaky has succeeded."""
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or session.exitstatus != pytest.ExitCode.TESTS_FAILED:
            return
        failed = [*reporter.stats.get("failed", []), *reporter.stats.get("error", [])]
        names = sorted({report.nodeid for report in failed})
        if not 0 < len(names) <= MOST_FAILED:
            return
        for name in names:
            reporter.write_sep("=", f"once more, alone: {name}")
            if _passes(name):
                self._flaky.append(name)
                _rename(reporter.stats, name)
        if len(self._flaky) == len(names) <= MOST_FLAKY:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Name the flaky ones, with how each failed."""
        for name in self._flaky:
            terminalreporter.write_sep("_", f"flaky: {name}")
            for report in terminalreporter.stats["flaky"]:
                if report.nodeid == name:
                    lines = report.longreprtext.splitlines()[-SHOWN_LINES:]
                    terminalreporter.write_line("\n".join(lines))
        if self._flaky:
            terminalreporter.write_sep("=", "flaky tests: mend them")
            for name in self._flaky:
                terminalreporter.write_line(f"FLAKY {name}")
        if len(self._flaky) > MOST_FLAKY:
            terminalreporter.write_line(f"More than {MOST_FLAKY} flaky tests fail a run.")


def _passes(name: str) -> bool:
    command = [sys.executable, "-m", "pytest", "-n", "0", "-m", "", name]
    return subprocess.run(command, check=False).returncode == 0


def _rename(stats: dict[str, list[pytest.TestReport]], name: str) -> None:
    """Move a test's reports to those of flaky ones, which the last line counts apart."""
    for outcome in ("failed", "error"):
        for report in [one for one in stats.get(outcome, []) if one.nodeid == name]:
            stats[outcome].remove(report)
            stats.setdefault("flaky", []).append(report)
        if not stats.get(outcome):
            stats.pop(outcome, None)
