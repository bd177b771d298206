"""What a platform is: a Fediverse server where one account's posts are read and edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from altwright.platforms.publishing.outcomes import Publication, WayMemory
from altwright.platforms.publishing.text_comparison import AltText
from altwright.platforms.software import Software


@dataclass(frozen=True, slots=True)
class Profile:
    """The account behind a token: ``acct`` is user@host, ``avatar_url`` may be empty."""

    remote_id: str
    acct: str
    display_name: str
    avatar_url: str


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a server says when an account is connected: who it is, and what the server is.

    ``platform`` is the name of the platform that fits the server's software; ``max_alt_length``
    is the server's limit for an alt text in characters (Mastodon: 1500).
    """

    profile: Profile
    max_alt_length: int
    software: Software
    platform: str


@dataclass(frozen=True, slots=True)
class Media:
    """One attachment of a post. ``kind`` is Mastodon's type: image, gifv, video, audio, unknown.

    ``description`` is the published alt text ("" and None from the server both become "");
    ``preview_url`` is a still of an animation, "" if there is none.
    """

    remote_id: str
    kind: str
    url: str
    description: str
    position: int
    preview_url: str = ""
    width: int | None = None
    height: int | None = None

    @property
    def is_animation(self) -> bool:
        """Return whether this is a silent looping video that was uploaded as a GIF."""
        return self.kind == "gifv"

    @property
    def is_picture(self) -> bool:
        """Return whether this can be described: a picture, or an animation with a still of it."""
        return self.kind == "image" or (
            self.is_animation and self.preview_url not in {"", self.url}
        )

    @property
    def picture_url(self) -> str:
        """Return the address of the picture that is described; an animation's is its preview."""
        return self.preview_url if self.is_animation else self.url


@dataclass(frozen=True, slots=True)
class Post:
    """One post of the account itself; ``text`` is plain text made from the HTML content.

    ``visibility`` is "unknown" where the server doesn't say it.
    """

    remote_id: str
    url: str
    text: str
    created_at: datetime
    language: str | None
    sensitive: bool
    spoiler_text: str
    visibility: str
    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A post of the account, or media of it, that the server describes so that nobody can read it.

    ``remote_id`` is the post's id, or a name made from what the server sent where that has no
    usable one; the same each time.
    """

    remote_id: str
    reason: str
    is_unnamed: bool = False


@dataclass(frozen=True, slots=True)
class PostPage:
    """A page of the account's own posts with media, newest first; may be empty.

    ``next_cursor`` leads to what is older, also in another process; None: this is the last page.
    """

    posts: tuple[Post, ...]
    unreadable: tuple[Unreadable, ...]
    next_cursor: str | None


class Platform(Protocol):
    """A connection of one account; thread-safe, opened per task.

    Every method raises PlatformUnavailable, RateLimited or PlatformRefused (category
    AUTHENTICATION: the token was revoked or has expired; platforms.refusals.PlatformGone: there is
    no such post; platforms.refusals.PlatformForbids: not with this post).
    """

    def introduction(self) -> Introduction:
        """Ask the server who the token belongs to and what it runs; ends within 25 seconds.

        Raises:
            InvalidInput: others could read the token on its way there.
        """

    @property
    def software(self) -> Software:
        """Return what the server runs now; asked once per connection."""

    def probe(self) -> None:
        """Ask something cheap, to learn whether server and token still work; else it raises.

        Raises:
            PlatformRefused: AUTHENTICATION, the token isn't accepted.
            PlatformUnavailable, RateLimited: the server can't be asked now.
        """

    def pages(self, cursor: str | None = None) -> Iterator[PostPage]:
        """Yield the account's posts with media newest first, from ``cursor`` on.

        Every page is yielded, also one without such posts, so that the caller can stop between
        two; there is an end, whatever the server says.
        """

    def post(self, remote_id: str) -> Post:
        """Return one post as it is now."""

    def publish_alt_texts(
        self, remote_id: str, texts: Mapping[str, AltText], memory: WayMemory, visibility: str = ""
    ) -> Publication:
        """Write alt texts (media id → text) to a post, change nothing else, and read it back.

        Texts that are there already aren't written again, and one that nobody here has seen isn't
        replaced. ``visibility`` is the post's as it was last read ("": not known).

        Raises:
            PlatformGone: there is no such post any more.
            PostLeftAlone: this post can't be written to without changing something else.
            AltTextsFixed: no post of this server can.
            VisibilityWidened: the server has shown the post to more people.
            PlatformRefused: the server refuses.
        """
