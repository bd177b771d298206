"""CaptionSecurityManager: task ids that can't be guessed, and who may do what."""

from __future__ import annotations

import uuid

from altwright.domain.task import Priority
from altwright.domain.user import UserRef
from altwright.errors import InvalidInput, NotAllowed


class CaptionSecurityManager:
    """The rules of access to tasks, in one place."""

    def new_task_id(self) -> str:
        """Return a random UUID (version 4: 122 bits from the system's generator)."""
        return str(uuid.uuid4())

    def checked_task_id(self, text: str) -> str:
        """Return the id in its one spelling. Raises InvalidInput: it is no UUID of version 4."""
        try:
            parsed = uuid.UUID(text)
        except ValueError:
            parsed = None
        if parsed is None or parsed.version != 4 or str(parsed) != text:  # noqa: PLR2004 - the version
            raise InvalidInput("A task id is a UUID like 3f2b8c1e-….")
        return text

    def priority(self, asked: str | None, user: UserRef | None, default: Priority) -> Priority:
        """Return the priority of a submit (requirements 2.3 to 2.6).

        Raises:
            NotAllowed: the user asks for more than their role allows.
        """
        mine = Priority.HIGH if user is not None and user.is_admin else Priority.NORMAL
        if asked is None:
            return mine if user is not None else default
        wished = Priority.parse(asked)
        if user is not None and not user.is_admin and wished < Priority.NORMAL:
            raise NotAllowed("Only an administrator may ask for urgent or high priority.")
        return wished
