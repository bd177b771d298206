"""The web application."""

from __future__ import annotations

from flask import Flask

from altwright.web import auth, health, metrics, problem_details, security
from altwright.web.admin import dashboard, workers
from altwright.web.admin.views import bp as admin
from altwright.web.api import accounts, admin_workers, blueprint, drafts, statistics, tasks
from altwright.web.login_rate_limit import LoginLimit
from altwright.web.pages.views import bp as pages
from altwright.web.realtime import threaded
from altwright.web.services import EXTENSION, Services


def create_app(services: Services, *, serves_pages: bool = True) -> Flask:
    """Put the application together around ``services``; it starts no thread and connects nowhere.

    With ``serves_pages`` False it has no sockets: it only lends its context to tasks, or reads
    sessions.

    Raises:
        ConfigError: the secret that signs sessions can't be kept.
    """
    app = blueprint.new_app("altwright.web")
    app.extensions[EXTENSION] = services
    security.init_app(app, services.settings)
    app.register_error_handler(Exception, problem_details.answer)
    auth.init_app(app, LoginLimit(services.health))
    app.register_blueprint(health.bp)
    app.register_blueprint(metrics.bp)
    app.register_blueprint(pages)
    app.register_blueprint(admin)
    app.register_blueprint(dashboard.bp)
    app.register_blueprint(workers.bp)
    for one in (tasks.bp, accounts.bp, drafts.bp, statistics.bp, admin_workers.bp):
        app.register_api(one)
    if serves_pages:
        threaded.init_app(app, services)
    security.trust_proxies(app, services.settings.trusted_proxies)
    return app
