"""What the commands share: settings, services, output."""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from socket import gethostname
from typing import TYPE_CHECKING, Any, TypeVar

import click

from altwright import config, folders
from altwright.config import Settings
from altwright.domain.user import UserRef
from altwright.errors import DatabaseUnavailable, InvalidInput, TaskNotFound
from altwright.processes.preparation import configured, prepared
from altwright.tasks.submission_rules import CaptionSecurityManager
from altwright.text import clean_text

if TYPE_CHECKING:
    from altwright.accounts.users import User
    from altwright.bootstrap import Services

F = TypeVar("F", bound=Callable[..., Any])


def _os_user() -> str:
    """Return who runs the command; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


#: Who acts when a command isn't given a user: whoever may run commands here.
OPERATOR = UserRef(
    id=0, username="command line", is_admin=True, address=f"{_os_user()}@{gethostname()}"
)
#: `--json` on every command that prints data.
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
#: The longest text in characters that a table shows of one value.
CELL_MOST = 10_000
#: An instant as JSON has it; what nobody reads of it stands between the groups.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+([+-]\d\d:\d\d|Z)")
user_option = click.option("--user", "username", required=True, help="Name of the user.")


def data_dir_settings() -> Settings:
    """Return the settings of a command that works in DATA_DIR. Raises ConfigError."""
    settings = config.load()
    folders.prepare(settings.data_dir, "DATA_DIR")
    return settings


@contextmanager
def opened() -> Iterator[Services]:
    """Build the service without starting its threads, and release it afterwards.

    The tables of a new database are made; an older one's are left to `altwright db upgrade`.
    """
    # What a command finds out it says itself; that no service runs beside it is no warning.
    with closing(prepared(configured("ERROR"))) as services:
        with suppress(DatabaseUnavailable):  # what needs it says so
            services.redis_address.follow()
            services.engine.wish.follow()
            services.live.follow()
        yield services


@contextmanager
def naming(task_id: str) -> Iterator[None]:
    """Say of a task id that isn't found what one looks like; a damaged one may be there.

    Raises:
        click.BadParameter: it can't be an id.
    """
    odd = None
    try:
        CaptionSecurityManager().checked_task_id(task_id)
    except InvalidInput as error:
        odd = click.BadParameter(f"{task_id!r} is none. {error} `altwright task list` shows them.")
    if odd and not task_id.isprintable():  # no database can be asked for it
        raise odd
    try:
        yield
    except TaskNotFound:
        if odd:
            raise odd from None
        raise


def secret(words: str, *, twice: bool = False) -> str:
    """Return what is typed at a terminal without being shown, or the first line of stdin.

    An argument would be shown to every user of the host, by `ps`.

    Raises:
        InvalidInput: nothing came.
    """
    if sys.stdin.isatty():
        return str(click.prompt(words, hide_input=True, confirmation_prompt=twice))
    line = sys.stdin.readline().strip()
    if not line:
        raise InvalidInput(f"{words}: missing; type it at a terminal, or give it on stdin.")
    return line


def known_user(services: Services, username: str) -> User:
    """Return the user called so. Raises InvalidInput."""
    user = services.users.by_name(username)
    if user is None:
        known = ", ".join(one.username for one in services.users.all()) or "nobody yet"
        raise InvalidInput(f"There is no user {username!r}; there is: {known}.")
    return user


def show(data: Any, *, as_json: bool, columns: dict[str, str], empty: str = "Nothing.") -> None:
    """Print a dict or a list of dicts: as JSON, or as a table of ``columns`` (key → heading)."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    rows = data if isinstance(data, list) else [data]
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console  # noqa: PLC0415 - 4 MB, which workers have no use for
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in columns))
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False, markup=False).print(table)


def instant(words: str) -> str:
    """Return an instant without its fractions of a second; other words as they are."""
    found = _INSTANT.fullmatch(words)
    return found[1] + found[2] if found else words


def _cell(value: Any) -> str:
    match value:
        case None | "":
            return "-"
        case str():
            return printable(instant(value))
        case dict():
            return printable(" ".join(f"{key}={part}" for key, part in value.items()))
        case _:
            return printable(value)


def printable(value: Any) -> str:
    """Return a value without what a terminal would act on: much of it was written by strangers."""
    return clean_text(value, CELL_MOST)
