"""Gunicorn's configuration of the process that holds pages' WebSockets, beside gunicorn_conf.

`gunicorn -c python:altwright.gunicorn_asgi_conf altwright.asgi:app`
"""

from __future__ import annotations

import resource as _resource
from typing import Any

from altwright import garbage as _garbage
from altwright.config import load as _load  # a plain name would be read as a setting
from altwright.installed import forget_imports as _forget_imports

_settings = _load()
#: Files that the process has open besides pages' connections.
_SPARE_FILES = 200
_soft, _hard = _resource.getrlimit(_resource.RLIMIT_NOFILE)
_wanted = _settings.sockets_max + _SPARE_FILES
if _soft != _resource.RLIM_INFINITY and _soft < _wanted:
    _most = _wanted if _hard == _resource.RLIM_INFINITY else min(_wanted, _hard)
    _resource.setrlimit(_resource.RLIMIT_NOFILE, (_most, _hard))

bind = f"{_settings.host}:{_settings.sockets_port}"
workers = 1
worker_class = "asgi"
worker_connections = _settings.sockets_max + 50
asgi_lifespan = "on"
# A stop waits for no page: each comes back to the next process by itself.
graceful_timeout = 1
timeout = 30
control_socket_disable = True
loglevel = "warning"
logger_class = "altwright.gunicorn_log.GunicornLog"
proc_name = "altwright-sockets"
worker_tmp_dir = "/dev/shm"  # noqa: S108 - memory: a slow disk must not look like a hung worker


def post_fork(_server: Any, _worker: Any) -> None:
    """Let the process import what is installed now, as in gunicorn_conf."""
    _forget_imports()
    _garbage.pause()


def post_worker_init(_worker: Any) -> None:
    """Go on as gunicorn_conf does."""
    _garbage.resume()
