"""Addresses of databases: which ones are taken, checked before a driver is given them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.util import to_list

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
#: PyMySQL's options of which each asks for TLS, and libpq's modes that do without plain text.
_TLS = ("ssl_ca", "ssl_cert", "ssl_verify_cert", "ssl_verify_identity")
_TLS_MODES = {"require", "verify-ca", "verify-full"}


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


def are_alike(one: str, other: str) -> bool:
    """Return whether both are addresses of servers of the same kind, which have logins."""
    kinds = {
        make_url(url).get_backend_name().replace("mysql", "mariadb") if url else "sqlite"
        for url in (one, other)
    }
    return len(kinds) == 1 and kinds != {"sqlite"}


def hosts_without_tls(text: str) -> list[str]:
    """Return the hosts that are reached without TLS; of SQLite and of a Unix socket none.

    libpq goes where ``hostaddr`` says, whatever the host is, and takes several of both.
    """
    url = make_url(text) if text else None
    if url is None or url.get_backend_name() == "sqlite" or "unix_socket" in url.query:
        return []
    asks = any(url.query.get(name) for name in _TLS) and "ssl_disabled" not in url.query
    if asks or url.query.get("sslmode") in _TLS_MODES:
        return []
    options = (url.query.get(name, ()) for name in ("hostaddr", "host"))
    named = [url.host or "", *(one for each in options for one in to_list(each))]
    return [host for several in named for host in several.split(",") if host]


def how_to_ask_for_tls(text: str) -> str:
    """Return the option that lets an address of this kind want TLS."""
    is_postgresql = make_url(text).get_backend_name() == "postgresql"
    return "sslmode=verify-full" if is_postgresql else "ssl_ca=/path/to/ca.pem"


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
