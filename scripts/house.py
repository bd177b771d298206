"""What the house forbids and no linter knows: long modules, unfinished places, foreign hosts."""

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
        if path.suffix in {".py", ".js"} and len(lines) > MOST_LINES:
            found.append(f"{name}: {len(lines)} lines; {MOST_LINES} at most")
        for number, line in enumerate(lines, 1):
            if name.startswith("src/") and UNFINISHED.search(line):
                found.append(f"{name}:{number}: unfinished: {line.strip()[:80]}")
            if REGISTRIES.search(line):
                found.append(f"{name}:{number}: names a registry's host")
    return found


if __name__ == "__main__":
    problems = faults()
    for problem in problems:
        print(problem)  # noqa: T201 - a command
    sys.exit(bool(problems))
