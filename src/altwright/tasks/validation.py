"""What a submit has to be like before it is written or enqueued."""

from __future__ import annotations

import json

from altwright.errors import InvalidInput
from altwright.tasks.store.task_store import NewTask

#: Characters that the columns hold, and the largest settings: a kind's own are some hundred bytes.
KIND_LENGTH, EXCLUSIVE_KEY_LENGTH, REQUEST_KEY_LENGTH = 32, 64, 128
SETTINGS_BYTES = 64 * 1024


def check_new(new: NewTask) -> None:
    """Check a submit. Raises InvalidInput, naming the field.

    A kind has checked its settings' meaning already; this is what the database would refuse, cut
    off without a word, or give back as something else.
    """
    fields: dict[str, str] = {}
    if len(new.kind) > KIND_LENGTH:
        fields["kind"] = f"should have at most {KIND_LENGTH} characters"
    for name, text, most in (
        ("request_key", new.request_key, REQUEST_KEY_LENGTH),
        ("exclusive_key", new.exclusive_key, EXCLUSIVE_KEY_LENGTH),
    ):
        if text is not None and (not 0 < len(text) <= most or not text.isprintable()):
            fields[name] = f"should be 1 to {most} printable characters"
    try:
        written = json.dumps(new.settings, allow_nan=False)
    except (TypeError, ValueError):
        fields["settings"] = "should be values that JSON has"
    else:
        if len(written) > SETTINGS_BYTES:
            fields["settings"] = f"should be at most {SETTINGS_BYTES // 1024} kB"
        elif json.loads(written) != new.settings:
            fields["settings"] = "should be values that JSON gives back as they are"
    if fields:
        raise InvalidInput("This task can't be accepted.", fields)
