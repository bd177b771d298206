"""What the web application needs of the service; bootstrap builds it."""

from __future__ import annotations

from typing import Protocol, cast

from flask import Flask, current_app

from altwright.accounts.connections import AccountStore
from altwright.accounts.users import UserStore
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.pictures.picture_files import PictureStore
from altwright.config import Settings
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.progress import ProgressTracker
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.store.task_store import TaskStore

EXTENSION = "altwright"


class Services(Protocol):
    """The parts of bootstrap.Services that views, sockets and health checks use."""

    @property
    def settings(self) -> Settings:
        """Return the settings."""
        ...

    @property
    def database(self) -> Database:
        """Return the database."""
        ...

    @property
    def box(self) -> Box:
        """Return what encrypts."""
        ...

    @property
    def users(self) -> UserStore:
        """Return the people who sign in."""
        ...

    @property
    def accounts(self) -> AccountStore:
        """Return their connections to platforms."""
        ...

    @property
    def drafts(self) -> DraftStore:
        """Return the drafts."""
        ...

    @property
    def pictures(self) -> PictureStore:
        """Return the pictures' files."""
        ...

    @property
    def store(self) -> TaskStore:
        """Return the tasks, to read."""
        ...

    @property
    def queue(self) -> RQQueueManager:
        """Return what submits, cancels and requeues tasks."""
        ...

    @property
    def health(self) -> RedisHealthMonitor:
        """Return what knows whether Redis can be used."""
        ...

    @property
    def progress(self) -> ProgressTracker:
        """Return what tells the pages."""
        ...


def attach(app: Flask, services: Services) -> None:
    """Make ``services`` what ``services()`` returns in this app's contexts."""
    app.extensions[EXTENSION] = services


def services() -> Services:
    """Return the current app's services."""
    return cast("Services", current_app.extensions[EXTENSION])
