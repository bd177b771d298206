"""What a platform is: a Fediverse server where one account's posts are read and edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Profile:
    """The account behind a token: ``acct`` is user@host, ``avatar_url`` may be empty."""

    remote_id: str
    acct: str
    display_name: str
    avatar_url: str
    url: str


@dataclass(frozen=True, slots=True)
class Media:
    """One attachment of a post. ``kind`` is Mastodon's type: image, gifv, video, audio, unknown.

    ``description`` is the published alt text ("" and None from the server both become "").
    """

    remote_id: str
    kind: str
    url: str
    preview_url: str
    description: str
    position: int
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One post of the account itself; ``text`` is plain text made from the HTML content."""

    remote_id: str
    url: str
    text: str
    created_at: datetime
    language: str | None
    sensitive: bool
    spoiler_text: str
    visibility: str
    media: tuple[Media, ...]


class Platform(Protocol):
    """A connection of one account; thread-safe, opened per task.

    Every method raises PlatformUnavailable, RateLimited or PlatformRefused (category
    AUTHENTICATION: the token was revoked or has expired).
    """

    def probe(self) -> None:
        """Ask the server, in one request, whether it answers and takes the account's token."""
        ...

    def profile(self) -> Profile:
        """Return the account that the token belongs to."""
        ...

    def max_alt_length(self) -> int:
        """Return the server's limit for an alt text in characters (Mastodon: 1500)."""
        ...

    def posts_with_media(self, limit: int) -> Iterator[Post]:
        """Yield the account's own posts with media newest first, ``limit`` at most."""
        ...

    def post(self, remote_id: str) -> Post:
        """Return one post as it is now."""
        ...

    def publish_alt_texts(self, remote_id: str, texts: Mapping[str, str]) -> Post:
        """Write alt texts (media id → text) to a post, change nothing else, and read it back.

        Returns the post as read back. Raises PlatformRefused if what was read back differs.
        """
        ...
