"""Whether the database and Redis have room for this service's connections (requirement 9.4)."""

from __future__ import annotations

from typing import Any

import redis
from redis.exceptions import NoPermissionError
from sqlalchemy import Engine, text

from altwright.config import Settings
from altwright.db.session import POOL_OVERFLOW, translated
from altwright.domain.counting import counted
from altwright.tasks.rq.redis_client import translated as redis_translated

#: Connections that a process needs besides one for each worker: dispatcher, leases, heartbeats,
#: pages, and the requests that are in a transaction at the same moment.
SPARE, REQUESTS = 6, 10
#: Connections to Redis of a process besides one for each worker: requests and health, pages.
REDIS_SPARE = 4
#: Share of a server's connections that this host may take before that is worth a warning.
SHARE = 0.8


def pool_size(settings: Settings, workers: int = 0) -> int:
    """Return how many database connections a process keeps at most, from its threads.

    ``workers`` is how many it has now, which may be more than the settings name.
    """
    workers = max(workers, settings.rq_worker_count)
    return workers + SPARE + min(REQUESTS, settings.web_threads // 4)


def processes(settings: Settings) -> int:
    """Return how many processes with a pool `altwright serve` runs on a host."""
    count = settings.web_concurrency + bool(settings.sockets_port)
    if settings.worker_mode.has_processes:
        scaled = settings.external_processes_max if settings.rq_enable_auto_scaling else 0
        external = max(settings.external_processes, scaled)
        count += external
    return count


def remarks(settings: Settings, engine: Engine, client: redis.Redis) -> list[str]:
    """Return what is too small, in words for an administrator.

    Raises:
        DatabaseUnavailable, RedisUnavailable: one of them doesn't answer.
    """
    found = []
    count = processes(settings)
    wanted = count * (pool_size(settings) + POOL_OVERFLOW)
    allowed = _database_connections(engine)
    if allowed is not None and wanted > allowed * SHARE:
        found.append(
            f"the database allows {counted(allowed, 'connection')} and this host may need {wanted}"
            f" ({counted(count, 'process')}); raise max_connections, or lower WEB_CONCURRENCY or "
            "workers"
        )
    wanted = count * (settings.rq_worker_count + REDIS_SPARE)
    clients = _redis_clients(client)
    if clients is not None and wanted > clients * SHARE:
        found.append(
            f"Redis allows {counted(clients, 'client')} and this host may need {wanted}; "
            "raise maxclients"
        )
    return found


def _database_connections(engine: Engine) -> int | None:
    question = {
        "postgresql": "SHOW max_connections",
        "mysql": "SELECT @@max_connections",
        "mariadb": "SELECT @@max_connections",
    }.get(engine.dialect.name)
    if question is None:
        return None  # SQLite has no such limit
    with translated(), engine.connect() as connection:
        return int(connection.execute(text(question)).scalar_one())


def _redis_clients(client: redis.Redis) -> int | None:
    with redis_translated():
        try:
            info: Any = client.info("clients")
        except NoPermissionError:
            return None  # it may not be asked
    return int(info["maxclients"]) if "maxclients" in info else None
