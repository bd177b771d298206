"""The settings that count now: those of the environment, and what was changed while all runs."""

from __future__ import annotations

from contextlib import closing, suppress

from sqlalchemy.exc import SQLAlchemyError

from altwright import database_url
from altwright.config import Settings
from altwright.db.session import Database, make_engine
from altwright.errors import AltwrightError
from altwright.tasks.cluster.live_settings import LiveSettings


def current(settings: Settings) -> Settings:
    """Return the settings as every process of the cluster has them; as given where nobody says."""
    if not lacks_database(settings):
        database = Database(make_engine(settings.resolved_database_url))
        # What is wrong with it is for others to say.
        with closing(database), suppress(AltwrightError, SQLAlchemyError):
            live = LiveSettings(database, settings, lambda _: None)
            live.follow()
            return live.current
    return settings


def lacks_database(settings: Settings) -> bool:
    """Return whether the database is a file that is still to be made; connecting would make it."""
    file = database_url.file_of(settings.resolved_database_url)
    return file is not None and not file.exists()
