"""Limits that a benchmark prints beside its figures, and the page on speed, too."""

from __future__ import annotations

#: Seconds after a loss (benchmarks/recovery.py), from requirements 6.3 to 6.5; an idle worker asks
#: the database each second.
RECOVERY_S = {
    "Redis killed: the last answer that it is used": 2.0,
    "Redis killed: the submit that meets it": 2.0,
    "Redis back: the last answer that it isn't used": 5.0,
    "Redis frozen: the last answer that it is used": 2.0,
    "Redis frozen: the submit that meets it": 2.0,
    "Redis thawed: the last answer that it isn't used": 5.0,
    "worker process killed: its task goes on": 5.0,
    "without Redis: a submit is claimed by an idle worker": 1.0,
}
