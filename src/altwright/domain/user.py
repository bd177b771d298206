"""Who acts: a signed-in user, an administrator, or the service itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class UserRef:
    """The user behind a request; an administrator sees and may change everything.

    A moderator sees as much, and cancels and requeues anybody's tasks. A viewer sees what is their
    own, and changes nothing.
    """

    id: int
    username: str
    is_admin: bool = False
    is_moderator: bool = False
    is_viewer: bool = False
    #: Where they act from: an address, or the command line's host; "" where nobody asked.
    address: str = field(default="", compare=False)

    #: Runs that they may start within a day; None: as the setting says, 0: no limit.
    runs_per_day: int | None = field(default=None, compare=False)

    @property
    def looks_after_tasks(self) -> bool:
        """Return whether everybody's tasks are this user's affair."""
        return self.is_admin or self.is_moderator
