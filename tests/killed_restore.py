"""Restores a backup over what a database holds, and kills itself on the way.

`python -m tests.killed_restore URL FILE FOLDER empty|filled|commit`
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import event
from tests.support_domain import FERNET_KEY

from altwright.backup import restoring
from altwright.captions.pictures.picture_files import PictureStore
from altwright.crypto import Box
from altwright.db.session import Database, make_engine


def main(url: str, file: str, folder: str, moment: str) -> None:
    """Die when the rows are deleted, when new ones are there, or when they are to be kept."""
    engine = make_engine(url)
    seen: list[str] = []

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(engine, "after_cursor_execute")
    def _after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        verb = statement.split(maxsplit=1)[0]
        if verb == "INSERT" and seen and moment == "empty":
            die()
        if verb == "INSERT" and "users" in statement and moment == "filled":
            die()
        seen.extend(["deleted"] if verb == "DELETE" else [])

    @event.listens_for(engine, "commit")
    def _commit(_connection: Any) -> None:
        if seen and moment == "commit":
            die()

    restoring.restore(
        Database(engine),
        PictureStore(Path(folder) / "others"),
        Box(FERNET_KEY),
        Path(file),
        folder=Path(folder),
        overwrite=True,
        progress=lambda _done, _total: None,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
