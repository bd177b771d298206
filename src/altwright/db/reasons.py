"""Why a database can't be used, in words for its operator; users are told less."""

from __future__ import annotations

import re
from collections.abc import Iterator

from altwright.telemetry import redact
from altwright.text import clean_line

#: What the servers and their client libraries say → what it means (libpq's and PostgreSQL's
#: messages, MariaDB's errmsg, SQLite's, and PgBouncer's).
_WORDS = (
    (r"password authentication failed", "it doesn't accept this user's password"),
    (r"no password supplied|fe_sendauth", "it wants a password, and the address has none"),
    (r"Access denied for user .* to database", "this user has no right to this database"),
    (r"Access denied for user", "it doesn't accept this user or their password"),
    (r'role ".*" does not exist|no such user', "it doesn't know this user"),
    (
        r'database ".*" does not exist|Unknown database|no such database',
        "it has no such database; create it first",
    ),
    (r"does(?:n't| not) support SSL", "it speaks no TLS, and the address asks for it"),
    (
        r"no pg_hba.conf entry.*no encryption|require_secure_transport|insecure transport",
        "it lets nobody in without TLS; add ?sslmode=require (MariaDB: ?ssl_ca=…)",
    ),
    (r"no pg_hba.conf entry", "its pg_hba.conf lets nobody in from here as this user"),
    (r"certificate verify failed|SSL error", "its certificate isn't trusted here"),
    (
        r"unsupported startup parameter",
        "PgBouncer refuses a start-up parameter; take it out of the address",
    ),
    (
        r"too many clients|remaining connection slots|Too many connections|no more connections",
        "it takes no more connections; raise its limit",
    ),
    (r"the database system is starting up", "it is starting up"),
    (r"the database system is shutting down", "it is shutting down"),
    (r"[Cc]onnection refused|\(111\b|Errno 111", "nothing listens there"),
    (r"No such file or directory", "there is no such socket or file"),
    (
        r"could not translate host name|Name or service not known|failed to resolve host",
        "its host's name isn't known",
    ),
    (r"timeout expired|timed out|connection timeout", "it doesn't answer in time"),
    (
        r"permission denied for|must be owner of|command denied to user",
        "this login may not do that: the tables' owner may; `altwright db roles` prints its rights",
    ),
    (r"database or disk is full|No space left|Disk full", "the disk is full"),
    (r"readonly database|read-only transaction|read.only mode", "it is read-only"),
    (r"unable to open database file", "its file can't be opened; is the folder yours?"),
    (r"file is not a database", "its file is no SQLite database"),
    (r"malformed", "its file is damaged"),
    (r"database is locked", "another program holds its lock"),
)


def reason_of(error: BaseException) -> str:
    """Return why a database can't be used, as the end of a sentence without its full stop.

    ``error`` is a DatabaseUnavailable or what lies under one.
    """
    causes = [str(getattr(one, "orig", None) or one) for one in _chain(error)]
    for said in reversed(causes):
        for pattern, meaning in _WORDS:
            if re.search(pattern, said):
                return meaning
    # What nobody foresaw is the server's own business to say.
    said = causes[-1].rpartition("FATAL:")[2]
    return f"it says: {redact(clean_line(said, 200))}" if said.strip() else "it doesn't answer"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__
