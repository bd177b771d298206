"""Users and their accounts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, exists, func, select, update
from sqlalchemy.orm import Session

from altwright.accounts.users import keep_an_administrator
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import AccountRow, UserRow
from altwright.db.takeover_table import TakenRow
from altwright.domain.caption import Role
from altwright.errors import ConfigError, Conflict
from altwright.takeover import fields as mapping
from altwright.takeover import links
from altwright.takeover.comparing import digests
from altwright.takeover.fields import NO_PASSWORD, Row, Unusable
from altwright.takeover.noun import NOBODY, Known
from altwright.takeover.old_database import BATCH, OldDatabase

#: Noted of a token that could not be read.
_UNREAD = digests({"token": ""})["token"]
_OTHER_KEY = (
    "VEDFOLNIR_ENCRYPTION_KEY: it opens no token of the old database, and the one before did; it "
    "should be the PLATFORM_ENCRYPTION_KEY that Vedfolnir has"
)
_IN_CASE = "another user's name there differs from it in case only; rename one of them there"


def read_each(
    rows: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Row]
) -> list[Row | Unusable]:
    """Read rows, each for itself."""
    read_rows: list[Row | Unusable] = []
    for row in rows:
        try:
            read_rows.append(read(row))
        except Unusable as error:
            read_rows.append(error)
    return read_rows


def batches(database: Database, query: Any, key: Any) -> Iterator[list[Any]]:
    """Yield the rows of a query by ``key``, in batches."""
    last: Any = None
    while True:
        page = query.order_by(key).limit(BATCH)
        if last is not None:
            page = page.where(key > last)
        with database.read() as session:
            rows = list(session.execute(page))
        if not rows:
            return
        last = rows[-1][0]
        yield rows


class Users:
    """People; ``same`` are the names of those who are here already and are the same person."""

    kind, table, whole = links.USER, "users", False

    def __init__(
        self, database: Database, old: OldDatabase, known: Known, same: Collection[str] = ()
    ) -> None:
        self._database = database
        self._old = old
        self._known = known
        self._same = {name.lower() for name in same}
        #: Names that this run has seen: two of them may differ in case only.
        self._seen: set[str] = set()

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the old rows, in batches."""
        return self._old.pages(self.table)

    def there(self, rows: Sequence[Mapping[str, Any]]) -> list[Row | Unusable]:
        """Read a batch of old rows."""
        return read_each(rows, mapping.user_there)

    def here(self, session: Session, ids: Collection[Any]) -> dict[Any, dict[str, Any]]:
        """Return the fields of rows here."""
        query = select(UserRow).where(UserRow.id.in_(list(ids)))
        return {row.id: _user_fields(row) for row in session.scalars(query)}

    def find(self, session: Session, row: Row) -> Any:
        """Return the id of the same one here. Raises Unusable."""
        name = row.fields["username"].lower()
        if name in self._seen:
            raise Unusable(_IN_CASE)
        self._seen.add(name)
        query = select(UserRow.id).where(UserRow.name_key == func.lower(row.fields["username"]))
        known = session.scalar(query)
        if known is not None and self._is_another(known):
            raise Unusable(_IN_CASE)
        if known is not None and name not in self._same:
            raise Unusable(
                "there is a user of this name here: give one of them another name, or say that "
                "they are the same person: --same NAME"
            )
        return known

    def _is_another(self, known: Any) -> bool:
        """Return whether a user here is somebody else's counterpart, who is still there."""
        theirs = [int(old_id) for old_id, one in self._known.users.items() if one == known]
        return bool(self._old.rows(self.table, "id", theirs))

    def add(self, session: Session, row: Row) -> Any:
        """Add it and return its id."""
        values = {k: v for k, v in row.fields.items() if k != "password"}
        made = UserRow(**values, password_hash=row.fields["password"])
        made.last_login_at = row.beside["last_login_at"]
        if row.beside["created_at"]:
            made.created_at = row.beside["created_at"]
        session.add(made)
        session.flush()
        return made.id

    def change(self, session: Session, row_id: Any, fields: Mapping[str, Any], row: Row) -> None:
        """Change its fields. Raises Unusable."""
        values = dict(fields)
        if "username" in values:
            same = UserRow.name_key == func.lower(values["username"])
            if session.scalar(select(UserRow.id).where(same, UserRow.id != row_id)) is not None:
                raise Unusable("its new name is another user's here")
        if "password" in values:
            values["password_hash"] = values.pop("password")
        try:
            keep_an_administrator(session, row_id, values)
        except Conflict as refusal:
            raise Unusable(
                "it is the only administrator here, and wouldn't be any more"
            ) from refusal
        session.execute(update(UserRow).where(UserRow.id == row_id).values(values))

    def new_here(self) -> Iterator[list[tuple[Any, dict[str, Any], dict[str, Any]]]]:
        """Yield what the old side doesn't have."""
        query = select(UserRow.id, UserRow).where(~exists().where(TakenRow.user_id == UserRow.id))
        for rows in batches(self._database, query, UserRow.id):
            yield [
                (row.id, _user_fields(row), {"id": row.id, "created_at": row.created_at})
                for _, row in rows
            ]

    def columns(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the old columns of fields."""
        return mapping.user_columns(fields)

    def find_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> Any:
        """Return the id of the same one there. Raises Unusable."""
        for row in self._old.rows(self.table, "username", [fields["username"]], connection):
            # Added by a run that was ended before it could note that.
            made = mapping.instant(row.get("created_at"))
            if made is not None and made == mapping.instant(beside["created_at"]):
                return row["id"]
            raise Unusable(
                "a user of this name is there, who was not taken over: rename one of them, or say "
                "that they are the same person: altwright import vedfolnir --same NAME"
            )
        return None

    def add_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> tuple[Any, str]:
        """Add it there. Raises Unusable."""
        remark = ""
        if fields.get("password", NO_PASSWORD) == NO_PASSWORD:
            remark = "needs a new password there"
        columns = mapping.user_columns({"password": NO_PASSWORD, **fields})
        columns |= {"email_verified": 1, "failed_login_attempts": 0, "account_locked": 0}
        # There, each user has an address of their own; no mail gets to this one (RFC 2606).
        columns["email"] = columns.get("email") or f"user-{beside['id']}@altwright.invalid"
        created = str(mapping.stored(beside["created_at"]))
        columns["created_at"] = created
        return self._old.add(connection, self.table, columns, created), remark


def _user_fields(row: UserRow) -> dict[str, Any]:
    fields = {
        "username": row.username,
        "email": row.email,
        "role": Role(row.role),
        "is_active": row.is_active,
    }
    # Whoever has signed in here has a hash of another kind, of the same password or a new one.
    if row.password_hash == NO_PASSWORD or mapping.is_werkzeug(row.password_hash):
        fields["password"] = row.password_hash
    return fields


class Accounts:
    """Connections; a second one of a user to the same account is the same account here."""

    kind, table, whole = links.ACCOUNT, "platform_connections", False

    def __init__(
        self, database: Database, old: OldDatabase, known: Known, old_box: Box, box: Box
    ) -> None:
        self._database = database
        self._old = old
        self._known = known
        self._old_box = old_box
        self._box = box
        #: What this run has seen: users and their accts.
        self._seen: set[tuple[Any, str]] = set()

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the old rows, in batches."""
        return self._old.pages(self.table)

    def there(self, rows: Sequence[Mapping[str, Any]]) -> list[Row | Unusable]:
        """Read a batch of old rows."""

        def read(row: Mapping[str, Any]) -> Row:
            made = mapping.account_there(row, self._old_box)
            made.beside["user_id"] = self._known.user(row.get("user_id"))
            return made

        return read_each(rows, read)

    def check_key(self) -> None:
        """Make sure that the key opens a token there, if it ever did. Raises ConfigError."""
        opened = False
        for rows in self.pages():
            with self._database.read() as session:
                taken = links.of(session, self.kind, [row["id"] for row in rows])
            for row in rows:
                if mapping.token_there(row, self._old_box) is not None:
                    return
                link = taken.get(str(row["id"]))
                opened |= link is not None and link.theirs.get("token", _UNREAD) != _UNREAD
        if opened:
            raise ConfigError([_OTHER_KEY])

    def here(self, session: Session, ids: Collection[Any]) -> dict[Any, dict[str, Any]]:
        """Return the fields of rows here."""
        query = select(AccountRow).where(AccountRow.id.in_(list(ids)))
        return {row.id: self._fields(row) for row in session.scalars(query)}

    def _fields(self, row: AccountRow) -> dict[str, Any]:
        try:
            token = self._box.decrypt(row.token)
        except ValueError:
            token = ""
        return {"platform": row.platform, "url": row.url, "acct": row.acct, "token": token}

    def find(self, session: Session, row: Row) -> Any:
        """Return the id of the same one here. Raises Unusable."""
        user_id, acct = row.beside["user_id"], row.fields["acct"]
        query = select(AccountRow.id).where(AccountRow.user_id == user_id, AccountRow.acct == acct)
        known = session.scalar(query)
        if known is None and (user_id, acct) in self._seen:
            return NOBODY  # in a dry run, which has not made the first
        self._seen.add((user_id, acct))
        return known

    def add(self, session: Session, row: Row) -> Any:
        """Add it and return its id."""
        values = self._values({"token": "", **row.fields})
        made = AccountRow(user_id=row.beside["user_id"], remote_id="", **values)
        if row.beside["created_at"]:
            made.created_at = row.beside["created_at"]
        if not values["token"]:
            made.problem = "Its token could not be taken over; connect it again."
        session.add(made)
        session.flush()
        return made.id

    def change(self, session: Session, row_id: Any, fields: Mapping[str, Any], row: Row) -> None:
        """Change its fields. Raises Unusable."""
        if "acct" in fields and self.find(session, row) not in {None, row_id}:
            raise Unusable("its user has another account of that name here")
        values = self._values(fields) | ({"problem": ""} if fields.get("token") else {})
        session.execute(update(AccountRow).where(AccountRow.id == row_id).values(values))

    def _values(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(fields)
        if "token" in values:  # "" is what no key has closed
            values["token"] = values["token"] and self._box.encrypt(values["token"])
        return values

    def new_here(self) -> Iterator[list[tuple[Any, dict[str, Any], dict[str, Any]]]]:
        """Yield what the old side doesn't have."""
        query = select(AccountRow.id, AccountRow).where(
            ~exists().where(TakenRow.account_id == AccountRow.id)
        )
        for rows in batches(self._database, query, AccountRow.id):
            yield [
                (
                    row.id,
                    self._fields(row),
                    {"user_id": row.user_id, "created_at": mapping.stored(row.created_at)},
                )
                for _, row in rows
            ]

    def columns(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the old columns of fields."""
        return mapping.account_columns(fields, self._old_box)

    def find_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> Any:
        """Return the id of the same one there. Raises Unusable."""
        user_id = old_id_of(self._known.users, beside["user_id"], "user")
        columns = self.columns(fields)
        for row in self._old.rows(self.table, "user_id", [user_id], connection):
            if all(row.get(name) == columns[name] for name in ("username", "instance_url")):
                return row["id"]
        return None

    def add_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> tuple[Any, str]:
        """Add it there. Raises Unusable."""
        user_id = old_id_of(self._known.users, beside["user_id"], "user")
        columns = self.columns(fields)
        columns |= {"user_id": user_id, "name": fields["acct"], "is_active": 1, "is_default": 0}
        created = beside["created_at"]
        return self._old.add(
            connection, self.table, {**columns, "created_at": created}, created
        ), ""


def old_id_of(known: Mapping[str, Any], new_id: Any, what: str) -> Any:
    """Return the old id of a row here, a number. Raises Unusable."""
    for old_id, one in known.items():
        if one == new_id:
            return int(old_id)
    raise Unusable(f"its {what} isn't there")
