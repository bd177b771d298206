"""The web application."""

from __future__ import annotations

from flask import Flask

from altwright.web import (
    api,
    api_accounts,
    api_drafts,
    api_tasks,
    auth,
    health,
    problems,
    security,
    sockets,
)
from altwright.web.logins import LoginLimit
from altwright.web.pages import bp as pages
from altwright.web.services import Services, attach


def create_app(services: Services, *, serves_pages: bool = True) -> Flask:
    """Put the application together around ``services``; it starts no thread and connects nowhere.

    It decides how progress reaches pages: over the sockets of this process, or, where it only lends
    its context to tasks (``serves_pages`` False), by Redis to processes that have pages.

    Raises:
        ConfigError: the secret that signs sessions can't be kept.
    """
    app = api.new_app("altwright.web")
    attach(app, services)
    security.init_app(app, services.settings)
    problems.init_app(app)
    auth.init_app(app, LoginLimit(services.health))
    app.register_blueprint(health.bp)
    app.register_blueprint(pages)
    api.register(app, api_tasks.bp, api_accounts.bp, api_drafts.bp)
    if serves_pages:
        sockets.init_app(app, services)
    else:
        services.progress.broadcaster = sockets.broadcaster_for(services)
    security.trust_proxies(app, services.settings.trusted_proxies)
    return app
