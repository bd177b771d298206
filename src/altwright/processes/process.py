"""How a process of the service comes to be: settings, log, service, application, in this order."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from altwright import bootstrap, config, folders, telemetry
from altwright.accounts import key_check
from altwright.bootstrap import Services
from altwright.config import Settings
from altwright.db import migrate


@dataclass(frozen=True, slots=True)
class Process:
    """What a process works with; its threads begin with ``services.start``."""

    services: Services
    app: Flask


def configured(level: str = "") -> Settings:
    """Return the settings, once the log is as they have it; ``level`` is used in its place.

    Raises:
        ConfigError: one or more of them are wrong.
    """
    settings = config.load()
    telemetry.configure(level or settings.log_level, settings.log_format)
    return settings


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


def prepared(settings: Settings) -> Services:
    """Return the service with its folder, tables and keys looked at.

    The tables of a new database are made; an older one's are left to `altwright db upgrade`.

    Raises:
        ConfigError: DATA_DIR can't be used, tables are older than this version, a key is missing.
        DatabaseUnavailable: the database doesn't answer.
    """
    folders.prepare(settings.data_dir, "DATA_DIR")
    services = bootstrap.build(settings)
    try:
        migrate.ready(services.database.engine)
        key_check.verify(services.database, services.box)
    except BaseException:
        services.close()
        raise
    return services


def _around(services: Services, *, serves_pages: bool) -> Process:
    # Most commands need no application, and start the sooner without its pages.
    from altwright.web.app import create_app  # noqa: PLC0415

    return Process(services, create_app(services, serves_pages=serves_pages))
