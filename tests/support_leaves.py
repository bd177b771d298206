"""Real servers for the contract tests of platforms, outbound HTTP and describers."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests
from PIL import Image
from tests.support import free_port, wait_until

TOKEN, OTHER_TOKEN = "token-of-ada", "token-of-ben"


def picture_bytes(kind: str = "PNG", size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """Return a small picture file."""
    buffer = io.BytesIO()
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# --- any server ---


@dataclass
class Call:
    """A request that a test server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class Exchange(BaseHTTPRequestHandler):
    """What a test's answering function gets: the call, and means to answer it."""

    protocol_version = "HTTP/1.1"
    #: Otherwise an answer's body waits 40 ms for the client to acknowledge its head.
    disable_nagle_algorithm = True
    server: LocalServer
    #: Headers of each answer.
    always: Mapping[str, str] = MappingProxyType({})

    def answer(
        self, status: int, body: bytes | dict[str, Any] | list[Any] = b"", **headers: str
    ) -> None:
        """Send a whole answer; names of headers are written with underscores."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if not isinstance(body, bytes):
            named.setdefault("Content-Type", "application/json")
        for name, value in {"Content-Length": str(len(data)), **self.always, **named}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def wait_for_end(self) -> None:
        """Hang until the server is closed."""
        self.close_connection = True
        self.server.closing.wait()

    def drop(self) -> None:
        """Cut the connection."""
        self.close_connection = True

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.call = Call(self.command, self.path, dict(self.headers), self.rfile.read(length))
        self.server.calls.append(self.call)
        with contextlib.suppress(ConnectionError):  # the client hung up, as some tests want
            self.server.respond(self)

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 - names of the base

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


class LocalServer(ThreadingHTTPServer):
    """An HTTP server on the loopback address whose answers a test decides."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, respond: Callable[[Exchange], None]) -> None:
        """Answer each call with ``respond``."""
        super().__init__(("127.0.0.1", 0), Exchange)
        self.respond = respond
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, which a client may keep open."""
        self._open.add(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """Cut all connections."""
        self.closing.set()
        for connection in self._open:
            with contextlib.suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def serving(respond: Callable[[Exchange], None]) -> Iterator[LocalServer]:
    """Run a local server for the length of a block."""
    server = LocalServer(respond)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


# --- Mastodon: mastodon-mock as a process ---


@dataclass
class MastodonServer:
    """A running mastodon-mock with two accounts, ada and ben."""

    url: str

    def fault(self, path: str, effect: dict[str, Any], *, method: str = "GET") -> None:
        """Let the next request of a path fail."""
        rule = {"match": {"path": path, "methods": [method]}, "effect": effect, "count": 1}
        requests.post(f"{self.url}/api/v1/_mock/faults", json=rule, timeout=60).raise_for_status()

    def reset(self) -> None:
        """Forget posts and faults."""
        requests.delete(f"{self.url}/api/v1/_mock/faults", timeout=60).raise_for_status()
        requests.post(f"{self.url}/api/v1/_mock/reset", timeout=60).raise_for_status()

    def call(self, method: str, path: str, token: str = TOKEN, **options: Any) -> Any:
        """Call its API as a user would."""
        answer = requests.request(
            method,
            self.url + path,
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            **options,
        )
        answer.raise_for_status()
        return answer.json()

    def upload(self, description: str | None = None, **options: str) -> str:
        """Upload a picture and return its id."""
        files = {"file": ("a.png", picture_bytes(), "image/png")}
        data = options if description is None else {"description": description, **options}
        return str(self.call("POST", "/api/v2/media", files=files, data=data)["id"])

    def post(self, text: str = "", media: list[str] | None = None, **params: Any) -> str:
        """Post and return the status's id."""
        body = {"status": text, "media_ids": media or [], **params}
        return str(self.call("POST", "/api/v1/statuses", json=body)["id"])


@contextlib.contextmanager
def mastodon_server(directory: Path) -> Iterator[MastodonServer]:
    """Run mastodon-mock on a free port with its data in ``directory``."""
    port = free_port()
    config = directory / "mastodon-mock.toml"
    seeds = "".join(
        f'[[seed.accounts]]\nusername = "{name}"\ndisplay_name = "{name.title()}"\n'
        f'access_token = "{token}"\n'
        for name, token in (("ada", TOKEN), ("ben", OTHER_TOKEN))
    )
    config.write_text(
        f'domain = "127.0.0.1:{port}"\nurl_scheme = "http"\n'
        f'media_storage_path = "{directory / "media"}"\n'
        f'[database]\npath = "{directory / "mastodon.db"}"\n{seeds}'
    )
    command = [sys.executable, "-m", "mastodon_mock", "serve", "--config", str(config)]
    log = directory / "mastodon.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port)], stdout=out, stderr=subprocess.STDOUT, cwd=directory
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        if process.poll() is not None:
            raise AssertionError(log.read_text())
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{url}/api/v1/instance", timeout=10).ok
        return False

    try:
        wait_until(answers, 180)
        yield MastodonServer(url)
    finally:
        process.kill()  # a polite stop would wait for the connections that a test left hanging
        process.wait(60)


# --- Pixelfed: its shapes ---


@dataclass
class PixelfedServer:
    """What Pixelfed answers: no Link headers, no source, alt texts on media, HTML escaped."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    page_posts: int = 2
    refuse_edits_after: int | None = None
    loses_alt_texts: bool = False
    edits: int = 0

    def add(self, content: str, *descriptions: str | None, **fields: Any) -> str:
        """Post pictures and return the post's id."""
        post_id = str(1000 + len(self.posts))
        media = [
            {
                "id": f"{post_id}{number}",
                "type": "image",
                "url": f"https://pixel.example/{number}.jpg",
                "description": text,
                "meta": {"original": {"width": 640, "height": 480}},
            }
            for number, text in enumerate(descriptions)
        ]
        self.posts[post_id] = {
            "id": post_id,
            "url": f"https://pixel.example/p/ada/{post_id}",
            "account": {"id": "77"},
            "content": content,
            "created_at": "2026-03-01T10:00:00.000Z",
            "sensitive": False,
            "spoiler_text": "",
            "visibility": "public",
            "reblog": None,
            "media_attachments": media,
            **fields,
        }
        return post_id

    def respond(self, exchange: Exchange) -> None:
        """Answer one call."""
        path, _, query = exchange.path.partition("?")
        if exchange.headers.get("Authorization") != f"Bearer {TOKEN}":
            exchange.answer(401, {"error": "Unauthenticated."})
        elif path == "/api/v1/accounts/verify_credentials":
            account = {"id": "77", "username": "ada", "acct": "ada", "display_name": "Ada"}
            exchange.answer(200, {**account, "url": "https://pixel.example/ada", "avatar": "a.png"})
        elif path == "/api/v2/config":
            exchange.answer(200, {"uploader": {"max_altext_length": 420}})
        elif path.rstrip("/") in {"/api/v2/instance", "/api/v1/instance"}:
            exchange.answer(200, {"domain": "pixel.example", "uri": "pixel.example"})
        elif path == "/api/v1/accounts/77/statuses":
            exchange.answer(200, self._page(query))
        elif found := re.fullmatch(r"/api/v1/statuses/(\d+)", path):
            post = self.posts.get(found[1])
            exchange.answer(200, post) if post else exchange.answer(404, {"error": "gone"})
        elif found := re.fullmatch(r"/api/v1/media/(\d+)", path):
            self._edit(exchange, found[1])
        else:
            exchange.answer(404, {"error": "Record not found"})

    def _page(self, query: str) -> list[Any]:
        older = re.search(r"max_id=(\d+)", query)
        ids = sorted(self.posts, reverse=True)
        return [self.posts[post_id] for post_id in ids if older is None or post_id < older[1]][
            : self.page_posts
        ]

    def _edit(self, exchange: Exchange, media_id: str) -> None:
        if self.refuse_edits_after is not None and self.edits >= self.refuse_edits_after:
            exchange.answer(429, {"error": "Too many attempts. Try again in a few minutes."})
            return
        self.edits += 1
        form = requests.compat.urlsplit(f"?{exchange.call.body.decode()}").query
        text = dict(requests.compat.unquote_plus(pair).split("=", 1) for pair in form.split("&"))
        media = next(
            media
            for post in self.posts.values()
            for media in post["media_attachments"]
            if media["id"] == media_id
        )
        if not self.loses_alt_texts:
            media["description"] = text["description"].replace("&", "&amp;")
        exchange.answer(200, media)
