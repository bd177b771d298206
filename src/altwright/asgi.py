"""The process for many WebSockets as Gunicorn loads it (gunicorn_asgi_conf.py)."""

from __future__ import annotations

from altwright.processes.preparation import configured
from altwright.processes.process import process_of
from altwright.web.realtime.asgi import LivePages

_settings = configured()
_process = process_of(_settings, serves_pages=False)
app = LivePages(_process.app, _process.services, _settings.sockets_max)
