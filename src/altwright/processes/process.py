"""How a process that works on tasks or answers requests is put together."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from altwright import bootstrap
from altwright.bootstrap import Services
from altwright.config import Settings
from altwright.processes.preparation import prepared
from altwright.web.app import create_app


@dataclass(frozen=True, slots=True)
class Process:
    """What a process works with; its threads begin with ``services.start``."""

    services: Services
    app: Flask


def process_of(settings: Settings, *, serves_pages: bool) -> Process:
    """Return the parts of a process whose folders and tables `altwright serve` has prepared.

    Raises:
        ConfigError, DatabaseUnavailable: as bootstrap.build and create_app do.
    """
    return _around(bootstrap.build(settings), serves_pages=serves_pages)


def lone_process_of(settings: Settings) -> Process:
    """Return the parts of a worker process that may be the first of this host.

    Raises:
        ConfigError, DatabaseUnavailable: as ``prepared`` does.
    """
    return _around(prepared(settings), serves_pages=False)


def _around(services: Services, *, serves_pages: bool) -> Process:
    return Process(services, create_app(services, serves_pages=serves_pages))
