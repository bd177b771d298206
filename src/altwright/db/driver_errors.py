"""What drivers' errors mean, by each database's own codes: a deadlock, what passes, what stays."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

#: SQLite's words for a lock, a full disk, a file that can't be had.
_SQLITE_PASSING = ("locked", "busy", "disk i/o", "full", "unable to open")
#: SQLSTATE classes and codes: connection, read-only after a failover, rollback, resources, lock
#: not available, operator intervention, system (PostgreSQL 15, appendix A).
_POSTGRESQL_PASSING = ("08", "25006", "40", "53", "55P03", "57", "58")
_POSTGRESQL_DEADLOCK = {"40001", "40P01"}
#: Server errors of MariaDB and MySQL: disk full, too many connections, shutdown, packets,
#: commit failed, lock wait, deadlock, read-only, interrupted, killed (mysqld_error.h).
_MARIADB_PASSING = frozenset(
    {1021, 1030, 1040, 1041, 1053, 1129, 1135, 1152, 1158, 1159, 1160, 1161, 1180, 1203, 1205}
    | {1206, 1213, 1290, 1317, 1412, 1613, 1614, 1836, 1927, 1969, 3024}
)
_MARIADB_DEADLOCK = {1020, 1213}
#: Refused at the door: no right to this database, wrong password, no such database, no plugin
#: for this login, TLS required. An operator can mend each without a restart of ours.
_MARIADB_REFUSED = frozenset({1044, 1045, 1049, 1251, 1524, 1698, 3159})
#: Errors of the client library: no connection, connection lost.
_MARIADB_CLIENT = range(2000, 3000)


def is_deadlock(error: DBAPIError) -> bool:
    """Return whether the transaction was rolled back because of another one."""
    return _sqlstate(error) in _POSTGRESQL_DEADLOCK or _mariadb_code(error) in _MARIADB_DEADLOCK


def is_passing(error: DBAPIError) -> bool:
    """Return whether the same statement may succeed later."""
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    if isinstance(error.orig, sqlite3.Error):
        words = str(error.orig).lower()
        return isinstance(error, OperationalError) and any(one in words for one in _SQLITE_PASSING)
    code = _mariadb_code(error)
    if code is not None:  # first: PyMySQL's errors have an SQLSTATE too, which says less
        return code in _MARIADB_PASSING | _MARIADB_REFUSED or code in _MARIADB_CLIENT
    state = _sqlstate(error)
    if state is not None:
        return state.startswith(_POSTGRESQL_PASSING)
    return isinstance(error, OperationalError)  # psycopg's connection faults have no SQLSTATE


def _sqlstate(error: DBAPIError) -> str | None:
    state: Any = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None


def _mariadb_code(error: DBAPIError) -> int | None:
    args: Any = getattr(error.orig, "args", ())
    return args[0] if args and isinstance(args[0], int) else None
