"""For every test: no setting leaks in from outside; proofs of requirements are counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from scripts.requirements import clauses
from tests.once_more import OnceMore

from altwright.config import Settings

ROOT = Path(__file__).parent.parent
#: Folders whose tests come first: those that start whole services, and mostly wait for them, then
#: those with a browser, of which some take a minute. All others are short.
FIRST = {"faults": 0, "e2e": 0, "browser": 1}

# A slow machine is no fault of the code: no example is timed.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests say which settings they want; a developer's own .env isn't among them."""
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv((field.alias or name).upper(), raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ours."""
    parser.addoption("--once-more", action="store_true", help="run what failed once more, alone")


def pytest_configure(config: pytest.Config) -> None:
    """Count proofs in the process that hears of every test: not in pytest-xdist's workers."""
    if hasattr(config, "workerinput"):
        return
    if config.option.once_more:
        config.pluginmanager.register(OnceMore())
    config.pluginmanager.register(Proofs(partial=_leaves_tests_out(config)))


def _leaves_tests_out(config: pytest.Config) -> bool:
    chosen = [Path(argument.split("::")[0]).resolve() for argument in config.args]
    everything = chosen in ([ROOT / "tests"], [ROOT])
    options = config.option
    chosen_by_name = options.keyword or options.markexpr != "not slow_proof"
    return bool(chosen_by_name or options.collectonly or not everything)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that wait begin, and each one's reports say which clauses it proves.

    Of pytest-xdist's processes the first gets those that wait, and the others meanwhile keep the
    processors busy; nor is a long one left when all others have ended.
    """
    items.sort(key=lambda item: FIRST.get(item.path.parent.name, len(FIRST)))
    for item in items:
        for mark in item.iter_markers("req"):
            item.user_properties.append(("req", " ".join(map(str, mark.args))))


class Proofs:
    """Fails a whole run in which a clause of docs/requirements.toml lacked a test that passed."""

    def __init__(self, *, partial: bool) -> None:
        """Take whether this run leaves tests out."""
        self._partial = partial

    # Last: after what failed has been run once more, and may have passed.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Check."""
        if self._partial or session.exitstatus != pytest.ExitCode.OK:
            return
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        passed = reporter.stats.get("passed", []) + reporter.stats.get("flaky", [])
        proved = {
            value for report in passed for name, value in report.user_properties if name == "req"
        }
        wanted = {clause.name for clause in clauses() if clause.is_for_tests}
        unproved = wanted - proved
        if unproved:
            reporter.write_line("No test that ran and passed proves these clauses any more:")
            for name in sorted(unproved):
                reporter.write_line(f"  {name}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
