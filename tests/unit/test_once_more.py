"""A failed test is run once more; what then passes is flaky, and named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
#: Of the plug-ins that are installed only this one is needed; all take a second to import.
PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
CONFTEST = "from tests.conftest import pytest_addoption, pytest_configure"
FLAKY = """
from pathlib import Path

def test_flaky_{number}():
    before = Path("ran-{number}")
    if not before.exists():
        before.touch()
        raise AssertionError("the first time")
"""

#: All that tests/contract has, in a folder that pytest reads as late as that one.
CONTRACT = """
import tests.contract.conftest as it
globals().update({name: one for name, one in vars(it).items() if not name.startswith("__")})
"""
FLAKY_EVERYWHERE = """
from pathlib import Path
import pytest

@pytest.mark.every_database
@pytest.mark.parametrize("number", [1, 2])
def test_flaky(fleet, number):
    before = Path(f"ran-{fleet.delivery}-{number}")
    if not before.exists():
        before.touch()
        assert (fleet.delivery, number) != ("rq", 2)
"""


def run(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run tests as `make test` does."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\nmarkers = every_database\n")
    command = [sys.executable, "-m", "pytest", "--once-more", *options]
    return subprocess.run(
        command, cwd=folder, env=os.environ | PLUGINS, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_passes_the_second_time_is_named_and_fails_nothing(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """The last line counts it apart; its first failure is shown."""
    done = run(tmp_path, FLAKY.format(number=1) + "\ndef test_good():\n    pass\n", *options)
    assert done.returncode == 0, done.stdout
    assert "FLAKY test_it.py::test_flaky_1" in done.stdout
    assert "AssertionError: the first time" in done.stdout
    assert "1 passed, 1 flaky" in done.stdout.splitlines()[-1]


def test_a_test_on_many_databases_is_found_by_its_name(tmp_path: Path) -> None:
    """Its name is the same, be it run with all others or alone."""
    folder = tmp_path / "contract"
    folder.mkdir()
    (folder / "conftest.py").write_text(CONTRACT)
    (folder / "test_everywhere.py").write_text(FLAKY_EVERYWHERE)
    done = run(tmp_path, "", "-k", "sqlite")
    assert done.returncode == 0, done.stdout
    assert "FLAKY contract/test_everywhere.py::test_flaky[" in done.stdout
    assert "3 passed, 8 deselected, 1 flaky" in done.stdout.splitlines()[-1]


def test_what_fails_twice_fails_the_run(tmp_path: Path) -> None:
    """A flaky one beside it doesn't change that."""
    done = run(tmp_path, FLAKY.format(number=1) + "\ndef test_bad():\n    raise ValueError\n")
    assert done.returncode == 1
    assert "1 failed, 1 flaky" in done.stdout.splitlines()[-1]


def test_many_flaky_ones_are_no_accident(tmp_path: Path) -> None:
    """More than are allowed fail the run."""
    most = "from tests import once_more\nonce_more.MOST_FLAKY = 1\n"
    done = run(tmp_path, most + "\n".join(FLAKY.format(number=number) for number in range(2)))
    assert done.returncode == 1
    assert "More than 1 flaky tests" in done.stdout
    assert "2 flaky" in done.stdout.splitlines()[-1]
