"""The server of the rehearsal's accounts, which counts what is written there."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support_leaves import Exchange, LocalServer
from tests.support_pretend import PretendMastodon, PretendModel

#: Seconds that the model takes for a picture: tasks have to be at work when something happens.
DESCRIBES_S = 0.05


class Home(PretendMastodon):
    """One account there; ``writes`` counts how often a picture was given each text."""

    def __init__(self, account_id: str, username: str) -> None:
        """Begin with no post."""
        super().__init__(account_id, username)
        self.writes: Counter[tuple[str, str]] = Counter()

    def _status(self, exchange: Exchange, status: dict[str, Any], *, is_source: bool) -> None:
        if exchange.command == "PUT":
            before = {one["id"]: one["description"] for one in status["media_attachments"]}
            super()._status(exchange, status, is_source=is_source)
            after = {one["id"]: one["description"] for one in status["media_attachments"]}
            changed = {one: text for one, text in after.items() if text != before[one]}
            # An edit that changes nothing has written something a second time.
            self.writes.update(changed.items() if changed else after.items())
        else:
            super()._status(exchange, status, is_source=is_source)


@dataclass
class Fediverse:
    """All accounts of one server, by their tokens."""

    server: LocalServer = field(init=False)
    homes: dict[str, Home] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(10_001))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, username: str, token: str) -> Home:
        """Let somebody have an account there."""
        home = Home(str(100 + len(self.homes)), username)
        home.server = self.server
        self.homes[token] = home
        return home

    def post(self, home: Home, pictures: int = 2) -> dict[str, Any]:
        """Post pictures without alt texts; return the status."""
        with self._lock:
            return home.post(next(self._numbers), pictures)

    def written_twice(self) -> list[str]:
        """Return the ids of pictures that were given the same text more than once."""
        return [
            media_id
            for home in self.homes.values()
            for (media_id, _), times in home.writes.items()
            if times > 1
        ]

    def __call__(self, exchange: Exchange) -> None:
        """Answer a call by whose token it has; files are everybody's."""
        token = exchange.headers.get("Authorization", "").removeprefix("Bearer ")
        home = self.homes.get(token)
        if home is None and exchange.path.startswith("/files/"):
            home = next(iter(self.homes.values()))
        if home is None:
            exchange.answer(401, {"error": "The access token is invalid"})
        else:
            home(exchange)


class SlowModel(PretendModel):
    """A model that takes a moment for each picture, and as long as it is held for all of them."""

    def __init__(self) -> None:
        """Describe at once."""
        super().__init__()
        self._may_answer = threading.Event()
        self._may_answer.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no picture be described, so that tasks stay at work and others wait."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def _answer(self, exchange: Exchange) -> None:
        if exchange.command == "POST":
            threading.Event().wait(DESCRIBES_S)
            self._may_answer.wait()
        super()._answer(exchange)
