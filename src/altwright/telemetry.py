"""Log lines: the only place that sets up logging."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from altwright.log_words import located, masked

if "rich" in sys.modules:
    import structlog
else:
    # structlog loads it where it is installed, for tracebacks that no line of ours shows: 5 MB more
    # in every process.
    sys.modules["rich"] = None  # type: ignore[assignment]  # the import system's word for "not there"
    import structlog

    del sys.modules["rich"]

_log = logging.getLogger(__name__)

#: Characters below which a configured secret is a word that other lines may have.
SECRET_LEAST = 8

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


def configure(level: str, shape: str, secrets: Iterable[str] = ()) -> None:
    """Send every logger's lines to stderr, as ``console`` text or one ``json`` object a line.

    An exception is one word of a line: its class, and where it was raised. Its message may quote
    whatever it was about, and a stack names paths, so that both are for ``DEBUG`` only, and the
    report of errors (error_reports). ``secrets`` are blotted out wherever they stand.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(level, shape, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("rq.worker", "engineio", "socketio", "urllib3", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # RQ adds handlers of its own to these unless they have one (rq.logutils).
    for name in ("rq.worker", "rq.job"):
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _of_thread


def formatter(level: str, shape: str, secrets: Iterable[str] = ()) -> logging.Formatter:
    """Return what makes a line of a record; Gunicorn's own handlers take it, too."""
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
    told: list[structlog.types.Processor] = [_located, _masked]
    if level == "DEBUG":
        told = [structlog.processors.format_exc_info] if shape == "json" else []
    hidden = tuple(one for one in secrets if len(one) >= SECRET_LEAST)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *told,
            renderer,
            lambda _logger, _name, line: redact(str(line), hidden),
        ],
    )


def _of_thread(ended: threading.ExceptHookArgs) -> None:
    name = ended.thread.name if ended.thread else "?"
    _log.error("thread %s ended by a fault", name, exc_info=ended.exc_value)


def fields(**known: Any) -> AbstractContextManager[None]:
    """Return a context in which each log line of this thread says so, too."""
    return structlog.contextvars.bound_contextvars(**known)


def known_fields() -> dict[str, Any]:
    """Return what `fields` has each log line of this thread say."""
    return structlog.contextvars.get_contextvars()


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace passwords in addresses, bearer tokens, and the ``secrets`` with ``***``."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _SECRETS.sub(_blotted, text)


def _located(_logger: Any, _name: str, event: structlog.types.EventDict) -> Any:
    """Put an exception's class and places in the place of its traceback."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["raised"] = located(error)
    return event


def _masked(_logger: Any, _name: str, event: structlog.types.EventDict) -> Any:
    return {name: masked(said) if isinstance(said, str) else said for name, said in event.items()}


def _blotted(match: re.Match[str]) -> str:
    if match["name"] is not None:
        return f"{match['name']}:***"
    return f"{match['option'] or ''}***"
