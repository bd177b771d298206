"""Mastodon, and what speaks its API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from altwright.errors import PlatformRefused
from altwright.outbound import Outbound
from altwright.platforms.api import Api, PlatformGone
from altwright.platforms.editing import (
    check_media,
    check_unedited,
    differences,
    unwritten,
    whole_edit,
)
from altwright.platforms.port import Platform, Post, Profile
from altwright.platforms.reading import description_of, identity, media_of, read_post, read_profile

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

    def probe(self) -> None:
        """Ask the server, in one request, whether it answers and takes the account's token."""
        self._api.me()

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
                    yield read_post(status)
            if limit <= 0:
                return

    def post(self, remote_id: str) -> Post:
        """Return one post as it is now."""
        return read_post(self._api.status(remote_id))

    def publish_alt_texts(self, remote_id: str, texts: Mapping[str, str]) -> Post:
        """Write alt texts to a post, change nothing else, and read it back.

        Texts that the post has already aren't written again, so a second attempt is harmless.
        """
        status = self._api.status(remote_id)
        check_media(status, texts)
        wanted = unwritten(status, texts, escapes=self.escapes)
        if wanted:
            status = self._write(remote_id, status, wanted)
        return read_post(status)

    def _write(
        self, remote_id: str, status: Mapping[str, Any], texts: Mapping[str, str]
    ) -> Mapping[str, Any]:
        source = self._api.source(remote_id)
        check_unedited(status, self._api.status(remote_id))
        self._api.edit(remote_id, whole_edit(status, source, texts))
        after = self._api.status(remote_id)
        check_media(after, texts)
        # Servers that don't know media_attributes let media be edited on their own.
        ignored = [key for key in texts if _alt_text(after, key) == _alt_text(status, key)]
        if ignored:
            with contextlib.suppress(PlatformGone):  # this one doesn't; it is told on below
                for media_id in ignored:
                    self._api.describe(media_id, texts[media_id])
            after = self._api.status(remote_id)
        refuse_if(differences((status, source), (after, self._api.source(remote_id)), texts))
        return after

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


def _alt_text(status: Mapping[str, Any], media_id: str) -> str:
    return next(description_of(one) for one in media_of(status) if identity(one) == media_id)


def refuse_if(found: list[str]) -> None:
    """Raise what a server did otherwise than asked.

    Raises:
        PlatformRefused: ``found`` isn't empty.
    """
    if found:
        raise PlatformRefused(
            f"The server didn't keep the post as it should be: {', '.join(found)}. "
            "Please look at the post."
        )
