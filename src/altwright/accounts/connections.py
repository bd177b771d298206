"""A user's connections to Fediverse servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from altwright.accounts.connecting import Connecting
from altwright.accounts.context import ContextStore
from altwright.accounts.servers import ServerStore
from altwright.crypto import Box
from altwright.db.copies import as_json, copied
from altwright.db.session import Database, again_if_another_was_first
from altwright.db.tables import ID_MOST, AccountRow, DraftRow
from altwright.errors import Category, Conflict, NotFound, PlatformRefused, TemporaryError
from altwright.platforms.connect import checked
from altwright.platforms.port import Platform
from altwright.platforms.publishing.ways import BY_HAND, drafts_only
from altwright.platforms.software import Software

#: Opens a connection: platform's name, address, token.
Connect = Callable[[str, str, str], Platform]

#: Made once, since every submit asks it.
_BY_ID = select(AccountRow).where(AccountRow.id == bindparam("account_id"))


@dataclass(frozen=True, slots=True)
class Account:
    """A connection without its token; ``acct`` is user@host, ``max_alt_length`` characters."""

    id: int
    user_id: int
    platform: str
    url: str
    acct: str
    display_name: str
    avatar_url: str
    max_alt_length: int
    #: Why the server refused us last; "" if it didn't.
    problem: str
    created_at: datetime
    #: What the server runs, as it said when the account was connected or last used.
    software: Software
    #: Why it can't be published there, as a task has found out; "": nothing is known against it.
    refusal: str

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API shows."""
        return as_json(self, without={"user_id", "refusal"}) | {
            "software": self.software.title,
            "drafts_only": drafts_only(self.software) or self.refusal,
        }


class AccountStore:
    """All SQL on accounts; tokens leave it only inside an open Platform."""

    def __init__(self, database: Database, box: Box, connect: Connect) -> None:
        self._database = database
        self._box = box
        self._connect = connect
        self._connecting = Connecting()
        self._servers = ServerStore(database)
        self.contexts = ContextStore(database, box)

    def add(self, user_id: int, platform: str, url: str, token: str) -> Account:
        """Connect an account, after asking its server who it is.

        The same account again: its token and what the server says of it are replaced.

        Raises:
            InvalidInput: unknown platform, no address, no token, or one that goes there in clear.
            PlatformRefused: the server doesn't take the token, or it lacks scopes.
            PlatformUnavailable, RateLimited: the server can't be asked now.
            Busy: too many accounts are being connected at the moment, or one of this user.
            Conflict: the server says that it has an account of another server.
        """
        url, token = checked(platform, url, token)
        with self._connecting.of(user_id):
            introduced = self._connect(platform, url, token).introduction()
        profile, software = introduced.profile, introduced.software
        said = {
            # What the server runs tells better than a person which platform it is.
            "platform": introduced.platform,
            "url": url,
            "token": self._box.encrypt(token),
            "remote_id": profile.remote_id,
            "display_name": profile.display_name,
            "avatar_url": profile.avatar_url,
            "max_alt_length": introduced.max_alt_length,
            "software": software.name,
            "software_version": software.version,
            "problem": "",
        }
        return self._with_refusals([self._write(user_id, profile.acct, said)])[0]

    @again_if_another_was_first
    def _write(self, user_id: int, acct: str, said: dict[str, Any]) -> Account:
        with self._database.write() as session:
            row = _known(session, user_id, acct, said) or AccountRow(user_id=user_id)
            if row.id is not None and row.max_alt_length != said["max_alt_length"]:
                _outdate(session, row.id)
            for name, value in {**said, "acct": acct}.items():  # people rename their accounts
                setattr(row, name, value)
            session.add(row)
            session.flush()
            session.refresh(row)
            return _account(row)

    def get(self, account_id: int, user_id: int | None) -> Account:
        """Return an account of ``user_id`` (None: of anybody). Raises NotFound."""
        with self._database.connect() as connection:
            return _account(_owned(connection, account_id, user_id))

    def of_user(self, user_id: int) -> list[Account]:
        """Return the user's accounts, in the order in which they were connected."""
        query = select(AccountRow).where(AccountRow.user_id == user_id).order_by(AccountRow.id)
        with self._database.read() as session:
            accounts = [_account(row) for row in session.scalars(query)]
        return self._with_refusals(accounts)

    def _with_refusals(self, accounts: Sequence[Account]) -> list[Account]:
        """Add what publishing has learned of the accounts' servers, as they are now."""
        known = self._servers.recall_all([_host(one.url) for one in accounts])
        told = []
        for account in accounts:
            learned = known.get(_host(account.url))
            # A server that names no software is learned about without one.
            is_of_now = learned and learned.software in {"", account.software.title}
            refusal = f"{learned.reason} {BY_HAND}" if learned and learned.reason else ""
            told.append(replace(account, refusal=refusal if is_of_now else ""))
        return told

    def remove(self, account_id: int, user_id: int) -> None:
        """Forget an account with its posts, pictures and drafts. Raises NotFound.

        The pictures' files stay until DraftStore.unreferenced_files finds them.
        """
        with self._database.begin() as connection:
            _owned(connection, account_id, user_id)
            connection.execute(delete(AccountRow).where(AccountRow.id == account_id))

    def open(self, account_id: int) -> tuple[Account, Platform]:
        """Return an account and a connection to its server; nothing has been asked yet.

        Raises:
            NotFound: it was removed.
            PlatformRefused: its token was encrypted with a key that is gone.
        """
        with self._database.connect() as connection:
            row = _owned(connection, account_id, None)
        try:
            token = self._box.decrypt(row.token)
        except ValueError:
            raise PlatformRefused(
                f"The stored token of {row.acct} can't be read any more; connect it again.",
                category=Category.AUTHENTICATION,
            ) from None
        return _account(row), self._connect(row.platform, row.url, token)

    def learn(self, account: Account, platform: Platform) -> bool:
        """Keep what the account's server runs now; return whether that is something else.

        A server that can't be asked, or doesn't say, changes nothing.
        """
        software = Software()
        with suppress(PlatformRefused, TemporaryError):
            software = platform.software
        if not software.name or software == account.software:
            return False
        said = {
            "platform": software.platform,
            "software": software.name,
            "software_version": software.version,
        }
        with self._database.write() as session:
            session.execute(update(AccountRow).where(AccountRow.id == account.id).values(said))
        return True

    def set_problem(self, account_id: int, text: str) -> None:
        """Note why the server refused us, for the user to see; "" clears it."""
        statement = update(AccountRow).where(AccountRow.id == account_id)
        with self._database.write() as session:
            session.execute(statement.values(problem=text[: AccountRow.problem.type.length]))


def _outdate(session: Session, account_id: int) -> None:
    """Have an account's drafts looked at anew: some may be too long now, or no longer."""
    statement = update(DraftRow).where(DraftRow.account_id == account_id)
    session.execute(statement.values(checked_version=0, updated_at=DraftRow.updated_at))


def _known(session: Session, user_id: int, acct: str, said: dict[str, Any]) -> AccountRow | None:
    """Return the user's row of the account that a server has introduced, or None.

    An acct is what a server says, and may be somebody else's; a server speaks of accounts on its
    own address only, where its ids tell them apart.

    Raises:
        Conflict: the acct is that of an account at another address.
    """
    query = select(AccountRow).where(AccountRow.user_id == user_id)
    of_acct = session.scalar(query.where(AccountRow.acct == acct))
    if of_acct is not None and _host(of_acct.url) != _host(said["url"]):
        raise Conflict(
            f"{acct} is connected already, at {_host(of_acct.url)}. If its server has moved to "
            f"{_host(said['url'])}, disconnect it first."
        )
    if of_acct is not None:
        return of_acct
    same_id = query.where(AccountRow.remote_id == said["remote_id"])
    return next((row for row in session.scalars(same_id) if row.url == said["url"]), None)


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _owned(connection: Connection, account_id: int, user_id: int | None) -> Row[Any]:
    known = account_id <= ID_MOST
    row = connection.execute(_BY_ID, {"account_id": account_id}).first() if known else None
    if row is None or user_id not in {None, row.user_id}:
        raise NotFound("There is no such account.")
    return row


def _account(row: AccountRow | Row[Any]) -> Account:
    software = Software(row.software, row.software_version)
    return copied(Account, row, software=software, refusal="")
