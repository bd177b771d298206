"""Commands on the database itself: its tables, its keys, its logins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import click
from sqlalchemy.engine import make_url

from altwright.accounts import key_check
from altwright.cli.common import OPERATOR, data_dir_settings, json_option, opened, show
from altwright.crypto import Box, kept_secret
from altwright.db import migrate, privileges
from altwright.db.reencryption import Found, Outcome
from altwright.db.reencryption import reencrypt as encrypt_anew
from altwright.db.session import Database, make_engine
from altwright.domain.counting import counted

#: Unreadable values that are named.
_SHOWN = 20


@click.group()
def db() -> None:
    """Bring the database's tables up to date, and look after its keys and logins."""


@db.command()
def upgrade() -> None:
    """Apply the migrations that are missing; harmless when there are none."""
    engine = make_engine(data_dir_settings().resolved_database_url)
    migrate.upgrade(engine)
    click.echo(f"The database is at {migrate.head()}.")


@db.command("accept-key")
@click.confirmation_option(
    prompt="Tokens that another key has encrypted stay unreadable. Go on with the present key?"
)
def accept_key() -> None:
    """Go on with the present encryption key though the database was encrypted with another one.

    For a key that is lost: accounts have to be connected again. Without any key one is made.
    """
    settings = data_dir_settings()
    keys = kept_secret(settings.data_dir, key_check.KEY_FILE, settings.platform_encryption_key)
    with closing(Database(make_engine(settings.resolved_database_url))) as database:
        migrate.ready(database.engine)
        key_check.accept(database, Box(keys))
    click.echo("The key is accepted. Users connect their accounts again.")


@db.command()
def status() -> None:
    """Return whether migrations are missing; exit code 1 if so, 2 if they aren't this program's."""
    stand = migrate.tables(make_engine(data_dir_settings().resolved_database_url))
    migrate.refuse_others(stand)
    match stand:
        case migrate.Tables.NONE | migrate.Tables.OLDER:
            click.echo("Migrations are missing; run `altwright db upgrade`.")
            raise click.exceptions.Exit(1)
        case _:
            click.echo(f"The database is at {migrate.head()}; nothing is missing.")


@db.command()
@click.argument("to")
@click.confirmation_option(prompt="What only the newer tables have room for is lost. Go on?")
def downgrade(to: str) -> None:
    """Take back the migrations after the one called TO, with the program that has made them.

    UPGRADING.md says to which one, and what is lost.
    """
    migrate.downgrade(make_engine(data_dir_settings().resolved_database_url), to)
    click.echo(f"The database is at {to}.")


@db.command()
@click.option("--web", default="altwright_web", show_default=True, help="Login of web processes.")
@click.option("--worker", default="altwright_worker", show_default=True, help="Of the workers'.")
@click.option("--host", default="%", show_default=True, help="MariaDB: from where they come.")
def roles(web: str, worker: str, host: str) -> None:
    """Print the SQL that gives web and worker processes a login with the least rights each.

    For the tables' owner, after each upgrade, too; docs/how-to/deploy.md. Logins are made once, by
    the lines in comments, with passwords of your own.
    """
    settings = data_dir_settings()
    url = make_url(settings.resolved_database_url)
    for statement in privileges.statements(
        url, settings.worker_mode, web=web, worker=worker, host=host
    ):
        click.echo(f"{statement};")


@db.command()
@json_option
def reencrypt(*, as_json: bool) -> None:
    """Encrypt anew, with the first key, what older keys have encrypted; exit code 1: not all yet.

    While all runs, as often as you like. It says which key is the first, how much isn't under it,
    and which keys this database needs no more.
    """
    with opened() as services:
        outcome = encrypt_anew(services.database, services.box)
        names = services.box.names
        renewed = outcome.counts[Found.RENEWED]
        if renewed:
            services.audit.add(OPERATOR, "encrypted anew", detail=counted(renewed, "value"))
    if as_json:
        counts = {found.value: outcome.counts[found] for found in Found}
        keys = {"key": names[0], "other_keys": names[1:]}
        show(counts | keys | {"which": outcome.unreadable}, as_json=True, columns={})
    else:
        under = renewed + outcome.counts[Found.CURRENT]
        click.echo(
            f"Under the first key, {names[0]}: {under:,}, of which encrypted anew just now: "
            f"{renewed:,}. Not under it: {len(outcome.unreadable):,}."
        )
        click.echo(_what_now(outcome, names[1:]))
    if outcome.unreadable:
        raise click.exceptions.Exit(1)


def _what_now(outcome: Outcome, others: Sequence[str]) -> str:
    if outcome.unreadable:
        named = ", ".join(outcome.unreadable[:_SHOWN])
        more = " …" if len(outcome.unreadable) > _SHOWN else ""
        return (
            f"No key that is given opens: {named}{more}. Give the key that does; if it is lost, "
            "users connect accounts again, and tasks that wait are started anew."
        )
    if not others:
        return "No other key is given. Keep former ones for the backups that they have encrypted."
    behind = f"{'The key' if len(others) == 1 else 'The keys'} behind it, {', '.join(others)},"
    if outcome.counts[Found.RENEWED]:
        return (
            f"{behind} may still encrypt where a process has another order of keys: run this "
            "again when every process has the first one first."
        )
    return (
        f"{behind} can be taken away if every process has the first one first; keep them for the "
        "backups that they have encrypted. If one of them is your new key, the order is wrong: "
        "put that first, restart, and run this again."
    )
