"""The web application."""

from __future__ import annotations

from flask import Flask

from altwright.web import (
    auth,
    health,
    metrics,
    password_page,
    problem_details,
    request_context,
    security,
)
from altwright.web.admin import alerts, dashboard, errors, many, models, settings, users, workers
from altwright.web.admin.views import bp as admin
from altwright.web.api import (
    accounts,
    admin_alerts,
    admin_errors,
    admin_models,
    admin_queues,
    admin_settings,
    admin_tasks,
    admin_users,
    admin_workers,
    blueprint,
    describers,
    drafts,
    statistics,
    tasks,
)
from altwright.web.compatible import jobs as jobs_there
from altwright.web.compatible import routes as routes_there
from altwright.web.login_rate_limit import LoginLimit
from altwright.web.pages.views import bp as pages
from altwright.web.realtime import threaded
from altwright.web.services import EXTENSION, Services


def create_app(services: Services, *, serves_pages: bool = True) -> Flask:
    """Put the application together around ``services``; it starts no thread and connects nowhere.

    With ``serves_pages`` False it has no sockets: it only reads sessions.

    Raises:
        ConfigError: the secret that signs sessions can't be kept.
    """
    app = blueprint.new_app("altwright.web")
    app.extensions[EXTENSION] = services
    request_context.init_app(app, trusts_proxy=services.settings.trusted_proxies > 0)
    security.init_app(app, services.settings)
    app.register_error_handler(Exception, problem_details.answer)
    auth.init_app(app, LoginLimit(services.health))
    app.register_blueprint(health.bp)
    app.register_blueprint(metrics.bp)
    app.register_blueprint(pages)
    app.register_blueprint(admin)
    app.register_blueprint(dashboard.bp)
    for page in (many, workers, alerts, errors, models, settings, users, password_page):
        app.register_blueprint(page.bp)
    routes = (tasks, accounts, drafts, describers, statistics)
    of_admins = (admin_workers, admin_alerts, admin_errors, admin_models, admin_settings)
    for one in (*routes, *of_admins, admin_users):
        app.register_api(one.bp)
    for made in (admin_tasks.bp, admin_tasks.dead_letters):
        app.register_api(made)
    for made in (admin_queues.bp, admin_queues.limits, admin_queues.audit):
        app.register_api(made)
    if services.settings.compatible_routes:
        app.register_blueprint(routes_there.bp)
        app.register_blueprint(jobs_there.bp)
    if serves_pages:
        threaded.init_app(app, services)
    security.trust_proxies(app, services.settings.trusted_proxies)
    return app
