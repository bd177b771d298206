"""`python -m benchmarks.peers NAME`: take orders for a queue, from standard input."""

from __future__ import annotations

import contextlib
import importlib
import sys

from benchmarks.peers.marks import take_orders

# By its name: what a module calls itself while it is the program, its worker doesn't know.
peer = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}")
with getattr(peer, "opened", contextlib.nullcontext)():
    take_orders(peer.submit)
