"""Runs `altwright` in forks of a process that has imported it already.

A command of its own begins with a second of imports; the suite runs some hundreds of commands.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path

from tests.forked_main import STREAMS, run

#: Seconds that a command may take.
PATIENCE_S = 300.0

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    ["altwright.cli.main", "altwright.cli.common", "altwright.db.migrate", "tests.forked_main"]
)
# At once: begun within a test, it would be a process that the test leaves behind.
forkserver.ensure_running()


def command(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as ``subprocess.run`` would.

    Raises:
        subprocess.TimeoutExpired: it was killed after PATIENCE_S.
    """
    with tempfile.TemporaryDirectory() as name:
        streams = Path(name)
        for one in STREAMS:
            (streams / one).write_text(typed if one == "stdin" else "")
        process = _forks.Process(target=run, args=(arguments, folder, environment, streams))
        process.start()
        process.join(PATIENCE_S)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), PATIENCE_S)
        out, err = ((streams / one).read_text() for one in STREAMS[1:])
        return subprocess.CompletedProcess(list(arguments), process.exitcode, out, err)
