"""Commands on the address of Redis."""

from __future__ import annotations

from typing import Any

import click

from altwright import telemetry
from altwright.bootstrap import Services
from altwright.cli.common import OPERATOR, json_option, opened, secret, show
from altwright.config import Settings
from altwright.domain.redis_url import checked
from altwright.errors import ConfigError, InvalidInput, RedisUnavailable
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor, ServerFacts
from altwright.tasks.rq.redis_client import connect

#: Seconds that a server has for an answer; it may be far away.
ANSWER_S = 5.0
_FACTS = {
    "address": "address",
    "changed": "changed",
    "version": "version",
    "policy": "policy",
    "persistence": "persistence",
    "remarks": "remarks",
}


@click.group()
def redis() -> None:
    """See and change which Redis is used, while everything runs."""


@redis.command("show")
@json_option
def show_address(*, as_json: bool) -> None:
    """Show the address that counts now, and what answers there."""
    with opened() as services:
        data = _described(services)
    show(data, as_json=as_json, columns=_FACTS)


@redis.command("use")
@click.argument("url", required=False)
@click.option("--force", is_flag=True, help="Also if nothing answers there yet.")
@json_option
def use(url: str | None, *, force: bool, as_json: bool) -> None:
    """Let every process use the Redis at URL, within seconds and without a restart.

    redis://, rediss:// (TLS), unix:// or redis+sentinel://host:26379,host2:26379/master/0. It is
    kept encrypted in the database, and counts until REDIS_URL itself is configured anew. Tasks
    that were in the old one are dispatched again. A plain `rq worker` has to be restarted.

    Without URL it is asked for, or read from stdin: `ps` shows arguments, and so a password in
    them, to everybody.
    """
    url = url or secret("Address of Redis")
    with opened() as services:
        try:
            checked(url)
            _refuse_unsafe(services.settings, url)
            server_facts(url)
        except ValueError as error:
            raise InvalidInput(f"This address {error}.") from error
        except RedisUnavailable as error:
            if not force:
                raise InvalidInput(f"{error} --force uses it all the same.") from error
        services.redis_address.use(url)
        services.audit.add(OPERATOR, "redis changed", detail=telemetry.redact(url))
        data = _described(services)
    show(data, as_json=as_json, columns=_FACTS)


def _refuse_unsafe(settings: Settings, url: str) -> None:
    """Take what a start with this address would take. Raises ConfigError."""
    faults = settings.model_copy(update={"redis_url": url}).faults()
    if unsafe := [fault for fault in faults if fault.startswith("REDIS_URL:")]:
        raise ConfigError(unsafe)


@redis.command("reset")
@json_option
def reset(*, as_json: bool) -> None:
    """Let every process use its configured REDIS_URL again."""
    with opened() as services:
        services.redis_address.use_configured()
        services.audit.add(OPERATOR, "redis reset")
        data = _described(services)
    show(data, as_json=as_json, columns=_FACTS)


def _described(services: Services) -> dict[str, Any]:
    url = services.redis_address.current()
    data: dict[str, Any] = {
        "address": telemetry.redact(url),
        "changed": url != services.settings.resolved_redis_url,
    }
    try:
        facts = server_facts(url)
    except RedisUnavailable as error:
        return data | {"remarks": str(error)}
    said = {"version": facts.version, "policy": facts.policy, "persistence": facts.persistence}
    return data | said | {"remarks": "; ".join(facts.remarks())}


def server_facts(url: str) -> ServerFacts:
    """Return what a server says of itself. Raises RedisUnavailable."""
    with connect(url, call_timeout_s=ANSWER_S) as client:
        return RedisHealthMonitor(client).try_out()
