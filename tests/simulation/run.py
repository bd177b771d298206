"""Runs seeds: `python -m tests.simulation.run SEED [MUTATION]` replays one with its trace."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import event, insert
from tests import support_engine
from tests.simulation.mutations import MUTATIONS
from tests.simulation.parts import USERS
from tests.simulation.scenario import run_seed
from tests.simulation.world import BEGINNING, SteppingDatabase, Violation

import altwright.db.task_tables  # noqa: F401 - its tables belong to the metadata
from altwright.db.session import make_engine
from altwright.db.tables import Base, UserRow


@contextmanager
def arena() -> Iterator[tuple[SteppingDatabase, str]]:
    """Make a database in memory for any number of seeds, one after the other."""
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh folder there
    with tempfile.TemporaryDirectory(prefix="altwright-", dir=parent) as folder:
        file = f"{folder}/simulation.db"
        engine = make_engine(f"sqlite:///{file}", clock=lambda: database.world.now())  # noqa: PLW0108 - a world comes later

        @event.listens_for(engine, "connect")
        def _no_disk(connection: object, _record: object) -> None:
            connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

        database = SteppingDatabase(engine)
        Base.metadata.create_all(engine)
        support_engine.effects.metadata.create_all(engine)
        with engine.begin() as connection:
            for user in USERS:
                row = {"id": user.id, "username": user.username, "password_hash": ""}
                connection.execute(insert(UserRow).values(created_at=BEGINNING, **row))
        yield database, file
        database.close()


def first_violation(seeds: range, mutation: str | None = None) -> str | None:
    """Run seeds until one breaks a promise; return which and how, and how to see it again."""
    # The mutation first: some of them change the tables.
    with MUTATIONS[mutation]() if mutation else nullcontext(), arena() as (database, file):
        for seed in seeds:
            try:
                run_seed(seed, database, file)
            except Violation as error:
                again = f"python -m tests.simulation.run {seed} {mutation or ''}".rstrip()
                return f"{error}\nto see it again: {again}"
    return None


def main() -> None:
    """Replay a seed and print everything that happens."""
    seed = int(sys.argv[1])
    mutation = sys.argv[2] if len(sys.argv) > 2 else None
    with MUTATIONS[mutation]() if mutation else nullcontext(), arena() as (database, file):
        try:
            world = run_seed(seed, database, file, traced=True)
            verdict = f"seed {seed}: every promise kept in {world.steps} steps"
        except Violation as error:
            world = error.world  # type: ignore[attr-defined]
            verdict = str(error)
    print("\n".join(world.trace or []))  # noqa: T201 - a command's output
    print(verdict)  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
