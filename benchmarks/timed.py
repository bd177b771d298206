"""The application as Gunicorn serves it, whose answers say how long each took on the server."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from altwright.wsgi import app as _app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer, and say how many milliseconds went by from the request to its ready answer."""
    began = time.perf_counter()
    started: list[tuple[object, ...]] = []

    def keep(*arguments: object) -> None:
        started[:] = [arguments]

    # Only here: Flask has closed its session of the database when the call returns.
    body = _app(environ, keep)  # type: ignore[arg-type]  # nobody writes but through the body
    status, headers, *rest = started[0]
    took = ("Server-Timing", f"app;dur={1000 * (time.perf_counter() - began):.3f}")
    start_response(status, [*headers, took], *rest)  # type: ignore[misc, arg-type]
    return body
