"""Addresses of databases: which ones are taken, checked before a driver is given them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from altwright.domain.addresses import ENCODE, LAST_PORT

HELP = (
    "should be sqlite:///file.db, postgresql://user:password@host/name "
    "or mysql+pymysql://user:password@host/name"
)
_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb+pymysql": "mariadb+pymysql",
}


def checked(text: str) -> str:
    """Return an address with its driver's name.

    Raises:
        ValueError: it says what it should be, and repeats no part that may be a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: the port
        if "@" in text:
            raise ValueError(f"{HELP}; {ENCODE}") from None
        raise ValueError(HELP) from None
    if url.drivername not in _DRIVERS:
        raise ValueError(HELP)
    if url.drivername == "sqlite" and not url.database:
        raise ValueError("an SQLite database in memory can't be shared; name a file")
    is_cut = re.search(r"[@#?\s]", url.host or "")
    # A "/" in a password ends what is taken for the host; its rest and the "@" come behind it.
    if is_cut or (url.get_backend_name() != "sqlite" and "@" in (url.database or "")):
        raise ValueError(ENCODE)
    if url.port is not None and not 0 < url.port <= LAST_PORT:
        raise ValueError(f"{HELP}; its port should be a number up to {LAST_PORT}")
    url = url.set(drivername=_DRIVERS[url.drivername])
    known = _options(url.get_backend_name())
    if not url.query.keys() <= known:  # the driver would refuse it at the first connection only
        raise ValueError(
            f'has an option behind "?" that its driver doesn\'t know; it knows '
            f"{', '.join(sorted(known))}"
        )
    return url.render_as_string(hide_password=False)


def file_of(text: str) -> Path | None:
    """Return the file of an SQLite database; None: it is another one, or no plain path."""
    url = make_url(text)
    if url.get_backend_name() != "sqlite" or not url.database or "uri" in url.query:
        return None
    return Path(url.database)


def _options(backend: str) -> set[str]:
    if backend == "sqlite":
        return {"timeout", "cached_statements", "isolation_level", "uri"}
    if backend == "postgresql":
        from psycopg import pq  # noqa: PLC0415 - an SQLite service needn't load it

        return {one.keyword.decode("ascii") for one in pq.Conninfo.get_defaults()}
    from pymysql.connections import Connection  # noqa: PLC0415 - the same

    parameters = set(inspect.signature(Connection.__init__).parameters)
    # Objects and secrets can't come in an address, and host and the like have places of their own.
    return parameters - {"self", "user", "password", "host", "port", "database", "conv", "ssl"}
