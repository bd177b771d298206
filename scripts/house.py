"""What the house forbids and no linter knows; of long files it makes a remark."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: A file holds one noun; beyond this it likely holds several.
MOST_LINES = 500
#: Put together here, so that this file doesn't hold them.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error|coming so" r"on)\b")
REGISTRIES = re.compile(
    r"py" r"pi\.org|python" r"hosted\.org|npm" r"js\.(org|com)|deb\.deb" r"ian\.org"
)
#: The tables of tasks, and who may write SQL on them; a task is copied from its row in task.py.
TASK_TABLES = re.compile(r"\b(TaskRow|ItemRow|TaskEventRow)\b")
TASK_SQL = ("src/altwright/tasks/store/", "src/altwright/tasks/task.py", "src/altwright/db/")
#: What people read has one kind of apostrophe, in pages, commands and documentation: "'".
OTHER_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4]")
WORDS = re.compile(r"(src/.*\.(html|js|py)|docs/.*\.md|[^/]*\.md)$")


def faults() -> list[str]:
    """Return what is wrong, one line each."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        try:
            lines = path.read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for number, line in enumerate(lines, 1):
            if name.startswith("src/") and UNFINISHED.search(line):
                found.append(f"{name}:{number}: unfinished: {line.strip()[:80]}")
            outside = name.startswith("src/") and not name.startswith(TASK_SQL)
            if outside and TASK_TABLES.search(line):
                found.append(f"{name}:{number}: SQL on tasks belongs into tasks/store")
            is_read = WORDS.match(name) and "/vendor/" not in name
            if is_read and OTHER_APOSTROPHES.search(line):
                found.append(f"{name}:{number}: apostrophes are written '")
            if REGISTRIES.search(line):
                found.append(f"{name}:{number}: names a registry's host")
    return found


def remarks() -> list[str]:
    """Return which files are long: something to look at, no fault."""
    paths = [path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py")]
    long = {path: path.read_text().count("\n") for path in paths}
    return [
        f"{path.relative_to(ROOT)}: {lines} lines; does it hold one noun?"
        for path, lines in sorted(long.items())
        if lines > MOST_LINES
    ]


if __name__ == "__main__":
    for remark in remarks():
        print(remark)  # noqa: T201 - a command
    problems = faults()
    for problem in problems:
        print(problem)  # noqa: T201 - a command
    sys.exit(bool(problems))
