"""The web application with the chaos run's kind of task: `gunicorn benchmarks.chaos.wsgi:app`."""

from __future__ import annotations

from altwright.wsgi import app, services
from benchmarks.chaos.kind import ChaosKind

__all__ = ["app"]

services.engine.kinds[ChaosKind.name] = ChaosKind(services.settings.data_dir)
