"""Runs `altwright` in forks of a process that has imported it already.

A command of its own begins with a second of imports; the suite runs some hundreds of commands.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from altwright.__main__ import main

#: Seconds that a command may take.
PATIENCE_S = 300.0
_STREAMS = ("stdin", "stdout", "stderr")

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    ["altwright.cli.main", "altwright.cli.common", "altwright.db.migrate", "tests.forked"]
)


def command(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], typed: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as ``subprocess.run`` would.

    Raises:
        subprocess.TimeoutExpired: it was killed after PATIENCE_S.
    """
    with tempfile.TemporaryDirectory() as name:
        streams = Path(name)
        for one in _STREAMS:
            (streams / one).write_text(typed if one == "stdin" else "")
        process = _forks.Process(target=_run, args=(arguments, folder, environment, streams))
        process.start()
        process.join(PATIENCE_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), PATIENCE_S)
        out, err = ((streams / one).read_text() for one in _STREAMS[1:])
        return subprocess.CompletedProcess(list(arguments), process.exitcode, out, err)


def _run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Path
) -> None:
    for number, one in enumerate(_STREAMS):
        os.dup2(os.open(streams / one, os.O_RDWR), number)
    sys.stdin = os.fdopen(0)  # multiprocessing has put an empty one in its place
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["altwright", *arguments]
    main()
