"""Gunicorn's own lines, in the shape of all others and with nothing in them that others lack."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from altwright import config, telemetry


class GunicornLog(Logger):  # type: ignore[misc]  # Gunicorn has no types
    """Gunicorn's logger; its master has no other set up."""

    def setup(self, cfg: Any) -> None:
        """Set up, again after a reload."""
        super().setup(cfg)
        settings = config.load()
        lines = telemetry.formatter(settings.log_level, settings.log_format, settings.secrets())
        for handler in self.error_log.handlers:
            handler.setFormatter(lines)
