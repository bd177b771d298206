"""docs/requirements.md: each requirement's words, and what shows that each clause holds."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "docs" / "requirements.toml"
MARK = "pytest.mark.req"


class Seen(NamedTuple):
    """What was seen of a promise on speed: in words, and whether that is enough."""

    words: str
    is_reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """What can be proved by itself; docs/requirements.toml says what each field means."""

    number: str
    id: str
    text: str
    command: str = ""
    measured: str = ""
    recorded: str = ""
    promises: Sequence[str] = ()
    missing: str = ""
    see: str = ""

    @property
    def name(self) -> str:
        """Return how a mark and a failed run call it."""
        return f"{self.number} {self.id}"

    @property
    def is_for_tests(self) -> bool:
        """Return whether it holds because tests prove it."""
        return not (self.command or self.promises or self.missing or self.see)

    def is_met(self, seen: Mapping[str, Seen]) -> bool:
        """Return whether nothing of it is known to be missing."""
        return not self.missing and all(seen[name].is_reached for name in self.promises)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A numbered requirement; ``modules`` (below src/altwright) hold its rule."""

    number: str
    modules: list[str]
    clauses: list[Clause]

    @property
    def text(self) -> str:
        """Return its words."""
        return " ".join(clause.text for clause in self.clauses)


def requirements() -> list[Requirement]:
    """Return all of them, in their order."""
    rows: list[dict[str, Any]] = tomllib.loads(SOURCE.read_text("utf-8"))["requirement"]
    return [
        Requirement(
            row["number"],
            row["modules"],
            [Clause(number=row["number"], **clause) for clause in row["clause"]],
        )
        for row in rows
    ]


def clauses() -> list[Clause]:
    """Return the clauses of all requirements."""
    return [clause for requirement in requirements() for clause in requirement.clauses]


def proofs() -> dict[str, list[str]]:
    """Return which tests are marked with each clause's name, known or not, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        file = str(path.relative_to(ROOT))
        for statement in ast.parse(path.read_text("utf-8")).body:
            where = f"{file}::{statement.name}" if isinstance(statement, ast.FunctionDef) else file
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == MARK:
                    found[" ".join(map(_word, node.args))].append(where)
    return found


def _word(argument: ast.expr) -> str:
    return str(argument.value) if isinstance(argument, ast.Constant) else ast.unparse(argument)


def page(seen: Mapping[str, Seen]) -> Iterator[str]:
    """Yield the page's lines; ``seen`` has the promises on speed by their names."""
    shown = proofs()
    everything = clauses()
    unmet = {clause.number for clause in everything if not clause.is_met(seen)}
    missing = [
        clause.name for clause in everything if not clause.is_met(seen) or clause.see in unmet
    ]
    yield "# Requirements"
    yield ""
    yield "Each requirement word for word, clause by clause. A clause is proved by tests that are"
    yield "marked with its number and name, `make test` fails if none of them ran and passed, and"
    yield "`.venv/bin/python -m pytest NAME` runs one. How soon something happens is no test's"
    yield "matter but measured by the command that is named. Modules are below `src/altwright`."
    yield "Written by `make docs` from `requirements.toml`."
    yield ""
    yield f"Of {len(everything)} clauses {len(everything) - len(missing)} are proved, or measured"
    yield "and kept. Not yet: " + ", ".join(missing) + "."
    for requirement in requirements():
        yield ""
        yield f"## {requirement.number}"
        yield ""
        yield f"> {requirement.text}"
        yield ""
        modules = ", ".join(f"`{module}`" for module in requirement.modules)
        yield f"Module: {modules or 'none yet'}."
        yield ""
        for clause in requirement.clauses:
            states = "; ".join(_states(clause, shown.get(clause.name, []), seen))
            yield f'- **{clause.id}** ("{clause.text}"): {states}'


def _states(clause: Clause, tests: list[str], seen: Mapping[str, Seen]) -> Iterator[str]:
    named = ", ".join(f"`{test}`" for test in tests)
    if clause.see:
        yield f"as {clause.see}"
    if clause.is_for_tests:
        yield f"proved by {named}"
    if clause.command:
        page_name = clause.recorded.removeprefix("docs/")
        yield f"measured by `{clause.command}`: {clause.measured} ([{page_name}]({page_name}))"
    for name in clause.promises:
        page_name = "explanation/benchmarks.md"
        yield f"{name}: {seen[name].words} ([{page_name}]({page_name}))"
    if clause.missing:
        yield f"**not yet**: {clause.missing}{f' In part: {named}' if tests else ''}"
