"""The command line: `altwright COMMAND`."""

from __future__ import annotations

import importlib
import sys

import click

from altwright.errors import AltwrightError, ConfigError, InvalidInput
from altwright.supervisor import ChildFailed

#: In which module of this package a command is.
_MODULES = {
    "account": "people",
    "alert": "alerts",
    "audit": "queues",
    "check": "check",
    "db": "service",
    "demo": "service",
    "describe": "service",
    "key": "service",
    "models": "service",
    "queue": "queues",
    "redis": "redis",
    "serve": "service",
    "task": "tasks",
    "user": "people",
    "worker": "workers",
    "workers": "workers",
}


class _Commands(click.Group):
    """Imports a command when it is asked for: a worker's start needs no other's libraries."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None if there is none of that name."""
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"altwright.cli.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
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
