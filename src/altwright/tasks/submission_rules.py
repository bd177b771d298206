"""What a submit has to be like: task ids that can't be guessed, priorities, valid values."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from altwright.domain.task import Priority
from altwright.domain.user import UserRef
from altwright.errors import InvalidInput, NotAllowed

#: Characters that the columns hold, and the largest settings: a kind's own are some hundred bytes.
KIND_LENGTH, EXCLUSIVE_KEY_LENGTH, REQUEST_KEY_LENGTH = 32, 64, 128
SETTINGS_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class NewTask:
    """A valid submit. ``request_key`` makes a repeated submit return the first one's task.

    A kind has checked its settings' meaning already; this refuses what the database would refuse,
    cut off without a word, or give back as something else.
    """

    id: str
    kind: str
    user_id: int | None
    account_id: int | None
    priority: Priority
    settings: dict[str, Any]
    exclusive_key: str | None = None
    request_key: str | None = None
    max_retries: int = 3

    def __post_init__(self) -> None:
        """Check. Raises InvalidInput, naming the fields."""
        fields: dict[str, str] = {}
        if len(self.kind) > KIND_LENGTH:
            fields["kind"] = f"should have at most {KIND_LENGTH} characters"
        for name, text, most in (
            ("request_key", self.request_key, REQUEST_KEY_LENGTH),
            ("exclusive_key", self.exclusive_key, EXCLUSIVE_KEY_LENGTH),
        ):
            if text is not None and (not 0 < len(text) <= most or not text.isprintable()):
                fields[name] = f"should be 1 to {most} printable characters"
        try:
            written = json.dumps(self.settings, allow_nan=False)
        except (TypeError, ValueError):
            fields["settings"] = "should be values that JSON has"
        else:
            if len(written) > SETTINGS_BYTES:
                fields["settings"] = f"should be at most {SETTINGS_BYTES // 1024} kB"
            elif json.loads(written) != self.settings:
                fields["settings"] = "should be values that JSON gives back as they are"
        if fields:
            raise InvalidInput("This task can't be accepted.", fields)


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
