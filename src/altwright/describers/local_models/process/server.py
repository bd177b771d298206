"""The process that runs a model: llama.cpp's own server, on this machine's loopback only.

Started by ``host.py`` as ``python -m altwright.describers.local_models.process.server``. It reads
one line of JSON from standard input (files, key, limits), writes one with its address to standard
output, and ends when standard input closes: with whoever started it, however that ended.
"""

from __future__ import annotations

import json
import os
import sys
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
    parameters.n_parallel = 1
    parameters.n_threads_http = _HTTP_THREADS
    threads = len(os.sched_getaffinity(0))
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.cache_ram_mib = 0  # no two pictures have a beginning in common that is worth GBs
    parameters.n_ctx_checkpoints = 0
    parameters.ui = parameters.endpoint_slots = False
    parameters.offline = True
    return xllamacpp.Server(parameters)


if __name__ == "__main__":
    main()
