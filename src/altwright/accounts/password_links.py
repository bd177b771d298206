"""Links with which people choose their password themselves: an administrator never knows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from altwright.accounts.users import User, UserStore
from altwright.crypto import Box
from altwright.db.session import utcnow
from altwright.errors import NotFound

#: How long a link can be used.
LASTS = timedelta(days=3)
#: What comes after the service's own address.
PATH = "/password/"
_GONE = "This link is used up, too old or not whole. Ask an administrator for a new one."


class PasswordLinks:
    """Nothing is kept of a link: it is sealed, and names the password that it replaces.

    So it works once, and none works any more after another one was used.
    """

    def __init__(self, users: UserStore, box: Box) -> None:
        self._users = users
        self._box = box

    def make(self, user: User) -> str:
        """Return the path of a link for this user."""
        until = (utcnow() + LASTS).isoformat()
        sealed = self._box.encrypt(json.dumps({"password_of": [user.id, user.stamp, until]}))
        return PATH + sealed

    def user_of(self, sealed: str) -> User:
        """Return the user whose link this is. Raises NotFound: it can't be used (any more)."""
        try:
            match json.loads(self._box.decrypt(sealed)):
                case {"password_of": [int(user_id), str(stamp), str(until)]}:
                    is_open = datetime.fromisoformat(until).astimezone(UTC) > utcnow()
                    user = self._users.get(user_id) if is_open else None
                    if user is not None and user.is_active and user.stamp == stamp:
                        return user
        except ValueError:
            pass  # not one of ours
        raise NotFound(_GONE)

    def use(self, sealed: str, password: str) -> User:
        """Let the link's user have this password. Raises NotFound, InvalidInput."""
        user = self.user_of(sealed)
        if not self._users.replace_password(user, password):
            raise NotFound(_GONE)  # somebody else has used it at the same moment
        return user
