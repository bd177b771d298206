"""Reports of errors to a Sentry-compatible service, where one is configured.

What is sent is built here from a short list, so that nothing else goes out: no messages of
exceptions (they may hold what users wrote), no variables, no requests, no filled-in log lines.
"""

from __future__ import annotations

import logging
from typing import Any, cast

from altwright import installed, telemetry
from altwright.errors import ConfigError

#: What is kept of an event, of an exception in it, and of a frame of its stack.
_EVENT = ("event_id", "timestamp", "level", "platform", "logger", "release", "environment")
_EXCEPTION = ("type", "module")
_FRAME = ("filename", "function", "module", "lineno", "in_app")
#: What says where it happened, in log lines too.
_TAGS = ("request", "task", "attempt", "worker")


def configure(dsn: str, *, release: str, environment: str, host: str) -> None:
    """Report errors from now on; "": to nobody.

    Raises:
        ConfigError: the package that it takes isn't installed, or the address is none of Sentry's.
    """
    if not dsn:
        return
    try:
        import sentry_sdk  # noqa: PLC0415 - an extra, which few have
        from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
        from sentry_sdk.utils import BadDsn  # noqa: PLC0415
    except ImportError as error:
        missing = installed.without_extra("sentry") or str(error)
        raise ConfigError([f"SENTRY_DSN: {missing}"]) from error
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=release,
            environment=environment,
            server_name=host,
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            before_send=lambda event, _hint: cast("Any", bare(dict(event), host)),
        )
    except BadDsn as error:
        wanted = "should be like https://key@sentry.example/1"
        raise ConfigError([f"SENTRY_DSN: {wanted}"]) from error


def bare(event: dict[str, Any], host: str) -> dict[str, Any]:
    """Return what of an event leaves this process."""
    kept: dict[str, Any] = {name: event[name] for name in _EVENT if name in event}
    kept["server_name"] = host
    here = telemetry.known_fields()
    kept["tags"] = {name: str(here[name]) for name in _TAGS if name in here}
    if "logentry" in event:
        # The line without what was filled in; "%s" stay as they are.
        kept["logentry"] = {"message": str(event["logentry"].get("message", ""))}
    raised = (event.get("exception") or {}).get("values") or []
    if raised:
        kept["exception"] = {"values": [_exception(one) for one in raised]}
    return kept


def _exception(raised: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {name: raised[name] for name in _EXCEPTION if name in raised}
    frames = (raised.get("stacktrace") or {}).get("frames") or []
    kept["stacktrace"] = {
        "frames": [{name: one[name] for name in _FRAME if name in one} for one in frames]
    }
    return kept
