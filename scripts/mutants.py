"""Put faults into modules one at a time, and see whether a test notices: `make mutants`.

tests/mutants.toml says which modules, which tests are near each, and which mutants mean the same
as the original. mutmut makes the mutants and runs the tests; the rest is here.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import libcst as cst
from mutmut.__main__ import _run
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.mutation.mutators import mutation_operators, operator_string
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import change_cwd
from mutmut.utils.format_utils import get_mutant_name, orig_function_and_class_names_from_key
from mutmut.workers import isolation

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tests" / "mutants.toml"
#: Where copies are mutated and tested; made anew by each run.
FOLDER = ROOT / "var" / "mutants"
#: Share of the mutants that some test has to notice, equivalent ones not counted.
LEAST_KILLED = 0.85
#: What mutmut reads in the copy. SQLite only: a mutant meets its tests a thousand times.
SETTINGS = """[mutmut]
source_paths = src
only_mutate = {path}
also_copy =
    docs
    scripts
use_git_change_detection = false
track_dependencies = false
timeout_constant = 5
timeout_multiplier = 6
pytest_add_cli_args =
    -k
    not postgresql and not mariadb
    -p
    no:xdist
    -p
    no:cacheprovider
pytest_add_cli_args_test_selection =
    {tests}
"""


def checks_skipped(node: cst.If) -> Iterator[cst.If]:
    """Skip an `if`: what people forget, and mutmut has no operator for."""
    yield node.with_changes(
        test=cst.Name("False"), whitespace_before_test=cst.SimpleWhitespace(" ")
    )


def names_changed(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """Change strings that mean something to a program; wording has tests of its own."""
    if not isinstance(node, cst.SimpleString) or " " not in node.value:
        yield from islice(operator_string(node), 1)


class QuickestFirst(PytestRunner):
    """Meets a mutant with its quickest tests first: the first that fails ends it."""

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """Run these tests (none: all near the module)."""
        ordered = sorted(tests, key=lambda test: (state().duration_by_test[test], test))
        if not ordered:
            return super().run_tests(mutant_name=mutant_name, tests=ordered)
        # Not by their names on pytest's command line, where some can't be written ("\x00").
        files = sorted({test.partition("::")[0] for test in ordered})
        with change_cwd("mutants"):
            arguments = self._pytest_args_regular_run(files)
            return self.execute_pytest(arguments, plugins=[Chosen(ordered)])


class Chosen:
    """Leaves some of the collected tests, in an order."""

    def __init__(self, names: list[str]) -> None:
        """Take their names."""
        self._places = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Choose and order."""
        chosen = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(chosen, key=lambda item: self._places[item.nodeid])


def extend_mutmut() -> None:
    """Put these in mutmut's places, which its processes inherit."""
    isolation.PytestRunner = QuickestFirst  # type: ignore[misc]
    kept = [one for one in mutation_operators if one[1] is not operator_string]
    mine = [(cst.If, checks_skipped), (cst.BaseString, names_changed)]
    mutation_operators[:] = [*kept, *mine]  # type: ignore[index]


def work(module: str, most: int, seed: int) -> None:
    """Make a module's mutants and test them, in a copy of the project that is the folder here."""
    extend_mutmut()
    path = path_of(module)
    made = mutate_file_contents(str(path), path.read_text()).mutant_names
    names = [get_mutant_name(path, name) for name in made]
    if most and most < len(names):
        names = random.Random(seed).sample(names, most)  # noqa: S311 - a sample, no secret
    Path("chosen.json").write_text(json.dumps(names))
    _run(names, 1)


def path_of(module: str) -> Path:
    """Return a module's path below the project's folder."""
    return Path("src/altwright", *module.split(".")).with_suffix(".py")


def survivors(module: str, equivalent: list[dict[str, str]]) -> tuple[Counter[str], list[str]]:
    """Return how many mutants ended how, and what survived though it isn't equivalent."""
    path = path_of(module)
    ended = json.loads((Path("mutants") / f"{path}.meta").read_text())["exit_code_by_key"]
    listed = {(one["where"], one["change"].strip()) for one in equivalent}
    counts: Counter[str] = Counter()
    left = []
    for name in json.loads(Path("chosen.json").read_text()):
        status = status_by_exit_code[ended[name]]
        if status in {"survived", "no tests", "not checked"}:
            change = "\n".join(changed_lines(get_diff_for_mutant(name, path=path)))
            alike = (where_of(name), change) in listed
            status = "equivalent" if alike else "left"
            if not alike:
                left.append(f"{where_of(name)}\n{change}")
        else:
            status = "killed"
        counts[status] += 1
    return counts, left


def where_of(name: str) -> str:
    """Return the function or method that a mutant is of."""
    function, its_class = orig_function_and_class_names_from_key(name)
    return f"{its_class}.{function}" if its_class else function


def changed_lines(diff: str) -> list[str]:
    """Return a diff's lines that go and come, without what stands around them."""
    lines = [line for line in diff.splitlines() if line[:1] in {"-", "+"}]
    return [line[0] + " " + line[1:].strip() for line in lines if line[:3] not in {"---", "+++"}]


def examine(module: str, known: dict[str, Any], most: int, seed: int) -> bool:
    """Test a module's mutants, say what came of it, and return whether that is good enough."""
    folder = FOLDER / module
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("src", "tests", "scripts", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", folder)
    tests = "\n    ".join(known["tests"])
    (folder / "setup.cfg").write_text(SETTINGS.format(path=path_of(module), tests=tests))
    command = [sys.executable, __file__, "--work", str(most), str(seed), module]
    with (folder / "log").open("w") as log:
        done = subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=False)
    if done.returncode:
        say(f"{module}: see {folder}/log")
        return False
    os.chdir(folder)
    importlib.invalidate_caches()
    counts, left = survivors(module, known.get("equivalent", []))
    meant = counts["killed"] + counts["left"]
    share = counts["killed"] / meant if meant else 1.0
    say(
        f"{module}: {counts.total()} mutants, {counts['killed']} killed ({share:.0%}), "
        f"{counts['equivalent']} equivalent, {counts['left']} left"
    )
    for one in left:
        say(f"  {one}")
    return not left if known.get("all") else share >= LEAST_KILLED


def say(words: str) -> None:
    """Print; runs are long, so at once."""
    print(words, flush=True)  # noqa: T201 - a command


def main() -> int:
    """Examine all modules, or those that are named."""
    known = tomllib.loads(LIST.read_text())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="as tests/mutants.toml names them; none: all")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each, by chance")
    parser.add_argument("--seed", type=int, default=1, help="which by chance")
    parser.add_argument("--work", nargs=2, type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.modules[0], *asked.work)
        return 0
    unknown = sorted(set(asked.modules) - set(known))
    if unknown:
        parser.error(f"not in tests/mutants.toml: {', '.join(unknown)}")
    chosen = asked.modules or list(known)
    good = [examine(one, known[one], asked.sample, asked.seed) for one in chosen]
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
