"""The replaced system's database beside ours, and what goes between them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, select, text
from tests.support_domain import FERNET_KEY
from tests.support_vedfolnir import MAY, OLD_KEY, Vedfolnir, settings

from altwright.accounts.users import UserStore
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import Base, DraftRow, PictureRow
from altwright.takeover.old_database import OldDatabase
from altwright.takeover.report import Report
from altwright.takeover.run import Takeover

BOX = Box(FERNET_KEY)


@pytest.fixture(params=["sqlite", "mariadb"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vedfolnir]:
    """Return an old database without rows, of each kind that there is."""
    if request.param == "sqlite":
        engine = sa.create_engine(f"sqlite:///{tmp_path}/old.db")
        yield Vedfolnir(engine).make()
        engine.dispose()
        return
    server: Engine = request.getfixturevalue("_mariadb_engine")
    name = f"old_{secrets.token_hex(4)}"
    options = server.execution_options(isolation_level="AUTOCOMMIT")
    with options.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    engine = sa.create_engine(server.url.set(database=name))
    yield Vedfolnir(engine).make()
    engine.dispose()
    with options.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))


def take(database: Database, there: Vedfolnir, **options: Any) -> Report:
    """Import."""
    old = OldDatabase.open(there.url)
    made = Takeover(database, old, box=BOX, old_box=Box(OLD_KEY), **options).take_in()
    old.close()
    return made


def give(database: Database, there: Vedfolnir, **options: Any) -> Report:
    """Export."""
    old = OldDatabase.open(there.url, writes=True)
    made = Takeover(database, old, box=BOX, old_box=Box(OLD_KEY), **options).give_back()
    old.close()
    return made


def remarks(report: Report, table: str) -> dict[str, list[str]]:
    """Return what was remarked of a table, with ids."""
    return {what: ids for (of, what), ids in report.remarks.items() if of == table}


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows here, but for who does what at the moment."""
    with database.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for table in Base.metadata.sorted_tables
            if table.name != "leases"
        }


def fill(there: Vedfolnir) -> dict[str, Any]:
    """Fill an old database with a bit of everything."""
    anna, bert = there.user("anna", role="ADMIN"), there.user("bert", last_login=MAY)
    of_anna, of_bert = there.connection(anna, "anna"), there.connection(bert, "bert")
    ended = {"started_at": MAY, "completed_at": "2026-05-03 12:30:00"}
    results = json.dumps({"captions_generated": 3, "images_processed": 4})
    return {
        "anna": anna,
        "of_anna": of_anna,
        "waits": there.task(
            anna, of_anna, priority="high", retry_count=2, settings_json=settings()
        ),
        "done": there.task(
            anna, of_anna, status="COMPLETED", results_json=results, progress_percent=100, **ended
        ),
        "failed": there.task(bert, of_bert, status="FAILED", error_message="No luck.", **ended),
        "cancelled": there.task(
            bert, of_bert, status="CANCELLED", cancellation_reason="Not now.", **ended
        ),
        "drafted": there.image(of_anna, 1, generated_caption="A cat."),
        "approved": there.image(
            of_anna,
            2,
            generated_caption="A dog.",
            reviewed_caption="A brown dog.",
            status="APPROVED",
            reviewed_at=MAY,
        ),
        "posted": there.image(of_anna, 3, final_caption="A tree.", status="POSTED", posted_at=MAY),
        "rejected": there.image(of_anna, 4, generated_caption="Nothing.", status="REJECTED"),
        "empty": there.image(of_anna, 5),
    }


def drafts_of(database: Database) -> dict[str, DraftRow]:
    """Return all drafts by their picture's id on its server."""
    query = select(PictureRow.remote_id, DraftRow).join(
        DraftRow, DraftRow.picture_id == PictureRow.id
    )
    with database.read() as session:
        return {row[0]: row[1] for row in session.execute(query)}


def anna_id(database: Database) -> int:
    """Return Anna's id here."""
    anna = UserStore(database).by_name("anna")
    assert anna is not None
    return anna.id
