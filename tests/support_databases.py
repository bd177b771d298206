"""Databases beside the one that tests share."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from altwright.db.session import make_engine


@contextmanager
def new_database(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Engine]:
    """Make a database of a kind, without any table, for the time of a test."""
    name = f"new_{secrets.token_hex(4)}"
    if kind == "sqlite":
        engine = make_engine(f"sqlite:///{folder}/{name}.db")
        yield engine
        engine.dispose()
        return
    server: Engine = request.getfixturevalue(f"_{kind}_engine")
    options = server.execution_options(isolation_level="AUTOCOMMIT")
    with options.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.url.set(database=name).render_as_string(hide_password=False)
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
        with options.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
