"""The process for many WebSockets as Gunicorn loads it (gunicorn_asgi_conf.py)."""

from __future__ import annotations

from altwright import bootstrap
from altwright.processes.preparation import configured
from altwright.web.app import create_app
from altwright.web.realtime.asgi import LivePages

_settings = configured()
_services = bootstrap.build(_settings)
_app = create_app(_services, serves_pages=False)
app = LivePages(_app, _services, _settings.sockets_max)
