"""For every test: no setting leaks in from outside; proofs of requirements are counted."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from altwright.config import Settings

ROOT = Path(__file__).parent.parent
_proved = pytest.StashKey[set[str]]()
_partial = pytest.StashKey[bool]()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests say which settings they want; a developer's own .env isn't among them."""
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv((field.alias or name).upper(), raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


def pytest_configure(config: pytest.Config) -> None:
    """Note whether this run leaves tests out."""
    config.stash[_proved] = set()
    chosen = [Path(argument.split("::")[0]).resolve() for argument in config.args]
    everything = chosen in ([ROOT / "tests"], [ROOT])
    config.stash[_partial] = bool(config.option.keyword or config.option.markexpr or not everything)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the requirements that a passed test proves."""
    report = yield
    if report.when == "call" and report.passed:
        for mark in item.iter_markers("req"):
            item.config.stash[_proved].update(mark.args)
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a whole run in which a row of docs/requirements.md was proved by no test."""
    if session.config.stash[_partial] or exitstatus != pytest.ExitCode.OK:
        return
    proved: set[str] = session.config.stash[_proved]
    unproved = required() - proved
    if unproved:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(f"No passed test proves requirement {', '.join(sorted(unproved))}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def required() -> set[str]:
    """Return the numbers that docs/requirements.md says hold."""
    text = (ROOT / "docs" / "requirements.md").read_text()
    return set(re.findall(r"^\| (\d+\.\d+) \|", text, re.MULTILINE))
