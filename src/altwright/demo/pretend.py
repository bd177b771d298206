"""The process of the demo's Fediverse server: `python -m altwright.demo.pretend CONFIG PORT`."""

from __future__ import annotations

import sys

import uvicorn
from mastodon_mock.app import create_app
from mastodon_mock.config import MastodonMockConfig

from altwright.demo.pages import pages
from altwright.demo.server import USERNAME


def main(config: str, port: int) -> None:
    """Serve API and pages on the loopback address until stopped."""
    app = create_app(MastodonMockConfig.load(config))
    # First: the mock itself sends "/" to an interface that asks for an access token.
    app.router.routes[:0] = pages(f"http://127.0.0.1:{port}", USERNAME).routes
    uvicorn.run(app, host="127.0.0.1", port=port, server_header=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
