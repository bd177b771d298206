"""A server that is read, and misbehaves on request: an account's posts, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.support_leaves import TOKEN, Exchange

#: The account's id on the server.
OWN_ID = "7"


def status(number: int, **fields: Any) -> dict[str, Any]:
    """Return a post with one picture without an alt text, as Mastodon describes it."""
    return {
        "id": str(number),
        "url": f"https://social.example/@anna/{number}",
        "account": {"id": OWN_ID},
        "content": f"<p>Words of post {number}</p>",
        "created_at": f"2026-05-{1 + number % 28:02}T10:00:00.000Z",
        "language": "en",
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "reblog": None,
        "media_attachments": [medium(f"{number}1")],
        **fields,
    }


def medium(media_id: str, **fields: Any) -> dict[str, Any]:
    """Return a picture without an alt text."""
    return {
        "id": media_id,
        "type": "image",
        "url": f"https://files.example/{media_id}.jpg",
        "description": None,
        "meta": {"original": {"width": 800, "height": 600}},
        **fields,
    }


@dataclass
class PretendServer:
    """An account whose posts are ``posts``, the newest first.

    ``answers`` maps a path to what answers it instead; ``page`` answers a page instead, given its
    number from 0 and the query.
    """

    posts: list[dict[str, Any]] = field(default_factory=list)
    page_posts: int = 2
    account: dict[str, Any] = field(
        default_factory=lambda: {"id": OWN_ID, "acct": "anna", "username": "anna"}
    )
    instance: dict[str, Any] = field(
        default_factory=lambda: {"domain": "pretend.example", "version": "4.5.0"}
    )
    answers: dict[str, Callable[[Exchange], None]] = field(default_factory=dict)
    page: Callable[[Exchange, int], None] | None = None
    pages_asked: int = 0
    queries: list[str] = field(default_factory=list)

    def respond(self, exchange: Exchange) -> None:
        """Answer one call."""
        path, _, query = exchange.path.partition("?")
        statuses = f"/api/v1/accounts/{OWN_ID}/statuses"
        if path in self.answers:
            self.answers[path](exchange)
        elif exchange.headers.get("Authorization") != f"Bearer {TOKEN}":
            exchange.answer(401, {"error": "The access token is invalid"})
        elif path == "/api/v1/accounts/verify_credentials":
            exchange.answer(200, self.account)
        elif path == "/api/v2/instance":
            exchange.answer(200, self.instance)
        elif path == statuses:
            self.queries.append(query)
            self.pages_asked += 1
            if self.page:
                self.page(exchange, self.pages_asked - 1)
            else:
                self.answer_page(exchange, query)
        else:
            post_id = path.rpartition("/")[2]
            found = [post for post in self.posts if str(post.get("id")) == post_id]
            if path == f"/api/v1/statuses/{post_id}" and found:
                exchange.answer(200, found[0])
            else:
                exchange.answer(404, {"error": "Record not found"})

    def answer_page(self, exchange: Exchange, query: str) -> None:
        """Answer with the page that a query asks for."""
        at = int(parse_qs(query).get("from", ["0"])[0])
        end = at + self.page_posts
        links = {"Link": f'<{exchange.server.url}/api/v1/x?from={end}>; rel="next"'}
        if end >= len(self.posts):
            links = {"Link": f'<{exchange.server.url}/api/v1/x?min_id=9>; rel="prev"'}
        exchange.answer(200, self.posts[at:end], **links)


def raw(status_code: int, body: str, **headers: str) -> Callable[[Exchange], None]:
    """Return what answers with these characters."""
    data = body.encode("utf-8", "surrogatepass")
    return lambda exchange: exchange.answer(status_code, data, **headers)


def said(status_code: int, body: Any) -> Callable[[Exchange], None]:
    """Return what answers with JSON."""
    return raw(status_code, json.dumps(body), Content_Type="application/json")


#: What a bot protection answers.
WALL = "<!doctype html><html><head><title>Just a moment…</title></head><body>cf-chl</body></html>"
