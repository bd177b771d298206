"""The command line: `altwright COMMAND`."""

from __future__ import annotations

import builtins
import difflib
import errno
import importlib
import keyword
import os
import sys
import traceback

import click
from click.exceptions import NoSuchCommand
from sqlalchemy.exc import SQLAlchemyError

from altwright import config, folders, garbage, installed, telemetry
from altwright.db import reasons
from altwright.errors import AltwrightError, ConfigError, DatabaseUnavailable, InvalidInput
from altwright.processes.supervisor import ChildFailed
from altwright.text import clean_text

#: The variable that shows tracebacks, as `--debug` does.
DEBUG = "ALTWRIGHT_DEBUG"
#: The longest line in characters that is printed of an error.
WORDS_MOST = 2_000

#: In which module of this package a command is.
_MODULES = {
    "account": "people",
    "alert": "alerts",
    "audit": "queues",
    "backup": "backup",
    "check": "check",
    "db": "database",
    "demo": "service",
    "describe": "describe",
    "eval": "evaluation",
    "export": "takeover",
    "import": "takeover",
    "key": "service",
    "migrate": "migrate",
    "model": "models",
    "models": "service",
    "queue": "queues",
    "redis": "redis",
    "restore": "backup",
    "serve": "service",
    "settings": "settings",
    "status": "status",
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
        garbage.resume()
        # A name that Python has for itself has an underscore behind it there.
        is_pythons = keyword.iskeyword(cmd_name) or hasattr(builtins, cmd_name)
        name = f"{cmd_name}_" if is_pythons else cmd_name
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name; an unknown one is told what it is near."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:  # click knows only commands that are imported
            near = difflib.get_close_matches(error.command_name, _MODULES, n=1)
            raise NoSuchCommand(error.command_name, possibilities=near, ctx=ctx) from None


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="altwright")
@click.option("--debug", is_flag=True, envvar=DEBUG, help="Show where an error comes from.")
@click.pass_context
def altwright(ctx: click.Context, *, debug: bool) -> None:
    """Give every picture on a Fediverse account an alt text.

    Settings come from environment variables and from .env in this folder
    (docs/reference/settings.md); `altwright check` says what is configured and what is missing.

    \b
    To look at it:        altwright demo
    To run it:            altwright user create NAME --admin; altwright serve
    To connect somebody:  altwright account add --user NAME --url https://SERVER
    (serve stays in its terminal: use a second one, in the same folder.)
    """  # noqa: D301 - click wants the control character
    if debug:
        os.environ[DEBUG] = "1"  # main's last resort reads it, and so do processes we start
    # `check` has a line of its own for them.
    for problem in config.misspelt() if ctx.invoked_subcommand != "check" else ():
        click.echo(f"altwright: {problem}", err=True)


def main() -> None:
    """Run the command line; whatever happens, people get a line that says what to do.

    Exit codes. 2: the settings or the arguments are wrong. 1: it could not be done now.
    130: Ctrl-C. A traceback is shown with --debug only.
    """
    os.umask(0o077)  # database, pictures and logs hold what others wrote for few eyes
    try:
        code = _run()
        sys.stdout.flush()
    except OSError as error:
        # Whoever read the output (`| head`) has had enough, or it finds no room. The interpreter
        # would flush what is left once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1 if isinstance(error, BrokenPipeError) else _explained(error)
    sys.exit(code)


def _run() -> int:
    try:
        code = altwright.main(prog_name="altwright", standalone_mode=False)
    except BrokenPipeError:
        raise  # to main
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Aborted!", err=True)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the command line's last resort
        return _explained(error)
    return code if isinstance(code, int) else 0  # a command's exit code comes back as a value


def _explained(error: Exception) -> int:
    """Print an error in words, and return the exit code; where it comes from, with --debug."""
    if os.environ.get(DEBUG):
        click.echo(telemetry.redact("".join(traceback.format_exception(error))), err=True)
    for position, line in enumerate(_words(error)):
        start = "  " if isinstance(error, InvalidInput) and position else "altwright: "
        click.echo(start + telemetry.redact(clean_text(line, WORDS_MOST)), err=True)
    return 2 if isinstance(error, ConfigError) else 1


def _words(error: Exception) -> list[str]:
    """Return an error as lines for an operator."""
    lines: list[str | None]
    match error:
        case ConfigError():
            lines = [*error.problems]
        case DatabaseUnavailable() | SQLAlchemyError():
            lines = [_database(error)]
        case InvalidInput():
            lines = [str(error), *(f"{field}: {fault}" for field, fault in error.fields.items())]
        case AltwrightError():
            # Whoever types commands is the operator.
            lines = [str(error), error.operator_detail]
        case ChildFailed():
            lines = [str(error), installed.missing_packages()]
        case ImportError() if said := installed.fault(error):
            lines = [said]
        case OSError():
            lines = [_of_the_system(error)]
        case UnicodeError():
            lines = ["something here isn't UTF-8: the arguments, a name or a file"]
        case _:
            lines = [
                f"unexpected error in Altwright: {type(error).__name__}",
                f"please report it with what `{DEBUG}=1` in the environment shows",
            ]
    return [line for line in lines if line]


def _database(error: Exception) -> str:
    reason = reasons.reason_of(error)
    return f"DATABASE_URL: the database can't be used: {reason}; `altwright check` says more"


def _of_the_system(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno == errno.ENOSPC:
        reason = folders.reason_of(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{reason}"
