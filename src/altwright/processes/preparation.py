"""What every process and command begins with: settings, log, folders, tables, keys."""

from __future__ import annotations

from altwright import bootstrap, config, folders, telemetry
from altwright.accounts import key_check
from altwright.bootstrap import Services
from altwright.config import Settings
from altwright.db import migrate


def configured(level: str = "") -> Settings:
    """Return the settings, once the log is as they have it; ``level`` is used in its place.

    Raises:
        ConfigError: one or more of them are wrong.
    """
    settings = config.load()
    telemetry.configure(level or settings.log_level, settings.log_format)
    return settings


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
