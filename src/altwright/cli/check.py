"""`altwright check`: what is configured, what answers, what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click

from altwright import bootstrap, config, serve, telemetry
from altwright.cli.common import json_option, show
from altwright.config import Settings
from altwright.db import migrate
from altwright.db.session import make_engine
from altwright.errors import AltwrightError, ConfigError
from altwright.tasks.health import RedisHealthMonitor
from altwright.tasks.redis import connect
from altwright.workers import capacity


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``found`` says what it is, or what it should be."""

    what: str
    ok: bool
    found: str


@click.command()
@json_option
def check(*, as_json: bool) -> None:
    """Say what is configured, reachable and missing; exit code 2 if something is wrong."""
    telemetry.configure("ERROR", "console")
    findings = list(_findings(config.load()))
    rows = [{**asdict(finding), "state": "ok" if finding.ok else "WRONG"} for finding in findings]
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


def _finding(what: str, look: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what, ok=True, found=telemetry.redact(look(settings)))
    except ConfigError as error:
        return Finding(what, ok=False, found=telemetry.redact("; ".join(error.problems)))
    except AltwrightError as error:
        return Finding(what, ok=False, found=telemetry.redact(str(error)))


def _profile(settings: Settings) -> str:
    workers = f"{settings.rq_worker_count} workers, {settings.worker_mode}"
    return f"{settings.profile}; http://{settings.host}:{settings.port}; {workers}"


def _data_dir(settings: Settings) -> str:
    path = settings.data_dir.absolute()
    parent = next(one for one in (path, *path.parents) if one.exists())
    if not os.access(parent, os.W_OK):
        raise ConfigError([f"DATA_DIR: {path} can't be written; name a folder of yours"])
    return str(path)


def _keys(settings: Settings) -> str:
    bootstrap.encryption_keys(settings)
    return "from the environment" if settings.platform_encryption_key else "kept in DATA_DIR"


def _database(settings: Settings) -> str:
    engine = make_engine(settings.resolved_database_url)
    try:
        late = migrate.missing(engine)
    except AltwrightError as error:
        shown = engine.url.render_as_string()
        raise ConfigError([f"DATABASE_URL: nothing answers at {shown} ({error})"]) from error
    finally:
        engine.dispose()
    shown = engine.url.render_as_string()
    return f"{shown}; " + ("tables are made at the start" if late else "tables are up to date")


def _redis(settings: Settings) -> str:
    if settings.embeds_valkey:
        serve.valkey_binary()
        return "the embedded Valkey, which runs with the service"
    client = connect(settings.redis_url)
    try:
        facts = RedisHealthMonitor(client).look()
    except AltwrightError as error:
        raise ConfigError(
            [f"REDIS_URL: nothing answers at {settings.redis_url}; tasks would go on without it"]
        ) from error
    finally:
        client.close()
    said = f"version {facts.version}, policy {facts.policy}, persistence {facts.persistence}"
    return "; ".join([said, *facts.remarks()])


def _connections(settings: Settings) -> str:
    count, size = capacity.processes(settings), capacity.pool_size(settings)
    said = f"{count} processes with up to {size + capacity.OVERFLOW} database connections each"
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
    describer = bootstrap.describer_of(settings)
    try:
        return f"{settings.describer}: {describer.probe()}"
    finally:
        describer.close()
