"""What each request is called by: in its log lines, its trace, and its answer."""

from __future__ import annotations

import re
import secrets
from contextlib import ExitStack

from flask import Flask, Response, g, request

from altwright import telemetry, tracing

HEADER = "X-Request-ID"
_STACK = "altwright_request"
#: What a reverse proxy may call it.
_KNOWN = re.compile(r"[\w.-]{1,64}", re.ASCII)


def init_app(app: Flask, *, trusts_proxy: bool) -> None:
    """Give each request an id: the reverse proxy's, where there is one that is trusted."""

    def begin() -> None:
        given = request.headers.get(HEADER, "") if trusts_proxy else ""
        request_id = given if _KNOWN.fullmatch(given) else secrets.token_hex(8)
        stack = ExitStack()
        stack.enter_context(telemetry.fields(request=request_id))
        route = request.url_rule.rule if request.url_rule else None
        facts = {"http.request.method": request.method, "http.route": route}
        span = tracing.span(f"{request.method} {route or 'nowhere'}", request=request_id, **facts)
        stack.enter_context(span)
        g.request_id = request_id
        setattr(g, _STACK, stack)

    def answered(response: Response) -> Response:
        response.headers[HEADER] = g.get("request_id", "")
        tracing.note(**{"http.response.status_code": response.status_code})
        return response

    def end(_error: BaseException | None) -> None:
        stack: ExitStack | None = g.pop(_STACK, None)
        if stack is not None:
            stack.close()

    app.before_request(begin)
    app.after_request(answered)
    app.teardown_request(end)
