"""What administrators do to the people who sign in, each with an entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass

from altwright.accounts.password_links import PasswordLinks
from altwright.accounts.users import Token, User, UserStore
from altwright.domain.caption import Role
from altwright.domain.user import UserRef
from altwright.errors import NotAllowed, NotFound
from altwright.tasks.audit_log import Audit


@dataclass(frozen=True, slots=True)
class Invited:
    """A user, and the path of the link with which they choose their password: shown once."""

    user: User
    link: str


class UserAdministration:
    """Who may do this is asked before. Each method raises NotFound where nobody has this id."""

    def __init__(self, users: UserStore, links: PasswordLinks, audit: Audit) -> None:
        self._users = users
        self.links = links
        self._audit = audit

    def get(self, user_id: int) -> User:
        """Return a user."""
        user = self._users.get(user_id)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def create(
        self,
        username: str,
        *,
        by: UserRef,
        role: Role = Role.USER,
        email: str | None = None,
        password: str | None = None,
    ) -> User:
        """Add a user; None: nobody knows their password. Raises InvalidInput."""
        if password is None:
            user = self._users.create_without_password(username, role=role, email=email)
        else:
            user = self._users.create(username, password, role=role, email=email)
        self._audit.add(by, "user created", user.username, role)
        return user

    def invite(
        self, username: str, *, by: UserRef, role: Role = Role.USER, email: str | None = None
    ) -> Invited:
        """Add a user who chooses their password by a link. Raises InvalidInput."""
        user = self.create(username, by=by, role=role, email=email)
        return Invited(user, self.links.make(user))

    def reset_password(self, user_id: int, *, by: UserRef) -> Invited:
        """Let the old password count no longer, end the sessions, and return a link for a new one.

        Tokens of the REST API stay.
        """
        user = self.get(user_id)
        self._users.forget_password(user_id)
        self._audit.add(by, "password reset", user.username)
        return Invited(user, self.links.make(self.get(user_id)))

    def set_password(self, user_id: int, password: str, *, by: UserRef) -> None:
        """Give a user a password. Raises InvalidInput."""
        user = self.get(user_id)
        self._users.set_password(user_id, password)
        self._audit.add(by, "password changed", user.username)

    def choose_password(self, sealed: str, password: str, *, address: str) -> User:
        """Let the user of a link have this password. Raises NotFound, InvalidInput."""
        user = self.links.use(sealed, password)
        by = UserRef(user.id, user.username, address=address)
        self._audit.add(by, "password chosen", user.username, "by a link")
        return user

    def set_role(self, user_id: int, role: Role, *, by: UserRef) -> User:
        """Let a user do what the role may, from the next request on.

        Raises:
            NotAllowed: it is the caller.
            Conflict: no administrator would be left.
        """
        user = self._other(user_id, by)
        self._users.set_role(user_id, role)
        self._audit.add(by, "role given", user.username, before=user.role, after=role)
        return user

    def set_active(self, user_id: int, *, active: bool, by: UserRef) -> User:
        """Let a user in, or lock them out at once, by token too. Raises as ``set_role``."""
        user = self._other(user_id, by)
        self._users.set_active(user_id, active=active)
        action = "user activated" if active else "user deactivated"
        self._audit.add(by, action, user.username)
        return user

    def set_email(self, user_id: int, email: str | None, *, by: UserRef) -> User:
        """Note where messages to a user go; None: nowhere. Raises InvalidInput."""
        user = self.get(user_id)
        self._users.set_email(user_id, email)
        # The address itself is personal, and the log is kept for long.
        self._audit.add(by, "e-mail changed", user.username, "" if email else "removed")
        return user

    def end_sessions(self, user_id: int, *, by: UserRef) -> User:
        """Sign a user out everywhere; password and tokens stay."""
        user = self.get(user_id)
        self._users.end_sessions(user_id)
        self._audit.add(by, "sessions ended", user.username)
        return user

    def limit_runs(self, user_id: int, runs: int | None, *, by: UserRef) -> User:
        """Let a user start so many runs within a day; None: as the setting says, 0: no limit.

        Raises InvalidInput.
        """
        user = self.get(user_id)
        self._users.set_runs_per_day(user_id, runs)
        before, after = (
            "the setting's" if one is None else str(one) for one in (user.runs_per_day, runs)
        )
        self._audit.add(by, "runs a day limited", user.username, before=before, after=after)
        return user

    def make_token(self, user_id: int, name: str, *, by: UserRef) -> str:
        """Return a new token of the REST API, which can't be shown again. Raises InvalidInput."""
        user = self.get(user_id)
        token = self._users.make_token(user_id, name)
        self._audit.add(by, "token made", user.username, name)
        return token

    def revoke_token(self, user_id: int, token_id: int, *, by: UserRef) -> Token:
        """Let a token of the REST API count no longer. Raises NotFound."""
        user = self.get(user_id)
        token = self._users.revoke_token(user_id, token_id)
        self._audit.add(by, "token revoked", user.username, token.name)
        return token

    def _other(self, user_id: int, by: UserRef) -> User:
        """Return a user who isn't the caller, so that nobody locks themselves out."""
        user = self.get(user_id)
        if user.id == by.id:
            raise NotAllowed("Another administrator has to change your own account.")
        return user
