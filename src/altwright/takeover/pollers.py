"""Whether the replaced system's database-polling workers still have something to do."""

from __future__ import annotations

from altwright.db.session import Database
from altwright.domain.counting import counted
from altwright.takeover import links
from altwright.takeover.fields import word
from altwright.takeover.old_database import BATCH, CLAIMED, OldDatabase


def reasons_to_stay(database: Database, old: OldDatabase) -> list[str]:
    """Return why the old workers can't be switched off yet; none: they can."""
    ids = old.active()
    runs = waits = 0
    for at in range(0, len(ids), BATCH):
        some = ids[at : at + BATCH]
        with database.read() as session:
            taken = links.of(session, links.TASK, some)
        for row in old.rows("caption_generation_tasks", "id", some):
            is_running = word(row.get("status")) == "running"
            link = taken.get(row["id"])
            # What was taken while they rested waits there still, until it is claimed.
            if link is not None and (is_running or link.new_id is None):
                continue
            is_theirs = is_running and row.get("current_step") != CLAIMED
            runs, waits = runs + is_theirs, waits + (not is_theirs)
    found = []
    if runs:
        found.append(f"the old workers work on {counted(runs, 'task')}; let them end")
    if waits:
        found.append(
            f"waiting in the old database: {counted(waits, 'task')}; `altwright migrate to-rq` "
            "takes them, and `altwright import vedfolnir --dry-run` says which it can't, and why"
        )
    return found
