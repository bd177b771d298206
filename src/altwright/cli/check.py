"""`altwright check`: what is configured, what answers, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from altwright import bootstrap, config, database_url, folders, telemetry
from altwright.accounts import key_check
from altwright.cli.common import json_option, show
from altwright.config import Settings
from altwright.crypto import Box
from altwright.db import migrate, reasons
from altwright.db.session import POOL_OVERFLOW, Database, make_engine
from altwright.domain.counting import counted
from altwright.errors import AltwrightError, ConfigError, DatabaseUnavailable, RedisUnavailable
from altwright.processes import serve
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.client import connect
from altwright.text import clean_line
from altwright.workers import capacity

#: Seconds that a Redis has for an answer to this command; it may be far away.
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``found`` says what it is, or what it should be.

    ``warns``: nothing is wrong, and somebody should look at it.
    """

    what: str
    ok: bool
    found: str
    warns: bool = False

    @property
    def state(self) -> str:
        """Return the word that is shown."""
        if self.warns:
            return "warning"
        return "ok" if self.ok else "WRONG"

    def to_json(self) -> dict[str, Any]:
        """Return the shape for programs."""
        return {"what": self.what, "ok": self.ok, "found": self.found, "state": self.state}


@click.command()
@json_option
def check(*, as_json: bool) -> None:
    """Say what is configured, reachable and missing; exit code 2 if something is wrong."""
    telemetry.configure("ERROR", "console")
    findings = list(_findings(config.load()))
    rows = [finding.to_json() for finding in findings]
    show(rows, as_json=as_json, columns={"what": "what", "state": "state", "found": "found"})
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(2)


def _findings(settings: Settings) -> Iterator[Finding]:
    for what, look in (
        ("profile", _profile),
        ("DATA_DIR", _data_dir),
        ("keys", _keys),
        ("DATABASE_URL", _database),
        ("REDIS_URL", _redis),
        ("connections", _connections),
        ("DESCRIBER", _describer),
    ):
        yield _finding(what, look, settings)
    for name in config.misspelt():
        yield Finding("settings", ok=True, found=name, warns=True)


def _finding(what: str, look: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what, ok=True, found=telemetry.redact(look(settings)))
    except ConfigError as error:
        return Finding(what, ok=False, found=telemetry.redact("; ".join(error.problems)))
    except (AltwrightError, SQLAlchemyError, OSError) as error:
        said = f"{error} {getattr(error, 'operator_detail', '')}".strip()
        return Finding(what, ok=False, found=telemetry.redact(clean_line(said, 300)))


def _profile(settings: Settings) -> str:
    workers = f"{counted(settings.rq_worker_count, 'worker')}, {settings.worker_mode}"
    return f"{settings.profile}; http://{settings.host}:{settings.port}; {workers}"


def _data_dir(settings: Settings) -> str:
    path = settings.data_dir.absolute()
    folders.verify(path, "DATA_DIR")
    return str(path) if path.exists() else f"{path}; made at the start"


def _keys(settings: Settings) -> str:
    key, kept = settings.platform_encryption_key, settings.data_dir / bootstrap.KEY_FILE
    if not key:
        folders.verify(settings.data_dir, "DATA_DIR")
    is_made = not key and not kept.exists()
    if not _lacks_database(settings):
        database = Database(make_engine(settings.resolved_database_url))
        try:
            if is_made and key_check.anything_sealed(database):
                raise ConfigError([key_check.MISSING])
            if not is_made and migrate.tables(database.engine) is not migrate.Tables.NONE:
                key_check.compare(database, Box(bootstrap.encryption_keys(settings, database)))
        except DatabaseUnavailable:
            pass  # another line says so
        finally:
            database.close()
    if is_made:
        return "made in DATA_DIR at the start"
    return "from the environment" if key else "kept in DATA_DIR"


def _lacks_database(settings: Settings) -> bool:
    """Return whether the database is a file that is still to be made; connecting would make it."""
    file = database_url.file_of(settings.resolved_database_url)
    return file is not None and not file.exists()


def _database(settings: Settings) -> str:
    shown = make_url(settings.resolved_database_url).render_as_string()
    file = database_url.file_of(settings.resolved_database_url)
    if file is not None:
        folders.verify(file.parent, "DATABASE_URL" if settings.database_url else "DATA_DIR")
    if _lacks_database(settings):
        return f"{shown}; made at the start"
    engine = make_engine(settings.resolved_database_url)
    try:
        stand = migrate.tables(engine)
    except AltwrightError as error:
        reason = reasons.reason_of(error)
        raise ConfigError([f"DATABASE_URL: {shown} can't be used: {reason}"]) from error
    finally:
        engine.dispose()
    match stand:
        case migrate.Tables.NONE:
            return f"{shown}; tables are made at the start"
        case migrate.Tables.OLDER:
            return f"{shown}; tables are older: `altwright serve` or `altwright db upgrade`"
        case migrate.Tables.NEWER:
            raise ConfigError([migrate.NEWER])
        case migrate.Tables.CURRENT:
            return f"{shown}; tables are up to date"


def _redis(settings: Settings) -> str:
    if settings.embeds_valkey:
        serve.valkey_binary()
        return "the embedded Valkey, which runs with the service"
    client = connect(settings.redis_url, call_timeout_s=ANSWER_S)
    try:
        facts = RedisHealthMonitor(client).try_out()
    except RedisUnavailable as error:
        shown = telemetry.redact(settings.redis_url)
        raise ConfigError([f"REDIS_URL: {shown}: {error} Tasks would go on without it"]) from error
    finally:
        client.close()
    said = f"version {facts.version}, policy {facts.policy}, persistence {facts.persistence}"
    return "; ".join([said, *facts.remarks()])


def _connections(settings: Settings) -> str:
    count, size = capacity.processes(settings), capacity.pool_size(settings)
    each = counted(size + POOL_OVERFLOW, "database connection")
    said = f"{counted(count, 'process')} with up to {each} each"
    if settings.embeds_valkey:
        return said
    engine = make_engine(settings.resolved_database_url)
    client = connect(settings.redis_url)
    try:
        remarks = capacity.remarks(settings, engine, client)
    except AltwrightError:
        return said  # another line says what doesn't answer
    finally:
        client.close()
        engine.dispose()
    if remarks:
        raise ConfigError(remarks)
    return said


def _describer(settings: Settings) -> str:
    if serve.gets_models(settings):
        return (
            "offline: `altwright serve` downloads its models (25 MB) when it starts; "
            "where only `altwright worker` runs, `altwright models` gets them"
        )
    describer = bootstrap.describer_of(settings)
    try:
        return f"{settings.describer}: {describer.probe()}"
    finally:
        describer.close()
