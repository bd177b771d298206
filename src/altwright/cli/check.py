"""`altwright check`: what is configured, what answers, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from altwright import config, database_url, folders, telemetry
from altwright.accounts import key_check
from altwright.builders.describers import describers_of
from altwright.cli.common import json_option, show
from altwright.cli.current_settings import current, lacks_database
from altwright.cli.redis import server_facts
from altwright.config import Settings
from altwright.crypto import Box
from altwright.db import migrate, reasons
from altwright.db.session import POOL_OVERFLOW, Database, make_engine
from altwright.describers.port import Describer
from altwright.domain.counting import counted
from altwright.errors import AltwrightError, ConfigError, DatabaseUnavailable, RedisUnavailable
from altwright.processes import serve
from altwright.tasks.rq.redis_client import connect
from altwright.text import clean_line
from altwright.workers import capacity

#: What to do about each thing that is wrong, where its own words don't say it all.
FIXES = {
    "profile": "correct the setting that is named, in the environment or in .env",
    "DATA_DIR": "make the folder, or let this user write to it; or name another one in DATA_DIR",
    "keys": "give this host the PLATFORM_ENCRYPTION_KEY of the others; if the right one is lost, "
    "`altwright db accept-key`",
    "DATABASE_URL": "start the database, or correct the setting that is named; tasks stand still "
    "meanwhile",
    "REDIS_URL": "start Redis, or name another one: REDIS_URL, or `altwright redis use URL` while "
    "all runs; tasks go on from the database meanwhile",
    "connections": "raise what the server allows, or lower WEB_CONCURRENCY, RQ_WORKER_COUNT or "
    "EXTERNAL_PROCESSES; docs/how-to/capacity.md counts them",
    "DESCRIBER": "start its server, or correct the setting that is named; for offline, "
    "`altwright models` gets its models, for model `altwright model get NAME`; tasks wait for it "
    "meanwhile",
    "settings": "correct the name, or take the line away; it does nothing as it is",
}


@click.command()
@json_option
def check(*, as_json: bool) -> None:
    """Say what is configured, what answers, and what to do; exit code 2 if something is wrong."""
    telemetry.configure("ERROR", "console")
    rows = list(_rows(config.load()))
    show(rows, as_json=as_json, columns={"what": "what", "state": "state", "found": "found"})
    remedies = dict.fromkeys((row["what"], row["fix"]) for row in rows if row["fix"])
    if remedies and not as_json:
        click.echo("\nWhat to do:")
        for what, fix in remedies:
            click.echo(f"  {what}: {fix}")
    if not all(row["ok"] for row in rows):
        raise click.exceptions.Exit(2)


def _rows(settings: Settings) -> Iterator[dict[str, Any]]:
    for what, look in (
        ("profile", _profile),
        ("DATA_DIR", _data_dir),
        ("keys", _keys),
        ("DATABASE_URL", _database),
        ("REDIS_URL", _redis),
        ("connections", _connections),
        ("DESCRIBER", _describer),
    ):
        try:
            row = _row(what, look(settings))
        except (AltwrightError, SQLAlchemyError, OSError) as error:
            row = _row(what, _worded(error), "WRONG")
        yield row
    for name in config.misspelt():
        yield _row("settings", name, "warning")


def _worded(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return "; ".join(error.problems)
    return clean_line(f"{error} {getattr(error, 'operator_detail', '')}".strip(), 300)


def _row(what: str, found: str, state: str = "ok") -> dict[str, Any]:
    """Return one thing that was looked at; ``found`` says what it is, or what it should be.

    ``fix`` says what to do about it; "" if there is nothing to do.
    """
    return {
        "what": what,
        "ok": state != "WRONG",
        "found": telemetry.redact(found),
        "state": state,
        "fix": "" if state == "ok" else FIXES[what],
    }


def _profile(settings: Settings) -> str:
    workers = f"{counted(settings.rq_worker_count, 'worker')}, {settings.worker_mode}"
    return f"{settings.profile}; http://{settings.host}:{settings.port}; {workers}"


def _data_dir(settings: Settings) -> str:
    path = settings.data_dir.absolute()
    folders.verify(path, "DATA_DIR")
    return str(path) if path.exists() else f"{path}; made at the start"


def _keys(settings: Settings) -> str:
    key, kept = settings.platform_encryption_key, settings.data_dir / key_check.KEY_FILE
    if not key:
        folders.verify(settings.data_dir, "DATA_DIR")
    is_made = not key and not kept.exists()
    if not lacks_database(settings):
        with (
            suppress(DatabaseUnavailable),  # another line says so
            closing(Database(make_engine(settings.resolved_database_url))) as database,
        ):
            if is_made and key_check.anything_sealed(database):
                raise ConfigError([key_check.MISSING])
            if not is_made and migrate.tables(database.engine).are_ours:
                key_check.compare(database, Box(key_check.encryption_keys(settings, database)))
    if is_made:
        return "made in DATA_DIR at the start"
    return "from the environment" if key else "kept in DATA_DIR"


def _database(settings: Settings) -> str:
    shown = make_url(settings.resolved_database_url).render_as_string()
    file = database_url.file_of(settings.resolved_database_url)
    if file is not None:
        folders.verify(file.parent, "DATABASE_URL" if settings.database_url else "DATA_DIR")
    if lacks_database(settings):
        return f"{shown}; made at the start"
    stand = _tables("DATABASE_URL", settings.resolved_database_url)
    migrate.refuse_others(stand)
    if settings.worker_database_url:
        _tables("WORKER_DATABASE_URL", settings.worker_database_url)
    match stand:
        case migrate.Tables.NONE:
            return f"{shown}; tables are made at the start"
        case migrate.Tables.OLDER:
            return f"{shown}; tables are older: `altwright serve` or `altwright db upgrade`"
        case _:
            return f"{shown}; tables are up to date"


def _tables(name: str, url: str) -> migrate.Tables:
    """Return how the tables stand to who logs in by a setting. Raises ConfigError: nobody can."""
    try:
        with closing(Database(make_engine(url))) as database:
            return migrate.tables(database.engine)
    except AltwrightError as error:
        reason = reasons.reason_of(error)
        shown = make_url(url).render_as_string()
        raise ConfigError([f"{name}: {shown} can't be used: {reason}"]) from error


def _redis(settings: Settings) -> str:
    if settings.embeds_valkey:
        serve.valkey_binary()
        return "the embedded Valkey, which runs with the service"
    try:
        facts = server_facts(settings.redis_url)
    except RedisUnavailable as error:
        shown = telemetry.redact(settings.redis_url)
        raise ConfigError([f"REDIS_URL: {shown}: {error} Tasks would go on without it"]) from error
    said = f"version {facts.version}, policy {facts.policy}, persistence {facts.persistence}"
    return "; ".join([said, *facts.remarks()])


def _connections(settings: Settings) -> str:
    count, size = capacity.processes(settings), capacity.pool_size(settings)
    each = counted(size + POOL_OVERFLOW, "database connection")
    said = f"{counted(count, 'process')} with up to {each} each"
    if settings.embeds_valkey:
        return said
    database = Database(make_engine(settings.resolved_database_url))
    try:
        with closing(database), connect(settings.redis_url) as client:
            remarks = capacity.remarks(settings, database.engine, client)
    except AltwrightError:
        return said  # another line says what doesn't answer
    if remarks:
        raise ConfigError(remarks)
    return said


def _describer(settings: Settings) -> str:
    settings = current(settings)
    with closing(describers_of(settings)) as order:
        found = [_answer(one, settings) for one in order.describers]
    if any(not is_well for is_well, _ in found):
        raise ConfigError([words for _, words in found])
    return "; then ".join(words for _, words in found)


def _answer(describer: Describer, settings: Settings) -> tuple[bool, str]:
    """Return whether a describer is well, and what it says, can't do or lacks."""
    if describer.name == "offline" and serve.gets_models(settings):
        return True, (
            "offline: `altwright serve` downloads its models (25 MB) when it starts; "
            "where only `altwright worker` runs, `altwright models` gets them"
        )
    try:
        said = f"{describer.name}: {describer.probe()}"
    except AltwrightError as error:
        return False, _worded(error)
    return True, f"{said} {describer.abilities.limits(describer.name)}".strip()
