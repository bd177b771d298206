"""Why a Redis can't be used, in words for its operator: they hold no address and no secret."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator

from redis.exceptions import NoPermissionError, RedisError

#: What servers answer, behind redis-py's name for it (which takes codes off: READONLY) → what it
#: means. Sources: Redis 7 and Valkey 9, server.c, acl.c, cluster.c; redis-py, exceptions.py.
_ANSWERS = (
    (r"WRONGPASS|invalid username-password|invalid password", "it doesn't accept the password"),
    (
        r"NOAUTH|Authentication required|client already authenticated",
        "it wants a password, and the address has none",
    ),
    (
        r"AUTH.*called without any password configured|no password is set",
        "it has no password, and the address has one",
    ),
    (r"DB index is out of range|invalid DB index", "it has no database of this number"),
    (r"SELECT is not allowed in cluster", "it is a node of a cluster, which RQ can't work with"),
    (
        r"CLUSTERDOWN|Cluster(Down|CrossSlot)Error|MovedError|AskError|CROSSSLOT",
        "it is a node of a cluster, which RQ can't work with",
    ),
    (
        r"READONLY|ReadOnlyError|You can't write against",
        "it is a read-only replica; name its primary, or its Sentinels",
    ),
    (
        r"NOREPLICAS|Not enough good replicas",
        "it refuses writes, as too few replicas follow it (min-replicas-to-write)",
    ),
    (r"MasterDownError|Link with MASTER is down", "it is a replica that has lost its primary"),
    (
        r"MISCONF|unable to persist|stop-writes-on-bgsave-error",
        "it refuses writes, as it can't save to its disk",
    ),
    (r"BusyLoadingError|loading the dataset", "it is loading its data"),
    (r"max number of clients|maximum number of clients", "it takes no more clients (maxclients)"),
    (r"DENIED.*protected mode", "its protected mode lets in nobody from other hosts"),
    (r"command not allowed when used memory|OOM ", "its memory is full (maxmemory)"),
    (r"No (master|primary) found|MasterNotFound|SlaveNotFound", "its Sentinels know no such group"),
)


def reason_of(error: BaseException) -> str:
    """Return why Redis can't be used, as the end of a sentence without its full stop."""
    chain = list(_chain(error))
    for one in chain:
        words = _of_system(one)
        if words:
            return words
    for one in chain:
        if isinstance(one, NoPermissionError):
            return _permission(str(one))
        said = f"{type(one).__name__}: {one}"
        for pattern, meaning in _ANSWERS:
            if re.search(pattern, said, re.IGNORECASE):
                return meaning
    said = " ".join(str(one) for one in chain)
    if re.search(r"closed by server|reset by peer", said, re.IGNORECASE):
        return "it closes the connection at once; does it speak TLS only (rediss://)?"
    if re.search(r"Timeout", said, re.IGNORECASE):
        return "it doesn't answer in time"
    return "it doesn't answer"


_NO_TLS = "it doesn't answer in TLS; is it a plain one (redis://)?"
#: What the system says → what it means; the first that fits counts.
_SYSTEM: tuple[tuple[type[OSError], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate isn't trusted here (ssl_ca_certs)"),
    (ssl.SSLError, _NO_TLS),
    (TimeoutError, "it doesn't answer in time"),
    (ConnectionRefusedError, "nothing listens there"),
    (FileNotFoundError, "there is no such socket"),
    (PermissionError, "this user may not open its socket"),
    (socket.gaierror, "its host's name isn't known"),
)


def _of_system(error: BaseException) -> str | None:
    if isinstance(error, TimeoutError) and "handshake" in str(error):  # a plain one only waits
        return _NO_TLS
    return next((words for kind, words in _SYSTEM if isinstance(error, kind)), None)


def _permission(said: str) -> str:
    command = re.search(r"'([a-z|-]+)' command", said)
    if command:
        return f"its user may not run {command[1].upper()}"
    return "its user may not use Altwright's keys (rq:*, altwright:*) or channels"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, RedisError | OSError):
            yield seen
        seen = seen.__cause__ or seen.__context__
