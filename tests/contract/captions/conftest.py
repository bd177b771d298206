"""A bench for tasks: real engine, real database, real pictures from a server of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support_domain import (
    Bench,
    PictureServer,
    World,
    make_post,
    make_world,
    picture_server,
)

from altwright.db.session import Database
from altwright.platforms.port import Post


@pytest.fixture(scope="module")
def _server() -> Iterator[PictureServer]:
    with picture_server() as server:
        yield server


@pytest.fixture
def pictures(_server: PictureServer) -> PictureServer:
    """Return a server that has every picture."""
    _server.answers.clear()
    _server.asked.clear()
    return _server


@pytest.fixture
def bench(database: Database, pictures: PictureServer, tmp_path: Path) -> Bench:
    """Return a bench over an empty account."""
    return Bench(make_world(database), pictures, tmp_path)


@pytest.fixture
def world(bench: Bench) -> World:
    """Return anna with her account."""
    return bench.world


@pytest.fixture
def post(pictures: PictureServer) -> Callable[..., Post]:
    """Return a maker of posts whose pictures the server has."""

    def make(number: int, *descriptions: str, **options: str) -> Post:
        return make_post(number, *descriptions, host=pictures.host, **options)

    return make
