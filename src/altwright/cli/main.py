"""The command line: `altwright COMMAND`."""

from __future__ import annotations

import sys

import click

from altwright.cli.alerts import alert
from altwright.cli.check import check
from altwright.cli.people import account, user
from altwright.cli.queues import audit, queue
from altwright.cli.redis import redis
from altwright.cli.service import db, demo, describe, key, models, serve
from altwright.cli.tasks import task
from altwright.cli.workers import worker, workers
from altwright.errors import AltwrightError, ConfigError, InvalidInput
from altwright.supervisor import ChildFailed


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="altwright")
def altwright() -> None:
    """Give every picture on a Fediverse account an alt text.

    Settings come from environment variables and from .env in this folder
    (docs/reference/settings.md); `altwright check` says what is configured and what is missing.

    \b
    To look at it:        altwright demo
    To run it:            altwright user create NAME --admin; altwright serve
    To connect somebody:  altwright account add --user NAME --url https://SERVER --token TOKEN
    """  # noqa: D301 - click wants the control character


for command in (
    serve,
    worker,
    workers,
    demo,
    check,
    db,
    user,
    account,
    task,
    queue,
    audit,
    alert,
    redis,
    key,
    models,
    describe,
):
    altwright.add_command(command)


def main() -> None:
    """Run the command line; errors of ours are one line for people, with an exit code.

    2: the settings or the arguments are wrong. 1: it could not be done now.
    """
    try:
        altwright(prog_name="altwright")
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"altwright: {problem}", err=True)
        sys.exit(2)
    except (AltwrightError, ChildFailed) as error:
        click.echo(f"altwright: {error}", err=True)
        if isinstance(error, InvalidInput):
            for field, fault in error.fields.items():
                click.echo(f"  {field}: {fault}", err=True)
        sys.exit(1)
