"""`altwright worker` with the chaos run's kind of task: `python -m benchmarks.chaos.worker`."""

from __future__ import annotations

import sys
from unittest import mock

from altwright import bootstrap
from altwright.bootstrap import Services
from altwright.cli.main import altwright
from altwright.config import Settings
from benchmarks.chaos.kind import ChaosKind

_build = bootstrap.build


def build(settings: Settings) -> Services:
    """Put the service together, with one kind exchanged."""
    services = _build(settings)
    services.engine.kinds[ChaosKind.name] = ChaosKind(settings.data_dir)
    return services


if __name__ == "__main__":
    with mock.patch.object(bootstrap, "build", build):
        altwright(["worker", *sys.argv[1:]])
