"""What the web application needs of the service; bootstrap builds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from altwright.accounts.administration import UserAdministration
from altwright.accounts.connections import AccountStore
from altwright.accounts.users import UserStore
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.pictures.picture_files import PictureStore
from altwright.config import Settings
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.describers.exchangeable import ExchangeableDescriber
from altwright.describers.local_models.administration import LocalModels
from altwright.tasks.administration import Administration
from altwright.tasks.alerting.alert_desk import AlertDesk
from altwright.tasks.alerting.alerts import AlertBook
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.live_settings import LiveSettings
from altwright.tasks.error_policies import ErrorPolicies
from altwright.tasks.overview import Overview
from altwright.tasks.page_updates import ProgressTracker
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.waiting_reasons import WaitingReasons
from altwright.tasks.worker_administration import WorkerAdministration
from altwright.web.realtime.redis_channel import PageChannel

EXTENSION = "altwright"


@dataclass(frozen=True)
class Services:
    """The parts of the service that views, sockets and health checks use."""

    #: As this process began; what administrators change while all runs is ``live``.
    settings: Settings
    database: Database
    box: Box
    users: UserStore
    people: UserAdministration
    accounts: AccountStore
    drafts: DraftStore
    pictures: PictureStore
    describer: ExchangeableDescriber
    #: What this host lacks to describe, for its operator; "": nothing, or no worker is here.
    lacks: Callable[[], str]
    store: TaskStore
    queue: RQQueueManager
    health: RedisHealthMonitor
    progress: ProgressTracker
    page_channel: PageChannel
    administration: Administration
    worker_administration: WorkerAdministration
    waiting: WaitingReasons
    audit: Audit
    alerts: AlertBook
    alert_desk: AlertDesk
    overview: Overview
    error_policies: ErrorPolicies
    live: LiveSettings
    local_models: LocalModels


def services() -> Services:
    """Return the current app's services."""
    return cast("Services", current_app.extensions[EXTENSION])


def task_app(services: Services) -> Flask:
    """Return an application that answers nobody: workers' tasks run in its context.

    It holds 10 MB less than the one that has pages and the API.
    """
    app = Flask("altwright.web")
    app.extensions[EXTENSION] = services
    return app
