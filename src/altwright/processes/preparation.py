"""What every process and command begins with: settings, log, folders, tables, keys."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Final

from altwright import config, error_reports, folders, garbage, telemetry, tracing
from altwright.accounts import key_check
from altwright.config import Settings
from altwright.db import migrate
from altwright.domain.worker import host_name

if TYPE_CHECKING:
    from altwright.bootstrap import Services

#: glibc's mallopt(3): how many arenas all threads share, and from how many bytes on a block is
#: given back when it is freed. As it comes there are eight arenas a processor, and that size grows
#: with what is freed: eight pictures prepared at a time left 470 MB with a worker, so 200 MB.
_ARENA_MAX: Final = (-8, 2)
_MMAP_THRESHOLD: Final = (-3, 256 * 1024)


def configured(level: str = "") -> Settings:
    """Return the settings, once the log is as they have it; ``level`` is used in its place.

    Raises:
        ConfigError: one or more of them are wrong.
    """
    _give_memory_back()
    settings = config.load()
    telemetry.configure(level or settings.log_level, settings.log_format, settings.secrets())
    tracing.configure(
        settings.otel_exporter_otlp_endpoint,
        settings.otel_exporter_otlp_headers,
    )
    error_reports.configure(
        settings.sentry_dsn,
        release=metadata.version("altwright"),
        environment=settings.profile,
        host=host_name(),
    )
    return settings


def prepared(settings: Settings) -> Services:
    """Return the service with its folder, tables and keys looked at.

    The tables of a new database are made; an older one's are left to `altwright db upgrade`.

    Raises:
        ConfigError: DATA_DIR can't be used, tables are older than this version, a key is missing.
        DatabaseUnavailable: the database doesn't answer.
    """
    garbage.pause()
    from altwright import bootstrap  # noqa: PLC0415 - a supervisor does without all it imports

    garbage.resume()
    folders.prepare(settings.data_dir, "DATA_DIR")
    services = bootstrap.build(settings)
    try:
        migrate.ready(services.database.engine)
        key_check.verify(services.database, services.box)
    except BaseException:
        services.close()
        raise
    return services


def _give_memory_back() -> None:
    """Let threads that hold large blocks in turn share their memory."""
    with suppress(OSError, AttributeError):  # musl and macOS have no such thing
        libc = ctypes.CDLL(None)
        for option in (_ARENA_MAX, _MMAP_THRESHOLD):
            libc.mallopt(*option)
