"""Whether the encryption key is the one that this database was encrypted with.

A wrong key would else be noticed by users, one failed run after the other, while new tokens are
written under it; a lost one would silently be replaced.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from altwright.config import Settings
from altwright.crypto import Box, kept_secret
from altwright.db import migrate
from altwright.db.session import Database
from altwright.db.tables import AccountRow
from altwright.errors import ConfigError
from altwright.tasks.cluster.service_state import ServiceState

#: The file in DATA_DIR that keeps the encryption key which no setting gives.
KEY_FILE = "encryption.key"
#: The row of service_state: a word that the first key of this database has closed. It is closed
#: anew when all else has been (db/reencryption.py): what an old key has closed needs that key.
ROW = "encryption_key"
_WORD = "altwright"

_REMEDY = (
    "if it is lost, `altwright db accept-key` goes on with {what}, and accounts have to be "
    "connected again"
)
WRONG = (
    "PLATFORM_ENCRYPTION_KEY: isn't the key with which this database's tokens are encrypted; "
    "put the right one back, or behind the new one after a comma; "
    + _REMEDY.format(what="this one")
)
MISSING = (
    "PLATFORM_ENCRYPTION_KEY: DATA_DIR/encryption.key is missing, and this database's tokens are "
    "encrypted with it; put it back; " + _REMEDY.format(what="a new one")
)


def encryption_keys(settings: Settings, database: Database) -> str:
    """Return the Fernet keys in use, made and kept in DATA_DIR the first time.

    Raises:
        ConfigError: DATA_DIR can't be written; or the key that the database needs is missing.
        DatabaseUnavailable: there is no key, and the database doesn't answer.
    """
    kept = settings.data_dir / KEY_FILE
    needed = not settings.platform_encryption_key and not kept.exists()
    # Asked for twice: another process may make key and traces between the two questions.
    if needed and anything_sealed(database) and not kept.exists():
        raise ConfigError([MISSING])
    return kept_secret(settings.data_dir, kept.name, settings.platform_encryption_key)


def anything_sealed(database: Database) -> bool:
    """Return whether the database holds what a key has closed. Raises DatabaseUnavailable."""
    if not migrate.tables(database.engine).are_ours:
        return False
    return ServiceState(database).get(ROW) is not None or _some_token(database) is not None


def verify(database: Database, box: Box) -> None:
    """Compare the key with the one that was used before; the first one that comes is noted.

    Raises:
        ConfigError: it is another one.
        DatabaseUnavailable: the database doesn't answer.
    """
    if not compare(database, box):
        accept(database, box)


def compare(database: Database, box: Box) -> bool:
    """Compare the key with the one that was used before; return whether one is noted.

    Raises as ``verify`` does.
    """
    sealed: Any = ServiceState(database).get(ROW)
    noted = isinstance(sealed, str)
    sealed = sealed if noted else _some_token(database)
    if sealed is not None:
        try:
            box.decrypt(sealed)
        except ValueError:
            raise ConfigError([WRONG]) from None
    return noted


def fits(database: Database, box: Box) -> bool:
    """Return whether the key is the one that was used before. Raises DatabaseUnavailable."""
    try:
        compare(database, box)
    except ConfigError:
        return False
    return True


def accept(database: Database, box: Box) -> None:
    """Note the key as this database's. Raises DatabaseUnavailable."""
    ServiceState(database).set(ROW, box.encrypt(_WORD))


def _some_token(database: Database) -> str | None:
    with database.connect() as connection:
        newest = select(AccountRow.token).order_by(AccountRow.id.desc()).limit(1)
        newest = newest.where(AccountRow.token != "")  # no key has closed nothing
        return connection.scalar(newest)
