"""Log lines: the only place that sets up logging."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import AbstractContextManager
from typing import Any

import structlog

#: Passwords in addresses and in what stands behind "?", tokens, and links with which people choose
#: a password (Fernet's tokens, as accounts/password_links.py makes them) reach no log. A password
#: ends at the last "@", whatever it holds; "host:443/@robin" of a web address is none, and
#: "user:password@host" is what our own words of help say.
_SECRETS = re.compile(
    r"(?<=://)(?!(?<=http://)[^\s/?#\"@:]*:\d{1,5}[/?#])(?!(?<=https://)[^\s/?#\"@:]*:\d{1,5}[/?#])"
    r"(?P<name>[^:/@\s\"]*):(?!password@)[^\s\"]+(?=@)"
    r"|(?P<option>[?&;][\w.-]*(?i:password|passwd|secret|token|key)=)[^&\s\"#]+"
    r"|(?i:(?<=bearer ))\S+|\baw_[\w-]{20,}|\bgAAAA[\w-]{20,}=*"
)


def configure(level: str, shape: str) -> None:
    """Send every logger's lines to stderr, as ``console`` text or one ``json`` object a line."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if shape == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The default shows the values of local variables: secrets among them, hundreds of
            # lines, and seconds of a web process's time for each traceback.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if shape == "json" else []),
            renderer,
            lambda _logger, _name, line: redact(str(line)),
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("rq.worker", "engineio", "socketio", "urllib3", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # RQ adds handlers of its own to these unless they have one (rq.logutils).
    for name in ("rq.worker", "rq.job"):
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]


def fields(**known: Any) -> AbstractContextManager[None]:
    """Return a context in which each log line of this thread says so, too."""
    return structlog.contextvars.bound_contextvars(**known)


def redact(text: str) -> str:
    """Replace passwords in addresses and bearer tokens with ``***``."""
    return _SECRETS.sub(_blotted, text)


def _blotted(match: re.Match[str]) -> str:
    if match["name"] is not None:
        return f"{match['name']}:***"
    return f"{match['option'] or ''}***"
