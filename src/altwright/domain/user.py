"""Who acts: a signed-in user, an administrator, or the service itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserRef:
    """The user behind a request; an administrator sees and may change everything."""

    id: int
    username: str
    is_admin: bool = False
