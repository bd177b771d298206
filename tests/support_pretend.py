"""A pretend Fediverse server and a pretend model server that misbehave on request.

Over them run the real kinds of tasks with the real platforms and describers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.support_domain import FERNET_KEY, Bench, FakePlatform, World
from tests.support_leaves import Call, Exchange, LocalServer, picture_bytes, serving

from altwright.accounts.connections import AccountStore
from altwright.accounts.users import UserStore
from altwright.captions.drafts.draft_store import DraftStore
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.describers.model_servers.ollama import Ollama
from altwright.describers.order import DescriberOrder
from altwright.net.http import Outbound
from altwright.platforms.connect import connect

#: What a server does instead of answering as it should.
Fault = Callable[[Exchange], None]
MODEL = "eyes"
ADDRESS = re.compile(r"/api/v1/statuses/(?P<id>[^/?]+)(?P<source>/source)?$")


@dataclass
class Misbehaviour:
    """``fault`` in the place of answers to ``method`` and a path that matches ``path``."""

    path: str
    fault: Fault
    method: str = "GET"
    #: Wrong answers after which it ends (None: never), and right ones before it begins.
    times: int | None = None
    after: int = 0
    #: What the request's body has in it.
    body: str = ""

    def meets(self, call: Call) -> bool:
        """Return whether this call is to go wrong, and count it."""
        if call.method != self.method or not re.search(self.path, call.path):
            return False
        if self.body and self.body.encode() not in call.body:
            return False
        self.after -= 1
        if self.after >= 0:
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass
class Pretend:
    """One server: an account's posts and their files, or a model; ``wrong`` is what goes wrong."""

    respond: Callable[[Exchange], None] = lambda _exchange: None
    wrong: list[Misbehaviour] = field(default_factory=list)
    server: LocalServer = field(init=False)

    def __call__(self, exchange: Exchange) -> None:
        """Answer a call, rightly or wrongly."""
        for one in self.wrong:
            if one.meets(exchange.call):
                one.fault(exchange)
                return
        self.respond(exchange)

    @property
    def host(self) -> str:
        """Return host:port."""
        return f"127.0.0.1:{self.server.port}"


class PretendMastodon(Pretend):
    """An account with posts, as Mastodon shows them; newest first, forty on a page."""

    def __init__(self, account_id: str = "7", username: str = "anna") -> None:
        """Begin with no post."""
        super().__init__(self._answer)
        self.account_id, self.username = account_id, username
        self.statuses: dict[str, dict[str, Any]] = {}
        self.edits: list[str] = []
        self._picture = picture_bytes("PNG")

    def post(self, number: int, pictures: int = 1, **others: Any) -> dict[str, Any]:
        """Post something with pictures that have no alt text; return the status."""
        media = [
            {
                "id": f"{number}0{at}",
                "type": "image",
                "url": f"{self.server.url}/files/{number}-{at}.png",
                "description": None,
            }
            for at in range(pictures)
        ]
        status = {
            "id": str(number),
            "url": f"https://social.example/@{self.username}/{number}",
            "content": f"<p>Words of post {number}</p>",
            "created_at": f"2026-05-{1 + number % 28:02}T12:00:00.000Z",
            "visibility": "public",
            "language": "en",
            "sensitive": False,
            "spoiler_text": "",
            "account": {"id": self.account_id},
            "media_attachments": media,
            **others,
        }
        self.statuses[str(number)] = status
        return status

    def texts(self) -> list[str]:
        """Return the alt texts that pictures have here."""
        media = [one for status in self.statuses.values() for one in status["media_attachments"]]
        return [one["description"] for one in media if one["description"]]

    def _answer(self, exchange: Exchange) -> None:
        path, _, query = exchange.path.partition("?")
        path = path.rstrip("/")
        found = ADDRESS.search(path)
        match path:
            case "/api/v1/accounts/verify_credentials":
                name = self.username
                me = {"id": self.account_id, "username": name, "acct": name, "url": ""}
                exchange.answer(200, me)
            case "/api/v2/instance":
                exchange.answer(200, {"domain": "social.example", "version": "4.4.0"})
            case _ if path == f"/api/v1/accounts/{self.account_id}/statuses":
                exchange.answer(200, self._page(query))
            case _ if found and found["id"] in self.statuses:
                self._status(exchange, self.statuses[found["id"]], is_source=bool(found["source"]))
            case _ if path.startswith("/files/"):
                exchange.answer(200, self._picture, Content_Type="image/png")
            case _:
                exchange.answer(404, {"error": "Record not found"})

    def _page(self, query: str) -> list[Any]:
        newest_first = sorted(self.statuses.values(), key=lambda one: -int(one["id"]))
        if older_than := re.search(r"max_id=(\d+)", query):
            newest_first = [one for one in newest_first if int(one["id"]) < int(older_than[1])]
        return newest_first[:40]

    def _status(self, exchange: Exchange, status: dict[str, Any], *, is_source: bool) -> None:
        if exchange.command == "PUT":
            self.edits.append(status["id"])
            edit = exchange.call.json
            for change in edit["media_attributes"]:
                for media in status["media_attachments"]:
                    if media["id"] == change["id"]:
                        media["description"] = change["description"]
            status["edited_at"] = f"2026-06-01T12:00:{len(self.edits) % 60:02}.000Z"
        words = re.sub("<[^>]+>", "", str(status["content"]))
        source = {"id": status["id"], "text": words, "spoiler_text": status["spoiler_text"]}
        exchange.answer(200, source if is_source else status)


class PretendModel(Pretend):
    """A model server that speaks Ollama's API and describes at once.

    It says of which picture it was asked by the address that the prompt's post text names, so
    that one picture can go wrong: tests let ``marks`` find it in the request.
    """

    def __init__(self) -> None:
        """Begin with one model."""
        super().__init__(self._answer)
        self.described = 0

    def _answer(self, exchange: Exchange) -> None:
        match exchange.path:
            case "/api/version":
                exchange.answer(200, {"version": "0.9.1"})
            case "/api/tags":
                exchange.answer(200, {"models": [{"name": MODEL}]})
            case _:
                self.described += 1
                content = f"A tabby cat sleeps on a red sofa, seen from above, {self.described}."
                message = {"role": "assistant", "content": content}
                exchange.answer(200, {"message": message, "done": True, "done_reason": "stop"})


@dataclass
class PretendWorld:
    """A user whose account is on the pretend server, and what works on it."""

    bench: Bench
    fediverse: PretendMastodon
    model: PretendModel

    @property
    def world(self) -> World:
        """Return the user, the account and the stores."""
        return self.bench.world


@contextmanager
def pretend_world(
    database: Database,
    folder: Path,
    *,
    timeout_s: float = 2,
    platform: str = "mastodon",
    parallel: int = 1,
) -> Iterator[PretendWorld]:
    """Run both servers, connect an account, and put a bench over them."""
    fediverse, model = PretendMastodon(), PretendModel()
    with ExitStack() as stack:
        for one in (fediverse, model):
            one.server = stack.enter_context(serving(one))
        outbound = Outbound(frozenset({"127.0.0.1"}), timeout_s=timeout_s)
        box = Box(FERNET_KEY)
        accounts = AccountStore(database, box, partial(connect, outbound=outbound))
        users = UserStore(database)
        user = users.create("anna", "correct horse")
        account = accounts.add(user.id, platform, fediverse.server.url, "token")
        drafts = DraftStore(database)
        world = World(database, FakePlatform(), box, users, accounts, drafts, user, account)
        describer = DescriberOrder([Ollama(model.server.url, MODEL, timeout_s)])
        bench = Bench(
            world, fediverse, folder, describer=describer, timeout_s=timeout_s, parallel=parallel
        )
        yield PretendWorld(bench, fediverse, model)
        describer.close()


def status(code: int, body: dict[str, Any] | bytes | list[Any] = b"", **headers: str) -> Fault:
    """Return what answers with this status."""

    def fault(exchange: Exchange) -> None:
        exchange.answer(code, body, **headers)

    return fault


def answers(body: Any, **headers: str) -> Fault:
    """Return what answers 200 with this body, whatever it is."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status(200, data, **{"Content_Type": "application/json", **headers})


def hangs(exchange: Exchange) -> None:
    """Say nothing until the end."""
    exchange.wait_for_end()


def drops(exchange: Exchange) -> None:
    """Cut the connection."""
    exchange.drop()


def breaks_off(exchange: Exchange) -> None:
    """Announce more than comes."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "1000")
    exchange.end_headers()
    exchange.wfile.write(b'{"id":')
    exchange.close_connection = True


def dribbles(exchange: Exchange) -> None:
    """Send a byte now and then, for ever."""
    exchange.send_response(200)
    exchange.end_headers()
    exchange.close_connection = True
    while not exchange.server.closing.wait(0.05):
        exchange.wfile.write(b" ")
