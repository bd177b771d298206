"""Commands on the settings that change while all runs."""

from __future__ import annotations

import click

from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.errors import InvalidInput

_COLUMNS = {
    "name": "setting",
    "value": "value",
    "origin": "from",
    "environment": "environment's",
    "default": "default",
}


@click.group()
def settings() -> None:
    """See and change settings while all runs; every process takes them up within 2 seconds."""


@settings.command("list")
@json_option
def list_settings(*, as_json: bool) -> None:
    """Show the settings that can be changed, and where each value comes from."""
    with opened() as services:
        rows = [one.to_json() for one in services.live.all()]
        ignored = dict(services.live.ignored)
    show(rows, as_json=as_json, columns=_COLUMNS)
    for name, why in ignored.items():
        click.echo(f"altwright: ignored: {name}: {why}", err=True)


@settings.command("set")
@click.argument("values", metavar="NAME=VALUE…", nargs=-1, required=True)
@json_option
def set_values(values: tuple[str, ...], *, as_json: bool) -> None:
    """Let these values count instead of the environment's: all of them, or none if one is wrong."""
    wanted: dict[str, str | None] = {}
    for one in values:
        name, sign, value = one.partition("=")
        if not sign:
            raise InvalidInput(f"{one!r} should be like RQ_MAX_RETRIES=5.")
        wanted[name.strip().upper()] = value
    _change(wanted, as_json=as_json)


@settings.command("reset")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@json_option
def reset(names: tuple[str, ...], *, as_json: bool) -> None:
    """Let the environment's values count again."""
    _change(dict.fromkeys((name.upper() for name in names), None), as_json=as_json)


def _change(wanted: dict[str, str | None], *, as_json: bool) -> None:
    with opened() as services:
        services.live.change(wanted, by=OPERATOR)
        rows = [one.to_json() for one in services.live.all() if one.name in wanted]
    show(rows, as_json=as_json, columns=_COLUMNS)
