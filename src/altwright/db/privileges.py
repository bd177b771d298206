"""What the logins of web and worker processes may do with each table: as little as they need.

A login of their own each keeps what a stranger gets hold of small: whoever breaks into a worker,
which reads strangers' pictures, can read no password's hash and make nobody an administrator; who
breaks into a web process can't rewrite what the audit log says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import URL

from altwright.db.tables import Base
from altwright.domain.worker_mode import WorkerMode
from altwright.errors import ConfigError, InvalidInput

#: What databases call a login without quotes, shorter than either allows.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,31}")
_HOST = re.compile(r"[A-Za-z0-9_.%:/-]{1,60}")


@dataclass(frozen=True, slots=True)
class Rights:
    """Rights on a table; ``reads`` and ``changes`` are columns, where not all are allowed."""

    whole: frozenset[str] = frozenset()
    reads: tuple[str, ...] = ()
    changes: tuple[str, ...] = field(default=())

    def clauses(self) -> Iterator[str]:
        """Yield what stands in a GRANT."""
        if self.whole:
            yield ", ".join(one for one in _LETTERS.values() if one in self.whole)
        if self.reads:
            yield f"SELECT ({', '.join(self.reads)})"
        if self.changes:
            yield f"UPDATE ({', '.join(self.changes)})"

    def lacking(self) -> str:
        """Return what isn't allowed on the whole table, as a REVOKE has it; "": all is."""
        return ", ".join(one for one in _LETTERS.values() if one not in self.whole)

    def __or__(self, other: Rights) -> Rights:
        """Return what either may, where one of both may read the whole table."""
        return Rights(self.whole | other.whole)


_LETTERS = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"}


def _may(letters: str, changes: tuple[str, ...] = ()) -> Rights:
    return Rights(frozenset(_LETTERS[one] for one in letters), changes=changes)


#: Of a table that isn't named here nothing is needed.
WORKER: Mapping[str, Rights] = {
    "accounts": _may("S", ("platform", "software", "software_version", "problem")),
    "alembic_version": _may("S"),
    "alerts": _may("SIUD"),
    "audit_entries": _may("SID"),
    "draft_texts": _may("SIUD"),
    "drafts": _may("SIU"),
    "leases": _may("SIU"),
    "notices": _may("SIUD"),
    "picture_hashes": _may("SIU"),
    "pictures": _may("SIUD"),
    "posts": _may("SIUD"),
    "servers": _may("SID"),
    "service_state": _may("SIUD"),
    "statistics": _may("SIUD"),
    "task_events": _may("SI"),
    "task_items": _may("SIU"),
    "tasks": _may("SIUD"),
    "users": Rights(reads=("id", "username")),
    "workers": _may("SIUD"),
}
WEB: Mapping[str, Rights] = {
    "accounts": _may("SIUD"),
    "alembic_version": _may("S"),
    "alerts": _may("SIUD"),
    "api_tokens": _may("SIUD"),
    "audit_entries": _may("SI"),
    "draft_texts": _may("SIUD"),
    "drafts": _may("SIU"),
    "leases": _may("SIU"),
    "notices": _may("SIUD"),
    # No page reads them: `altwright backup` logs in as the web does.
    "picture_hashes": _may("S"),
    "pictures": _may("SU"),
    "posts": _may("S"),
    "servers": _may("SID"),
    "service_state": _may("SIUD"),
    "statistics": _may("SIUD"),
    "taken_rows": _may("S"),
    "task_events": _may("SI"),
    "task_items": _may("SIU"),
    "tasks": _may("SIU"),
    "users": _may("SIU"),
    "workers": _may("SIUD"),
}


def statements(url: URL, mode: WorkerMode, *, web: str, worker: str, host: str) -> list[str]:
    """Return the SQL that the owner of the tables runs; harmless to run again.

    ``host``: from where MariaDB's logins come. A web process that has workers in it (``mode``) may
    what they may.

    Raises:
        ConfigError: SQLite has no logins.
        InvalidInput: a name can't be one.
    """
    faults = {
        option: "should be small letters, digits and _"
        for option, name in (("--web", web), ("--worker", worker))
        if not _NAME.fullmatch(name)
    }
    if not _HOST.fullmatch(host):
        faults["--host"] = "should be a host, a network or %"
    if faults:
        raise InvalidInput("These names can't be used.", faults)
    of_web = WEB
    if mode.has_threads:
        of_web = {name: rights | WORKER.get(name, rights) for name, rights in WEB.items()}
    logins = {web: of_web, worker: WORKER}
    match url.get_backend_name():
        case "sqlite":
            raise ConfigError(["DATABASE_URL: SQLite has no logins; this is for a server"])
        case "postgresql":
            return list(_postgresql(url.database or "", logins))
        case _:
            return list(_mariadb(url.database or "", logins, host))


def _postgresql(database: str, logins: Mapping[str, Mapping[str, Rights]]) -> Iterator[str]:
    # In one transaction: what is taken away for a moment isn't missing to those at work.
    yield "BEGIN"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    for login, tables in logins.items():
        yield f"-- CREATE ROLE {login} LOGIN PASSWORD '…'"
        yield f'GRANT CONNECT ON DATABASE "{database}" TO {login}'
        yield f"GRANT USAGE ON SCHEMA public TO {login}"
        for name in sorted(Base.metadata.tables.keys() | tables.keys()):
            rights = tables.get(name, Rights())
            # What an older version, or another mode, has given beyond that, single columns too.
            if taken := rights.lacking():
                yield f"REVOKE {taken} ON {name} FROM {login}"
            for clause in rights.clauses():
                yield f"GRANT {clause} ON {name} TO {login}"
            if "INSERT" in rights.whole and _is_numbered(name):
                yield f"GRANT USAGE ON SEQUENCE {name}_id_seq TO {login}"
    yield "COMMIT"


def _mariadb(database: str, logins: Mapping[str, Mapping[str, Rights]], host: str) -> Iterator[str]:
    for login, tables in logins.items():
        account = f"'{login}'@'{host}'"
        yield f"-- CREATE USER {account} IDENTIFIED BY '…'"
        # A single right that isn't there can't be taken away here without an error.
        yield f"-- REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}"
        for name, rights in tables.items():
            for clause in rights.clauses():
                yield f"GRANT {clause} ON `{database}`.`{name}` TO {account}"


def _is_numbered(name: str) -> bool:
    return Base.metadata.tables[name].autoincrement_column is not None
