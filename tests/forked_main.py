"""What a fork does that runs `altwright`; it starts nothing that would be left behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from altwright.__main__ import main

STREAMS = ("stdin", "stdout", "stderr")


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Path
) -> None:
    """Run a command with a folder's files as its streams."""
    for number, one in enumerate(STREAMS):
        os.dup2(os.open(streams / one, os.O_RDWR), number)
    sys.stdin = os.fdopen(0)  # multiprocessing has put an empty one in its place
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["altwright", *arguments]
    main()
