"""A pretend Fediverse server to write alt texts to; pretend_software.py makes it one of many."""

from __future__ import annotations

import copy
import html
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs

from tests.support_leaves import TOKEN, Exchange

#: Seconds in which a limited server takes so many requests. Source: Mastodon's rack_attack.rb.
WINDOW_S = 300.0
BOB = {"id": "7", "username": "bob", "acct": "bob@other.example"}


@dataclass
class PretendServer:
    """One account's posts on a server that edits as Mastodon 4.3 does.

    ``posts`` is the truth (what people see); what the API shows of it may differ.
    """

    name: ClassVar[str] = "mastodon"
    version: ClassVar[str] = "4.3.2"

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Ids of posts that were edited, and of media that were described, in order.
    edits: list[str] = field(default_factory=list)
    described: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    #: Reads of a post that show it as it was before the last write.
    lag_reads: int = 0
    #: Requests in WINDOW_S; None: any number.
    limit: int | None = None
    clock: Callable[[], float] = time.monotonic
    #: Answers of "too many".
    refused: int = 0
    #: Whether it says how many requests are left.
    names_allowance: bool = True
    #: Called before a call is answered, with its method and path.
    before: Callable[[str, str], None] = lambda _method, _path: None
    #: Answers with this instead, by method and path: status and JSON.
    refusals: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)
    _stale: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)
    _window: tuple[float, int] = (0.0, 0)

    def add(
        self, visibility: str = "public", texts: tuple[str, ...] = ("", ""), **more: Any
    ) -> str:
        """Post pictures, in answer to somebody who is mentioned so; return the post's id."""
        number = 100 + len(self.posts)
        post_id = str(number)
        self.posts[post_id] = {
            "id": post_id,
            "text": f"Good *morning* & <hello> {number}",
            "visibility": visibility,
            "spoiler_text": "Doors",
            "sensitive": True,
            "language": "de",
            "in_reply_to_id": "99",
            "mentions": [BOB],
            "quote": ["followers"],
            "edited_at": None,
            "poll": None,
            "media": [
                {
                    "id": f"{number}{at}",
                    "description": text or None,
                    "focus": {"x": -0.5, "y": 0.25} if not at else None,
                }
                for at, text in enumerate(texts)
            ],
            **more,
        }
        return post_id

    def media_ids(self, post_id: str) -> list[str]:
        """Return the ids of a post's pictures."""
        return [one["id"] for one in self.posts[post_id]["media"]]

    def texts(self, post_id: str) -> list[str]:
        """Return what the server keeps as the texts of a post's pictures."""
        return [one["description"] or "" for one in self.posts[post_id]["media"]]

    def leave(self, requests: int) -> None:
        """Take no more than so many requests from now on."""
        self.limit = self._window[1] + requests

    # --- what the API shows ---

    def entity(self, post: dict[str, Any]) -> dict[str, Any]:
        """Return a post as the API describes it."""
        poll = post["poll"]
        return {
            "id": post["id"],
            "url": f"https://pretend.example/@ada/{post['id']}",
            "account": {"id": "1"},
            "content": f"<p>{html.escape(post['text'], quote=False)}</p>",
            "created_at": "2026-03-01T10:00:00.000Z",
            **{
                name: post[name]
                for name in (
                    *("edited_at", "visibility", "spoiler_text", "sensitive", "language"),
                    *("in_reply_to_id", "mentions"),
                )
            },
            "poll": self.poll(poll) if poll else None,
            "media_attachments": [self.medium(one) for one in post["media"]],
        }

    def medium(self, medium: dict[str, Any]) -> dict[str, Any]:
        """Return a picture as the API describes it."""
        return {
            "id": medium["id"],
            "type": "image",
            "url": f"https://pretend.example/{medium['id']}.jpg",
            "description": medium["description"],
            "meta": {"focus": medium["focus"]} if medium["focus"] else {},
        }

    def poll(self, poll: dict[str, Any]) -> dict[str, Any]:
        """Return a poll as its author sees it."""
        ends_at = poll["expires_at"]
        is_over = ends_at is not None and ends_at <= datetime.now(UTC)
        is_hidden = poll["hide_totals"] and not is_over and self.hides_totals_from_author
        return {
            "options": [
                {"title": title, "votes_count": None if is_hidden else votes}
                for title, votes in zip(poll["options"], poll["votes"], strict=True)
            ],
            "multiple": poll["multiple"],
            "expired": is_over,
            "expires_at": ends_at.isoformat() if ends_at else None,
        }

    hides_totals_from_author: ClassVar[bool] = True

    # --- calls ---

    def respond(self, exchange: Exchange) -> None:
        """Answer one call."""
        path = exchange.path.partition("?")[0]
        method = exchange.command
        if self._is_over_limit(exchange):
            return
        self.requests.append(f"{method} {path}")
        self.before(method, path)
        if exchange.headers.get("Authorization") != f"Bearer {TOKEN}":
            exchange.answer(401, {"error": "The access token is invalid"})
        elif refusal := self.refusals.get((method, path)):
            exchange.answer(*refusal)
        elif found := re.fullmatch(r"/api/v1/statuses/(\w+)(/source)?", path):
            self._of_post(exchange, method, found[1], is_source=bool(found[2]))
        elif found := re.fullmatch(r"/api/v1/media/(\w+)", path):
            self._of_medium(exchange, method, found[1])
        else:
            self._of_server(exchange, path)

    def _is_over_limit(self, exchange: Exchange) -> bool:
        now = self.clock()
        began, count = self._window
        if now >= began + WINDOW_S:
            began, count = now, 0
        self._window = began, count + 1
        if self.limit is None:
            return False
        ends_at = datetime.now(UTC) + timedelta(seconds=began + WINDOW_S - now)
        left = {"X-RateLimit-Remaining": str(max(self.limit - count - 1, 0))}
        exchange.always = {"X-RateLimit-Reset": ends_at.isoformat()} | (
            left if self.names_allowance else {}
        )
        if count < self.limit:
            return False
        self.refused += 1
        exchange.answer(429, {"error": "Too many requests"})
        return True

    def _of_server(self, exchange: Exchange, path: str) -> None:
        if path == "/.well-known/nodeinfo":
            href = "https://pretend.example/nodeinfo/2.0"
            exchange.answer(200, {"links": [{"rel": "nodeinfo", "href": href}]})
        elif path == "/nodeinfo/2.0":
            exchange.answer(200, {"software": {"name": self.name, "version": self.version}})
        elif path.rstrip("/") == "/api/v1/instance":
            exchange.answer(200, {"uri": f"{self.name}.example", "version": self.version})
        elif path == "/api/v1/accounts/verify_credentials":
            exchange.answer(200, {"id": "1", "username": "ada", "acct": "ada", "url": ""})
        elif path == "/api/v1/accounts/1/statuses" and "max_id" not in exchange.path:
            newest = [self.entity(post) for post in reversed(self.posts.values())]
            exchange.answer(200, newest)
        else:
            exchange.answer(404, {"error": "Record not found"})

    def _of_post(self, exchange: Exchange, method: str, post_id: str, *, is_source: bool) -> None:
        post = self.posts.get(post_id)
        if post is None:
            exchange.answer(404, {"error": "Record not found"})
        elif is_source:
            self.answer_source(exchange, post)
        elif method == "PUT":
            self.edits.append(post_id)
            self._will_lag(post)
            refused = self.edit(post, exchange.call.json)
            exchange.answer(*(refused or (200, self.entity(post))))
        else:
            exchange.answer(200, self._seen(post))

    def answer_source(self, exchange: Exchange, post: dict[str, Any]) -> None:
        """Answer with what the author wrote."""
        names = ("id", "text", "spoiler_text", "content_type")
        exchange.answer(200, {name: post[name] for name in names if name in post})

    def _of_medium(self, exchange: Exchange, method: str, media_id: str) -> None:
        found = [
            (post, one)
            for post in self.posts.values()
            for one in post["media"]
            if one["id"] == media_id and method == "PUT"
        ]
        text = parse_qs(exchange.call.body.decode(), keep_blank_values=True)["description"][0]
        if found and self.describes:
            post, medium = found[0]
            self.described.append(media_id)
            self._will_lag(post)
            self.describe(post, medium, text)
            exchange.answer(200, self.medium(medium))
        else:
            exchange.answer(404, {"error": "Record not found"})

    def _will_lag(self, post: dict[str, Any]) -> None:
        self._stale[post["id"]] = self.entity(copy.deepcopy(post)), self.lag_reads

    def _seen(self, post: dict[str, Any]) -> dict[str, Any]:
        stale, reads = self._stale.get(post["id"], ({}, 0))
        self._stale[post["id"]] = stale, reads - 1
        return stale if reads > 0 else self.entity(post)

    # --- what it does ---

    #: Whether a medium of a post can be described. Source: Mastodon answers 404.
    describes: ClassVar[bool] = False

    def describe(self, _post: dict[str, Any], medium: dict[str, Any], text: str) -> None:
        """Describe a medium that is posted."""
        medium["description"] = text

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Edit a post; what is left out is lost. Source: Mastodon's UpdateStatusService."""
        known = {one["id"]: one for one in post["media"]}
        changes = {one["id"]: one for one in edit.get("media_attributes", [])}
        post["media"] = [
            self.edited_medium(known[media_id], changes.get(media_id, {}))
            for media_id in edit.get("media_ids", [])
        ]
        post["text"] = edit.get("status", "")
        post["spoiler_text"] = edit.get("spoiler_text", "")
        post["sensitive"] = edit.get("sensitive", False)
        post["language"] = edit.get("language") or "en"
        post["poll"] = self.edited_poll(post["poll"], edit.get("poll"))
        post["edited_at"] = datetime.now(UTC).isoformat()
        return None

    def edited_medium(self, medium: dict[str, Any], change: dict[str, str]) -> dict[str, Any]:
        """Return a picture as it is after an edit."""
        edited = {**medium, "description": change.get("description", medium["description"])}
        if "focus" in change:
            x, y = map(float, change["focus"].split(","))
            edited["focus"] = {"x": x, "y": y}
        return edited

    def edited_poll(
        self, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        """Return a poll as it is after an edit."""
        if new is None:
            return None
        end = new.get("expires_in")
        votes = (
            old["votes"] if old and old["options"] == new["options"] else [0] * len(new["options"])
        )
        return {
            "options": new["options"],
            "votes": votes,
            "multiple": new.get("multiple", False),
            "hide_totals": new.get("hide_totals", False),
            "expires_at": datetime.now(UTC) + timedelta(seconds=end) if end else None,
        }


def poll(*, ends_in_s: float = 86_400, hide_totals: bool = False) -> dict[str, Any]:
    """Return a poll with votes; negative: it has ended."""
    return {
        "options": ["Yes", "No"],
        "votes": [3, 4],
        "multiple": True,
        "hide_totals": hide_totals,
        "expires_at": datetime.now(UTC) + timedelta(seconds=ends_in_s),
    }


def without_texts(post: dict[str, Any]) -> dict[str, Any]:
    """Return all of a post that publishing may not change."""
    seen = copy.deepcopy(post) | {"edited_at": None}
    for medium in seen["media"]:
        medium.pop("description")
        medium.pop("uploaded", None)
    return seen
