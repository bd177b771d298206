"""`python -m evaluation`, which `make eval` runs: how well our own set of pictures is described.

The set is made anew in var/eval/pictures: what we draw, and photographs out of pinned packages.
Options are those of `altwright eval` (`--describer model`). `--publish` writes the figures into
the docs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

from benchmarks.databases import say

from altwright.evaluation.summary import COLUMNS, rows
from evaluation import checks, published
from evaluation.made import Made
from evaluation.pictures import charts, graphics, layouts, pages, photographs, screens

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "var" / "eval" / "pictures"
PAGE, LATEST = FOLDER.parent / "page.html", FOLDER.parent / "latest.json"


def our_set() -> Iterator[Made]:
    """Yield all pictures."""
    return chain.from_iterable(
        one.made() for one in (charts, screens, pages, graphics, layouts, photographs)
    )


def make(folder: Path = FOLDER) -> int:
    """Write pictures and references into a folder; return how many pictures there are."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told = []
    for one in our_set():
        (folder / one.reference.file).write_bytes(one.data)
        told.append(one.reference.model_dump(exclude_defaults=True))
    text = json.dumps({"pictures": told}, ensure_ascii=False, indent=1)
    (folder / "references.json").write_text(text, "utf-8")
    return len(told)


def main(options: Sequence[str]) -> int:
    """Make the set, measure, print; return the exit code."""
    parser = argparse.ArgumentParser(prog="evaluation", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="put the figures into the docs")
    given, others = parser.parse_known_args(options)
    count = make()
    say(f"{count} pictures are in {FOLDER.relative_to(ROOT)}.")
    command = [sys.executable, "-m", "altwright", "eval", str(FOLDER), "--page", str(PAGE)]
    command += ["--json", *others]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603
    if not done.stdout:
        return done.returncode
    result: dict[str, Any] = json.loads(done.stdout)
    before = json.loads(LATEST.read_text("utf-8")) if LATEST.exists() else {}
    LATEST.write_text(done.stdout, "utf-8")
    for describer, figures in result["figures"].items():
        then = before.get("figures", {}).get(describer)
        say(f"\n{describer}; what differs from the last run is in brackets\n")
        say("\n".join(published.table(rows(figures, then), COLUMNS)))
    say("\n".join(["\nTexts that mislead:", *published.misleading(result["pictures"])]))
    accuracy = checks.accuracy()
    say("\n".join(["\nThe checks on drafts\n", *published.checks_table(accuracy), ""]))
    say("\n".join(checks.mistakes()))
    if given.publish:
        published.write(ROOT, result, accuracy)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
