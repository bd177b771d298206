"""The process that runs a model: llama.cpp's own server, on this machine's loopback only.

Started by ``host.py`` as ``python -m altwright.describers.local_models.process.server``. It reads
one line of JSON from standard input (files, key, limits), writes one with its address to standard
output, and ends when standard input closes: with whoever started it, however that ended.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from altwright.describers.offline.process import sandbox

#: Tokens of the conversation: guidelines and answer (2,000) beside four views of a long picture.
CONTEXT: Final = 6144
#: Tokens of one view at most: 1,024 are a million pixels for Qwen's models, enough to read text.
VIEW_TOKENS: Final = 1024
#: Threads that answer HTTP: one picture at a time is described, and probes are answered meanwhile.
_HTTP_THREADS: Final = 4


def main() -> None:
    """Serve until standard input closes."""
    wanted = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # llama.cpp's log goes where errors go
    # Before anything large is loaded.
    sandbox.confine(wanted["address_space_bytes"], serves_loopback=True)
    server = _served(wanted)
    answers.write(json.dumps({"url": f"{server.listening_address}/v1"}) + "\n")
    answers.close()
    sys.stdin.read()
    # llama.cpp's own end may wait for a picture in hand, which nobody wants any more.
    os._exit(0)


def _served(wanted: dict[str, Any]) -> Any:
    """Return a running server. Raises whatever llama.cpp makes of files it can't load."""
    import xllamacpp  # noqa: PLC0415 - within the limits

    parameters = xllamacpp.CommonParams()
    parameters.model.path = wanted["weights"]
    parameters.mmproj.path = wanted["projector"]
    parameters.model_alias = {wanted["name"]}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [wanted["key"]]
    parameters.n_ctx = CONTEXT
    parameters.image_max_tokens = VIEW_TOKENS
    parameters.n_ubatch = VIEW_TOKENS  # some models see a view as a whole, or not at all
    parameters.n_parallel = 1
    parameters.n_threads_http = _HTTP_THREADS
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = _processors()
    parameters.cache_ram_mib = 0  # no two pictures have a beginning in common that is worth GBs
    parameters.n_ctx_checkpoints = 0
    parameters.ui = parameters.endpoint_slots = False
    # Weights are put in the order that suits the processor; from a mapped file they would be there
    # twice. Measured with 617 million random ones of Q4_0: 797 MB instead of 1,084.
    parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    parameters.offline = True
    return xllamacpp.Server(parameters)


def _processors() -> int:
    """Return how many processors this process may use, a container's limit included."""
    count = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, int(quota) // int(period)))
    except (OSError, ValueError):  # no container, or one without a limit
        return count


if __name__ == "__main__":
    main()
