"""Mastodon, and what speaks its API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from altwright.outbound import Outbound
from altwright.platforms.alt_texts import AltTexts
from altwright.platforms.api import Api
from altwright.platforms.outcomes import Publication, WayMemory
from altwright.platforms.port import Platform, Post, Profile
from altwright.platforms.reading import identity, media_of, read_post, read_profile
from altwright.platforms.software import Software, named, of_nodeinfo
from altwright.platforms.texts import AltText, shown

#: Longest alt text in characters where the server doesn't name a limit. Source: Mastodon's limit.
DEFAULT_ALT_LENGTH = 1500


class Mastodon(Platform):
    """One account on a Mastodon server."""

    default_alt_length = DEFAULT_ALT_LENGTH
    #: Whether the server stores alt texts as HTML (& as &amp;).
    escapes = False

    def __init__(self, url: str, token: str, outbound: Outbound) -> None:
        """Connect lazily: nothing is called yet."""
        self._api = Api(url, token, outbound)
        self._alt_texts: AltTexts | None = None

    def profile(self) -> Profile:
        """Return the account that the token belongs to."""
        account = self._api.me()
        return read_profile(account, self._domain())

    def max_alt_length(self) -> int:
        """Return the server's limit for an alt text in characters."""
        return self._described_limit() or self.default_alt_length

    def posts_with_media(self, limit: int) -> Iterator[Post]:
        """Yield the account's own posts with media newest first, ``limit`` at most."""
        seen: set[str] = set()
        for page in self._api.pages(self._own_id):
            fresh = [status for status in page if identity(status) not in seen]
            if not fresh:
                return  # a server that can't page answers with its first page for ever
            for status in fresh:
                seen.add(identity(status))
                if self._is_own(status) and media_of(status):
                    if limit <= 0:
                        return
                    limit -= 1
                    yield self._read(status)
            if limit <= 0:
                return

    def post(self, remote_id: str) -> Post:
        """Return one post as it is now."""
        return self._read(self._api.status(remote_id))

    def publish_alt_texts(
        self, remote_id: str, texts: Mapping[str, AltText], memory: WayMemory, visibility: str = ""
    ) -> Publication:
        """Write alt texts to a post, change nothing else, and read it back."""
        if self._alt_texts is None:
            self._alt_texts = AltTexts(self._api, lambda: self._named_software, memory)
        return self._alt_texts.publish(remote_id, texts, visibility)

    @cached_property
    def _named_software(self) -> Software:
        """Return what the server says it runs; a guess wouldn't do for writing."""
        said = named(self._api.instance()) or of_nodeinfo(self._api.nodeinfo())
        return said or self._presumed()

    def _presumed(self) -> Software:
        return Software()

    def _read(self, status: Mapping[str, Any]) -> Post:
        """Return a status as a post, its alt texts as readers see them."""
        post = read_post(status)
        if not self.escapes:
            return post
        media = (
            replace(one, description=shown(one.description, escapes=True)) for one in post.media
        )
        return replace(post, media=tuple(media))

    @cached_property
    def _own_id(self) -> str:
        return identity(self._api.me())

    def _is_own(self, status: Mapping[str, Any]) -> bool:
        account = status.get("account")
        author = identity(account) if isinstance(account, Mapping) else self._own_id
        return author == self._own_id and not status.get("reblog")

    def _domain(self) -> str:
        """Return the part behind the @: often shorter than the server's own name."""
        instance = self._api.instance()
        domain = str(instance.get("domain") or instance.get("uri") or "")
        return domain.rpartition("//")[2].strip("/") or self._api.host()

    def _described_limit(self) -> int | None:
        found: Any = self._api.instance()
        for name in ("configuration", "media_attachments", "description_limit"):
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, int) and found > 0 else None
