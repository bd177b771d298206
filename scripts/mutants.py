"""Put faults into modules one at a time, and see whether a test notices: `make mutants`.

tests/mutants.toml says which modules, which tests are near each, and which mutants mean the same
as the original. mutmut makes the mutants. One process imports and collects the tests, runs them
once (what each reaches, how long it takes), and is forked for each mutant.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from functools import _lru_cache_wrapper
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.mutation.mutators import mutation_operators, operator_string
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.format_utils import parse_mutant_key
from sqlalchemy import Engine

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tests" / "mutants.toml"
#: Where a copy of the project is mutated and tested, and what survived last is kept.
FOLDER = ROOT / "var" / "mutants"
#: Share of the mutants that some test has to notice, equivalent ones not counted.
LEAST_KILLED = 0.85
#: A test may take so many times as long with a mutant as without, and seconds more.
TIMES, MORE_S = 5, 5
#: After so many mutants the tests are run without one, to see that what they share is whole.
CHECKED_EACH = 100
#: Neither in parallel nor in another order each time, and however long it takes.
OPTIONS = ["--rootdir=.", "-q", "--timeout", "0", "--durations", "15"]
OPTIONS += ["-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:randomly"]
#: Tests that are left out unless the list names them so: a mutant meets its tests a thousand times.
ELSEWHERE = re.compile("postgresql|mariadb")


def checks_skipped(node: cst.If) -> Iterator[cst.If]:
    """Skip an `if`: what people forget, and mutmut has no operator for."""
    yield node.with_changes(
        test=cst.Name("False"), whitespace_before_test=cst.SimpleWhitespace(" ")
    )


def names_changed(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """Change strings that mean something to a program; wording has tests of its own."""
    if not isinstance(node, cst.SimpleString) or " " not in node.value:
        yield from islice(operator_string(node), 1)


@dataclass(frozen=True)
class Mutant:
    """One fault; `change` is as tests/mutants.toml has it."""

    name: str
    where: str
    change: str


def mutate(module: str, path: Path) -> list[Mutant]:
    """Put all of a module's mutants into its file, each asleep until it is named."""
    kept = [one for one in mutation_operators if one[1] is not operator_string]
    mine = [(cst.If, checks_skipped), (cst.BaseString, names_changed)]
    mutation_operators[:] = [*kept, *mine]  # type: ignore[index]
    made = mutate_file_contents(str(path), path.read_text())
    path.write_text(made.code)
    tree = cst.parse_module(made.code)
    bodies = [tree.body, *(node.body.body for node in tree.body if isinstance(node, cst.ClassDef))]
    texts = {
        node.name.value: cst.Module([node.with_changes(name=cst.Name("f"), leading_lines=[])]).code
        for body in bodies
        for node in body
        if isinstance(node, cst.FunctionDef)
    }
    return [
        Mutant(f"altwright.{module}.{name}", where_of(name), changed(texts, name))
        for name in made.mutant_names
    ]


def where_of(name: str) -> str:
    """Return the function or method that a mutant is of."""
    function, its_class = parse_mutant_key(name.partition("__mutmut_")[0])
    return f"{its_class}.{function}" if its_class else function


def changed(texts: dict[str, str], name: str) -> str:
    """Return the lines that go and come, without what stands around them."""
    original = texts[name.partition("__mutmut_")[0] + "__mutmut_orig"]
    lines = unified_diff(original.strip().splitlines(), texts[name].strip().splitlines(), n=0)
    return "\n".join(
        f"{line[0]} {line[1:].strip()}"
        for line in lines
        if line[0] in "-+" and line[:3] not in {"---", "+++"}
    )


class Meeting:
    """Plugin of pytest that lets the collected tests meet one mutant after another."""

    def __init__(
        self,
        mutants: list[Mutant],
        tests: list[str],
        survived: Path,
        say: Callable[[str], object],
    ) -> None:
        """Take them, the tests as listed, where to write what survives, and what prints."""
        self._mutants = mutants
        self._listed = tests
        self._survived = survived
        self._say = say
        self._failed: list[str] = []
        self._took: defaultdict[str, float] = defaultdict(float)
        self._reached: defaultdict[str, list[pytest.Item]] = defaultdict(list)
        self._killers: Counter[tuple[str, str]] = Counter()
        self._caches: list[Any] = []
        self.counts: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep each test once; on another database than SQLite only where it is listed so."""
        found = {item.nodeid: item for item in items}
        items[:] = [
            item
            for name, item in found.items()
            if name in self._listed or not ELSEWHERE.search(name)
        ]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Say which tests can't even be read: the others alone mean less."""
        if report.failed:
            self._say(f"  can't be collected: {report.nodeid}")
            self.counts["void"] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how long a test took, and whether it noticed something."""
        self._took[report.nodeid] += report.duration
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests once, and then for each mutant those that reach it."""
        # What is made once would be made before a mutant is there.
        self._caches = [
            one
            for one in gc.get_objects()
            if isinstance(one, _lru_cache_wrapper) and str(one.__module__).startswith("altwright.")
        ]
        set_mutant_under_test("stats")
        for item in session.items:
            self._forget()
            run(item)
            for function in state()._stats:  # noqa: SLF001 - what mutmut's trampolines write to
                self._reached[function].append(item)
            state()._stats.clear()  # noqa: SLF001
        if self._failed:
            self._say(f"  fail without a mutant: {self._failed}")
            self.counts["void"] += 1
            return True
        # A child opens connections of its own.
        for one in gc.get_objects():
            if isinstance(one, Engine):
                one.dispose()
        gc.freeze()
        for number, mutant in enumerate(self._mutants, 1):
            sys.stderr.write(f"{number} of {len(self._mutants)}\n")
            self._meet(mutant)
            if number % CHECKED_EACH == 0 or number == len(self._mutants):
                unwell = self._run("", session.items)
                if unwell is not None:
                    self._say(
                        f"  what was run since the last {CHECKED_EACH} means nothing, a mutant has "
                        f"broken what tests share: {unwell}"
                    )
                    self.counts["void"] += 1
                    return True
        return True

    def _forget(self) -> None:
        for cache in self._caches:
            cache.cache_clear()

    def _meet(self, mutant: Mutant) -> None:
        function = mutant.name.partition("__mutmut_")[0]
        # The quickest first, and what has noticed others of this function.
        tests = sorted(
            self._reached[function],
            key=lambda item: self._took[item.nodeid] / (1 + self._killers[function, item.nodeid]),
        )
        killer = self._run(mutant.name, tests)
        self.counts["left" if killer is None else "killed"] += 1
        if killer is None:
            self._say(f"  {mutant.where}\n{mutant.change}")
            with self._survived.open("a") as file:
                file.write(json.dumps([mutant.where, mutant.change]) + "\n")
        else:
            self._killers[function, killer] += 1

    def _run(self, name: str, tests: list[pytest.Item]) -> str | None:
        """Return which test noticed ("" for time that ran out), or None."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.setpgid(0, 0)
            set_mutant_under_test(name)
            self._failed.clear()
            self._forget()
            for item in tests:
                # Nobody catches it: it is the end of what hangs.
                signal.alarm(MORE_S + ceil(TIMES * self._took[item.nodeid]))
                run(item)
                if self._failed:
                    os.write(write, item.nodeid.encode())
                    os._exit(1)
            os._exit(0)
        os.close(write)
        _, status = os.waitpid(child, 0)
        with suppress(ProcessLookupError):  # nothing that it started is left
            os.killpg(child, signal.SIGKILL)
        with os.fdopen(read, "rb") as pipe:
            killer = pipe.read().decode()
        return killer if status else None


def run(item: pytest.Item) -> None:
    """Run a test; what the whole run shares (servers, a migrated database) stays up after it."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.session)


def work(module: str, path: Path, asked: argparse.Namespace) -> bool:
    """Test a module's mutants in the copy that is the folder here; return whether all is good."""
    out = os.fdopen(os.dup(1), "w")

    def say(words: str) -> None:
        print(words, file=out, flush=True)

    with Path("log").open("w") as log:
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    began = time.monotonic()
    known = tomllib.loads(LIST.read_text())[module]
    listed = {(one["where"], one["change"].strip()) for one in known.get("equivalent", [])}
    at_import = known.get("at_import", [])
    made = [one for one in mutate(module, path) if one.where not in at_import]
    meant = [one for one in made if (one.where, one.change) not in listed]
    alike = len(made) - len(meant)
    for where, change in sorted(listed - {(one.where, one.change) for one in made}):
        say(f"  there is no mutant as listed: {where}\n{change}")
    survived = FOLDER / f"{module}.survived"
    if asked.survivors:
        last = {tuple(json.loads(line)) for line in survived.read_text().splitlines()}
        meant = [one for one in meant if (one.where, one.change) in last]
    if asked.sample and asked.sample < len(meant):
        meant = random.Random(asked.seed).sample(meant, asked.sample)  # noqa: S311 - no secret
    survived.write_text("")
    meeting = Meeting(meant, known["tests"], survived, say)
    pytest.main([*OPTIONS, *known["tests"]], plugins=[meeting])
    killed, left = meeting.counts["killed"], meeting.counts["left"]
    share = killed / (len(meant) or 1)
    say(
        f"{module}: {len(meant)} mutants, {killed} killed ({share:.0%}), {left} left, "
        f"{alike} equivalent, {time.monotonic() - began:.0f} s"
    )
    return killed + left == meeting.counts.total() == len(meant) and (
        not left if known.get("all") else not meant or share >= LEAST_KILLED
    )


def examine(module: str, arguments: list[str]) -> bool:
    """Copy the project, work there in a process of its own, and return whether all is good."""
    folder = FOLDER / module
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("src", "tests", "scripts", "docs", "evaluation", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", folder)
    command = [sys.executable, __file__, "--work", *arguments, module]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([f"{folder}/src", str(folder)])}
    return not subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def main() -> int:
    """Examine all modules, or those that are named."""
    known = tomllib.loads(LIST.read_text())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="as tests/mutants.toml names them; none: all")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each, by chance")
    parser.add_argument("--seed", type=int, default=1, help="which by chance")
    parser.add_argument("--survivors", action="store_true", help="only what survived the last run")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    unknown = sorted(set(asked.modules) - set(known))
    if unknown:
        parser.error(f"not in tests/mutants.toml: {', '.join(unknown)}")
    if asked.work:
        (module,) = asked.modules
        path = Path("src/altwright", *module.split(".")).with_suffix(".py")
        return not work(module, path, asked)
    options = [one for one in sys.argv[1:] if one not in asked.modules]
    good = [examine(one, options) for one in asked.modules or known]
    return not all(good)


if __name__ == "__main__":
    sys.exit(main())
