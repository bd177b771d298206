"""People who sign in: their passwords and API tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Row, and_, bindparam, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from altwright.db.copies import as_json, copied
from altwright.db.session import (
    KEEPS_PLAN,
    Database,
    Executor,
    again_after_deadlock,
    changed,
)
from altwright.db.tables import ID_MOST, TokenRow, UserRow
from altwright.db.types import now
from altwright.domain.caption import Role
from altwright.domain.user import UserRef
from altwright.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn

USERNAME = re.compile(r"[A-Za-z0-9_.-]{2,64}")
#: Characters. Source: NIST SP 800-63B 5.1.1.2 (at least 8, at least 64 accepted).
PASSWORD_LEAST, PASSWORD_MOST = 8, 1024
TOKEN_PREFIX = "aw_"  # noqa: S105 - public, so that leaked tokens can be recognised
#: 19 MiB, two passes, one lane. Source: OWASP Password Storage Cheat Sheet, Argon2id.
STRONG = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: Made once, since every call of the API and every page asks one of them.
_BY_TOKEN = (
    select(UserRow)
    .join(TokenRow, TokenRow.user_id == UserRow.id)
    .where(TokenRow.token_hash == bindparam("digest"), UserRow.is_active)
    .execution_options(**KEEPS_PLAN)
)
_BY_ID = select(UserRow).where(UserRow.id == bindparam("user_id")).execution_options(**KEEPS_PLAN)
#: The highest number of runs that a limit may name.
RUNS_MOST = 1_000_000
#: What a password's hash begins with that no password has.
NOBODYS = "none:"
NO_EMAIL = "should be an e-mail address"
_REFUSED = "The user name or the password is wrong."


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in, without what they sign in with."""

    id: int
    username: str
    email: str | None
    role: Role
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None = field(compare=False)
    #: Runs that they may start within a day; None: as the setting says, 0: no limit.
    runs_per_day: int | None
    #: Changes with the password, and when their sessions are to end: none goes on then.
    stamp: str = field(compare=False)

    @property
    def ref(self) -> UserRef:
        """Return the user as those see them who act for them."""
        return UserRef(
            self.id,
            self.username,
            is_admin=self.role is Role.ADMIN,
            is_moderator=self.role is Role.MODERATOR,
            is_viewer=self.role is Role.VIEWER,
            runs_per_day=self.runs_per_day,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the shape that API and command line show."""
        return as_json(self, without={"stamp"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the REST API, without what it is."""

    id: int
    name: str
    created_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the shape that API and command line show."""
        return as_json(self)


class UserStore:
    """All SQL on users and their API tokens."""

    def __init__(self, database: Database, hasher: PasswordHasher = STRONG) -> None:
        self._database = database
        self._hasher = hasher

    def create(
        self, username: str, password: str, *, role: Role = Role.USER, email: str | None = None
    ) -> User:
        """Add a user; names that differ in case only count as the same.

        Raises:
            InvalidInput: the name is taken; fields username, password or email are wrong.
        """
        faults = _faults(username, email)
        if fault := _password_fault(password):
            faults["password"] = fault
        if faults:
            raise InvalidInput("This user can't be created.", faults)
        return self._create(username, self._hasher.hash(password), role, email)

    def create_without_password(
        self, username: str, *, role: Role = Role.USER, email: str | None = None
    ) -> User:
        """Add a user who can't sign in before they have a password. Raises InvalidInput."""
        if faults := _faults(username, email):
            raise InvalidInput("This user can't be created.", faults)
        return self._create(username, _no_password(), role, email)

    def _create(self, username: str, password_hash: str, role: Role, email: str | None) -> User:
        try:
            with self._database.write() as session:
                if _named(session, username) is not None:
                    raise _taken(username)
                row = UserRow(
                    username=username, password_hash=password_hash, role=role, email=email
                )
                session.add(row)
                session.flush()
                session.refresh(row)
                return _user(row)
        except IntegrityError as error:
            raise _taken(username) from error

    def get(self, user_id: int) -> User | None:
        """Return the user with this id."""
        if user_id > ID_MOST:
            return None
        with self._database.connect() as connection:
            row = connection.execute(_BY_ID, {"user_id": user_id}).first()
            return _user(row) if row else None

    def still_administrator(self, ref: UserRef) -> UserRef:
        """Return whoever has ordered something that is done later, as they are now.

        Raises:
            NotAllowed: they are no active administrator any more.
        """
        user = self.get(ref.id)
        if user is None or not user.is_active or user.role is not Role.ADMIN:
            raise NotAllowed(f"{ref.username} has ordered it, and is no administrator any more.")
        return replace(user.ref, address=ref.address)

    def by_name(self, username: str) -> User | None:
        """Return the user with this name, in any case."""
        with self._database.read() as session:
            row = _named(session, username)
            return _user(row) if row else None

    def all(self) -> list[User]:
        """Return every user, in the order in which they were created."""
        with self._database.read() as session:
            return [_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.id))]

    def search(self, part: str = "", *, after_id: int = 0, limit: int) -> list[User]:
        """Return users whose name or address holds ``part``, from the one after an id on."""
        query = select(UserRow).where(UserRow.id > after_id).order_by(UserRow.id).limit(limit)
        if part:
            names = (func.lower(UserRow.username), func.lower(UserRow.email))
            query = query.where(
                or_(*(one.contains(part.lower(), autoescape=True) for one in names))
            )
        with self._database.read() as session:
            return [_user(row) for row in session.scalars(query)]

    def authenticate(self, username: str, password: str) -> User:
        """Return the user whose password this is, and note that they signed in.

        Takes the same time whether or not there is such a user. A hash of another kind or
        strength (the replaced system's) is replaced by one of ours.

        Raises:
            NotSignedIn: wrong name or password, or the user is not active.
        """
        with self._database.read() as session:
            row = _named(session, username)
        has_password = row is not None and not row.password_hash.startswith(NOBODYS)
        known_hash = row.password_hash if row and has_password else self._nobodys_hash
        is_right = self._matches(known_hash, password[:PASSWORD_MOST])
        if row is None or not is_right or not row.is_active:
            raise NotSignedIn(_REFUSED)
        is_outdated = not _is_argon2(known_hash) or self._hasher.check_needs_rehash(known_hash)
        new_hash = self._hasher.hash(password) if is_outdated else known_hash
        # Guarded by the old hash: a password that was changed meanwhile is not set back.
        statement = (
            update(UserRow)
            .where(UserRow.id == row.id, UserRow.password_hash == known_hash)
            .values(password_hash=new_hash, last_login_at=now())
        )
        with self._database.write() as session:
            session.execute(statement)
        row.password_hash = new_hash  # for the stamp
        return _user(row)

    def set_password(self, user_id: int, password: str) -> None:
        """Replace the password. Raises InvalidInput, NotFound."""
        if fault := _password_fault(password):
            raise InvalidInput("This password can't be used.", {"password": fault})
        self._change(user_id, password_hash=self._hasher.hash(password))

    def replace_password(self, user: User, password: str) -> bool:
        """Replace the password; return whether it was the one still that ``user`` was read with.

        Raises InvalidInput.
        """
        if fault := _password_fault(password):
            raise InvalidInput("This password can't be used.", {"password": fault})
        new_hash = self._hasher.hash(password)
        query = select(UserRow).where(UserRow.id == user.id, UserRow.is_active).with_for_update()
        with self._database.write() as session:
            row = session.scalar(query)
            if row is None or _user(row).stamp != user.stamp:
                return False
            row.password_hash = new_hash
        return True

    def forget_password(self, user_id: int) -> None:
        """Let no password be the user's, which ends their sessions. Raises NotFound."""
        self._change(user_id, password_hash=_no_password())

    def set_email(self, user_id: int, email: str | None) -> None:
        """Note where messages to the user go. Raises InvalidInput, NotFound."""
        if email is not None and not is_email(email):
            raise InvalidInput("This address can't be used.", {"email": NO_EMAIL})
        self._change(user_id, email=email)

    def end_sessions(self, user_id: int) -> None:
        """Let no session that was begun go on; the password stays. Raises NotFound."""
        self._change(user_id, session_salt=secrets.token_hex(8))

    def set_runs_per_day(self, user_id: int, runs: int | None) -> None:
        """Let the user start so many runs within a day; None: as the setting says, 0: no limit.

        Raises InvalidInput, NotFound.
        """
        if runs is not None and not 0 <= runs <= RUNS_MOST:
            fault = f"should be a whole number from 0 to {RUNS_MOST:,}"
            raise InvalidInput("This limit can't be used.", {"runs_per_day": fault})
        self._change(user_id, runs_per_day=runs)

    def set_role(self, user_id: int, role: Role) -> None:
        """Let the user do what the role may, from the next request on.

        Raises:
            NotFound: there is none.
            Conflict: no administrator would be left.
        """
        self._change(user_id, role=role)

    def set_active(self, user_id: int, *, active: bool) -> None:
        """Let the user sign in by password and token, or not. Raises as ``set_role``."""
        self._change(user_id, is_active=active)

    def make_token(self, user_id: int, name: str) -> str:
        """Return a new API token, which can't be shown again. Raises InvalidInput, NotFound."""
        name = name.strip()
        if not 1 <= len(name) <= TokenRow.name.type.length:
            raise InvalidInput("A token needs a name.", {"name": "should have 1 to 64 characters"})
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        with self._database.write() as session:
            if session.get(UserRow, user_id) is None:
                raise NotFound("There is no such user.")
            session.add(TokenRow(user_id=user_id, name=name, token_hash=_digest(token)))
        return token

    def tokens(self, user_id: int) -> list[Token]:
        """Return the user's tokens, in the order in which they were made."""
        query = select(TokenRow).where(TokenRow.user_id == user_id).order_by(TokenRow.id)
        with self._database.read() as session:
            return [copied(Token, row) for row in session.scalars(query)]

    def revoke_token(self, user_id: int, token_id: int) -> Token:
        """Delete a token of the user's, and return it. Raises NotFound."""
        with self._database.write() as session:
            row = session.get(TokenRow, token_id) if token_id <= ID_MOST else None
            if row is None or row.user_id != user_id:
                raise NotFound("There is no such token.")
            session.delete(row)
            return copied(Token, row)

    def by_token(self, token: str) -> User | None:
        """Return the active user whose token this is."""
        if not token.startswith(TOKEN_PREFIX):
            return None
        with self._database.connect() as connection:
            row = connection.execute(_BY_TOKEN, {"digest": _digest(token)}).first()
            return _user(row) if row else None

    @again_after_deadlock
    def _change(self, user_id: int, **values: object) -> None:
        with self._database.begin() as connection:
            keep_an_administrator(connection, user_id, values)
            if not changed(connection, update(UserRow).where(UserRow.id == user_id).values(values)):
                raise NotFound("There is no such user.")

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(16))

    def _matches(self, known_hash: str, password: str) -> bool:
        if not _is_argon2(known_hash):
            # Werkzeug's scrypt: or pbkdf2:, as the replaced system wrote them.
            return "$" in known_hash and check_password_hash(known_hash, password)
        try:
            return self._hasher.verify(known_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def keep_an_administrator(session: Executor, user_id: int, values: Mapping[str, object]) -> None:
    """Make sure that a change of a user, in this transaction, leaves an active administrator.

    Those there are stay locked until it ends: two who lock each other out at once can't.

    Raises:
        Conflict: the user is the only one.
    """
    stays_admin = values.get("role", Role.ADMIN) == Role.ADMIN and values.get("is_active", True)
    if stays_admin:
        return
    is_admin = and_(UserRow.role == Role.ADMIN, UserRow.is_active)
    # The user, too: somebody may be making them one at this moment.
    query = select(UserRow.id, is_admin.label("is_admin")).where(
        or_(is_admin, UserRow.id == user_id)
    )
    rows = session.execute(query.order_by(UserRow.id).with_for_update())
    if [row.id for row in rows if row.is_admin] == [user_id]:
        raise Conflict(
            "Nobody could administer the service any more: make somebody else an administrator "
            "first."
        )


def _user(row: UserRow | Row[Any]) -> User:
    role, stamp = Role(row.role), _digest(row.password_hash + row.session_salt)[:16]
    return User(
        row.id,
        row.username,
        row.email,
        role,
        row.is_active,
        row.created_at,
        row.last_login_at,
        row.runs_per_day,
        stamp,
    )


def _named(session: Session, username: str) -> UserRow | None:
    # In small letters as the database makes them: of others than ASCII, SQLite knows none.
    return session.scalar(select(UserRow).where(UserRow.name_key == func.lower(username)))


def _faults(username: str, email: str | None) -> dict[str, str]:
    faults = {}
    if not USERNAME.fullmatch(username):
        faults["username"] = "should be 2 to 64 of the characters A-Z a-z 0-9 _ . -"
    if email is not None and not is_email(email):
        faults["email"] = NO_EMAIL
    return faults


def _no_password() -> str:
    """Return what is no password's hash, and another one each time: the stamp follows it."""
    return NOBODYS + secrets.token_urlsafe(16)


def _taken(username: str) -> InvalidInput:
    return InvalidInput(
        f"The user name {username} is taken.", {"username": "is taken; choose another"}
    )


def is_email(text: str) -> bool:
    """Return whether this can be an address for messages to a user."""
    is_storable = len(text) <= UserRow.email.type.length and text.isprintable()
    return is_storable and re.fullmatch(r"[^@\s]+@[^@\s]+", text) is not None


def _password_fault(password: str) -> str | None:
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        return f"should have at least {PASSWORD_LEAST} characters (at most {PASSWORD_MOST})"
    return None


def _digest(token: str) -> str:
    # A token is 256 random bits: a slow hash would protect nothing that SHA-256 doesn't.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _is_argon2(known_hash: str) -> bool:
    return known_hash.startswith("$argon2")
