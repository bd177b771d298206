"""Gunicorn's configuration: `gunicorn -c python:altwright.gunicorn_conf altwright.wsgi:app`.

Gunicorn's master imports it once, and keeps it over a SIGHUP.
"""

from __future__ import annotations

import signal as _signal
from typing import Any

from altwright import garbage as _garbage
from altwright.config import load as _load  # a plain name would be read as a setting
from altwright.installed import forget_imports as _forget_imports

_settings = _load()

bind = f"{_settings.host}:{_settings.port}"
workers = _settings.web_concurrency
threads = _settings.web_threads
worker_class = "gthread"
# Running tasks get their time, and what is left of it goes to handing them back.
graceful_timeout = int(_settings.rq_shutdown_timeout) + 10
timeout = graceful_timeout + 20
keepalive = 5
control_socket_disable = True
loglevel = "warning"
logger_class = "altwright.gunicorn_log.GunicornLog"
proc_name = "altwright"
worker_tmp_dir = "/dev/shm"  # noqa: S108 - memory: a slow disk must not look like a hung worker


def post_fork(_server: Any, _worker: Any) -> None:
    """Let the process import what is installed now: its master may be of the version before."""
    # Until Gunicorn sets its own handler a SIGTERM would go to the master's, of which the process
    # has a copy that nobody reads: it would never end.
    _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
    _forget_imports()
    _garbage.pause()


def post_worker_init(worker: Any) -> None:
    """Start the process's own threads, now that all is imported."""
    _garbage.resume()
    from altwright.wsgi import life  # noqa: PLC0415 - after the fork

    life.begin(worker)


def pre_request(_worker: Any, _request: Any) -> None:
    """Count requests, for WEB_MAX_REQUESTS."""
    from altwright.wsgi import life  # noqa: PLC0415 - after the fork

    life.count_request()


def worker_exit(_server: Any, _worker: Any) -> None:
    """End them; running tasks have had their time since the stop-watch saw the end coming."""
    from altwright.wsgi import life  # noqa: PLC0415 - after the fork

    life.end()
