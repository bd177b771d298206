"""The process for many WebSockets as Gunicorn loads it (gunicorn_asgi_conf.py)."""

from __future__ import annotations

from altwright import bootstrap, config, telemetry
from altwright.web.app import create_app
from altwright.web.realtime.asgi import LivePages

settings = config.load()
telemetry.configure(settings.log_level, settings.log_format)
services = bootstrap.build(settings)
app = LivePages(create_app(services, serves_pages=False), services, settings.sockets_max)
