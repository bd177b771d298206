"""The demo's Fediverse server: `python -m altwright.demo.pretend CONFIG PORT`.

mastodon-mock speaks the API; people who follow a post's address want to see post and alt text.
"""

from __future__ import annotations

import sys
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
import requests
import uvicorn
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from mastodon_mock.app import create_app
from mastodon_mock.config import MastodonMockConfig

from altwright.demo.server import USERNAME
from altwright.platforms.reading.html_text import plain_text

#: Seconds that the server has to answer itself.
ANSWER_S = 20
#: Visibilities of posts that everybody may read (Mastodon's API).
_PUBLIC = frozenset({"public", "unlisted"})


def _pages(api: str, home: str) -> APIRouter:
    """Return the pages of a server whose API is at ``api``; ``home`` is the account shown first.

    They show what is public only, as a stranger would see it.
    """
    router = APIRouter()
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True
    )
    page = templates.get_template("page.html")

    def asked(path: str, **query: str) -> Any:
        answer = requests.get(f"{api}/api/v1/{path}", params=query, timeout=ANSWER_S)
        return answer.json() if answer.ok else None

    def shown(author: Any, posts: list[Any]) -> HTMLResponse:
        return HTMLResponse(page.render(author=author, posts=[_post(one) for one in posts]))

    @router.get("/", include_in_schema=False)
    def front() -> RedirectResponse:
        return RedirectResponse(f"/@{home}")

    @router.get("/@{name}", include_in_schema=False)
    def account(name: str) -> HTMLResponse:
        author = asked("accounts/lookup", acct=name)
        if author is None:
            return _nothing_here(page)
        posts = asked(f"accounts/{author['id']}/statuses", limit="40")
        return shown(author, [one for one in posts or [] if one["visibility"] in _PUBLIC])

    @router.get("/@{name}/{post_id}", include_in_schema=False)
    def post(name: str, post_id: str) -> HTMLResponse:
        found = asked(f"statuses/{post_id}") if post_id.isalnum() else None
        if (
            found is None
            or found["account"]["acct"] != name
            or found["visibility"] not in _PUBLIC  # the mock shows strangers everything
        ):
            return _nothing_here(page)
        return shown(found["account"], [found])

    return router


def _post(status: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(status["created_at"])
    return {
        "url": status["url"],
        "date": f"{at:%d %B %Y}".lstrip("0"),
        "edited": status["edited_at"] is not None,
        "language": status["language"] or "",
        "warning": status["spoiler_text"],
        "paragraphs": plain_text(status["content"]).split("\n\n"),
        "pictures": [
            {"url": one["url"], "text": one["description"] or ""}
            for one in status["media_attachments"]
        ],
    }


def _nothing_here(page: jinja2.Template) -> HTMLResponse:
    return HTMLResponse(page.render(author=None, posts=[]), HTTPStatus.NOT_FOUND)


def main(config: str, port: int) -> None:
    """Serve API and pages on the loopback address until stopped."""
    app = create_app(MastodonMockConfig.load(config))
    # First: the mock itself sends "/" to an interface that asks for an access token.
    app.router.routes[:0] = _pages(f"http://127.0.0.1:{port}", USERNAME).routes
    uvicorn.run(app, host="127.0.0.1", port=port, server_header=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
