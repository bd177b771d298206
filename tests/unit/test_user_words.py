"""What people read names no path, setting, command or host of the machine that serves them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import altwright
from altwright import errors
from altwright.config import Settings
from altwright.domain.retry_policy import POLICIES
from altwright.errors import Category
from altwright.web.pages.template_filters import REMEDIES

SOURCE = Path(altwright.__file__).parent
#: Errors whose words reach users; ConfigError is the operator's.
SHOWN = {
    name
    for name, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, errors.RequestError | errors.TemporaryError | errors.PermanentError)
}
#: What tells a stranger about the machine, or asks a user for what only an operator can do.
INSIDE = re.compile(
    r"(?:^|[\s\"'(])(?:/|~/|[A-Z]:\\)[a-z]\w*/|localhost|127\.0\.0\.1|`altwright|\.env\b|Traceback"
    r"|sqlite|postgres|mariadb|mysql|valkey",
    re.IGNORECASE,
)
SETTINGS = {(field.alias or name).upper() for name, field in Settings.model_fields.items()}
#: Values that would say where something lies on this machine.
PLACES = re.compile(r"\b(path|folder|directory|file|dsn|socket|data_dir|redis_url|database_url)\b")
#: For whoever runs the service: the command line's and the machine's own.
OPERATORS = {
    "backup",
    "cli",
    "demo",
    "evaluation",
    "workers",
    "processes/supervisor.py",
    "processes/serve.py",
    "wheel_files.py",
}


def user_words() -> Iterator[tuple[str, str, list[str]]]:
    """Yield where each error that a user may read is made, its words, and what it fills in."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] in OPERATORS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[words, *_]) if name in SHOWN:
                    where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                    texts = [
                        one.value
                        for one in ast.walk(words)
                        if isinstance(one, ast.Constant) and isinstance(one.value, str)
                    ]
                    filled = [
                        ast.unparse(one.value)
                        for one in ast.walk(words)
                        if isinstance(one, ast.FormattedValue)
                    ]
                    yield where, " ".join(texts), filled


def test_the_scan_sees_the_errors() -> None:
    """There are errors to look at, from every part that users meet."""
    places = {where.split("/")[0] for where, _, _ in user_words()}
    assert {"accounts", "captions", "platforms", "describers", "tasks", "web"} <= places


@pytest.mark.req("11.6", "shown to users")
def test_no_error_of_a_user_tells_of_the_machine() -> None:
    """Neither words nor what is filled into them name a path, a setting or a host of ours."""
    faults = [
        f"{where}: {words}"
        for where, words, filled in user_words()
        if INSIDE.search(words)
        or SETTINGS.intersection(re.findall(r"[A-Z][A-Z_]{3,}", words))
        or any(PLACES.search(one) for one in filled)
    ]
    assert faults == []


def test_every_category_has_a_remedy_of_its_own() -> None:
    """A page says what to do about each kind of failure, and never the same for two."""
    assert set(REMEDIES) == set(POLICIES) == set(Category)
    assert len(set(REMEDIES.values())) == len(Category)


def test_what_only_an_administrator_can_mend_asks_nothing_of_the_user() -> None:
    """Connecting the account anew doesn't bring a missing model."""
    remedy = REMEDIES[Category.CONFIGURATION]
    assert "administrator" in remedy
    assert "econnect" not in remedy
