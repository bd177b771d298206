"""What protects every answer: headers, cookies, limits of size, and which JSON is read at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NoReturn

from flask import Flask, Request, Response, request
from flask.json.provider import DefaultJSONProvider
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.middleware.proxy_fix import ProxyFix

from altwright import profiles
from altwright.config import Settings
from altwright.crypto import kept_secret

#: Bytes of a request's body; the largest are a few hundred ids, or a text with its JSON.
BODY_BYTES = 256 * 1024
#: Methods that change nothing (RFC 9110, 9.2.1).
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Since the sign-in. Flask would begin anew with each answer, and so could undo a sign-out that
#: another request's answer overtakes.
SESSION_LASTS = timedelta(days=14)
#: One year, as browsers' preload lists ask for.
HSTS_S = 31_536_000
#: No inline code or style, nothing from elsewhere. Source: OWASP CSP Cheat Sheet, strict policy
#: for sites that serve all of their own files.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: the check of unsafe requests over HTTPS reads it.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

csrf = CSRFProtect()


class JSONRequest(Request):
    """A request that says why its JSON can't be read."""

    def on_json_loading_failed(self, e: ValueError | None) -> NoReturn:
        """Refuse. Raises BadRequest, UnsupportedMediaType."""
        if e is None:
            raise UnsupportedMediaType("Send JSON, as application/json.")
        raise BadRequest(f"The body is no JSON: {e}.")


class StrictJSON(DefaultJSONProvider):
    """JSON as RFC 8259 has it: no NaN, no Infinity; too deep a nesting is an error, no crash."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON. Raises ValueError."""
        try:
            return super().loads(s, parse_constant=_refused, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def init_app(app: Flask, settings: Settings) -> None:
    """Set what protects this app's answers. Raises ConfigError: no secret can be kept."""
    app.json = StrictJSON(app)
    app.request_class = JSONRequest
    app.config.update(
        SECRET_KEY=kept_secret(settings.data_dir, "session.key", settings.flask_secret_key),
        MAX_CONTENT_LENGTH=BODY_BYTES,
        SESSION_COOKIE_NAME="altwright_session",
        SESSION_COOKIE_SECURE=profiles.cookies_need_tls(settings.profile),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        SESSION_REFRESH_EACH_REQUEST=False,
        # A token is worth as much as its session, so it lives as long: a page that was open
        # over night can still be used.
        WTF_CSRF_TIME_LIMIT=None,
    )
    csrf.init_app(app)
    app.after_request(_secured)


def trust_proxies(app: Flask, count: int) -> None:
    """Believe the X-Forwarded headers of ``count`` proxies; wraps what wraps the app already."""
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )


def _secured(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={HSTS_S}")
    # Answers hold what one person may see. Static files and pictures say otherwise themselves.
    response.headers.setdefault("Cache-Control", "no-store")
    return response
