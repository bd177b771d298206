"""Mastodon, and what speaks its API."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from altwright.errors import Category, PlatformRefused, PlatformUnavailable
from altwright.outbound import Outbound
from altwright.platforms.api import Api, PlatformGone
from altwright.platforms.editing import (
    check_media,
    check_unedited,
    differences,
    unwritten,
    whole_edit,
)
from altwright.platforms.limits import alt_length
from altwright.platforms.paging import pages
from altwright.platforms.port import Introduction, Platform, Post, PostPage, Profile
from altwright.platforms.reading import description_of, identity, media_of, read_post, read_profile
from altwright.platforms.software import Software, named, of_nodeinfo, unnamed
from altwright.text import clean_line

#: Seconds that all requests of a connect may take together: somebody waits for them.
CONNECT_S = 25.0
#: A host, with its port where it has one; "localhost" is a test server's.
_DOMAIN = re.compile(r"[^\W_][\w.-]*[.\w](?::\d{1,5})?")
#: What somebody reads whose new token is refused.
NEW_REFUSED = (
    "The server doesn't accept this token. Copy it whole, and let it read and write "
    "(on Takahē: the scopes “read write”)."
)


class Mastodon(Platform):
    """One account on a Mastodon server."""

    #: What it is called in settings and on pages.
    name = "mastodon"
    #: Whether the server stores alt texts as HTML (& as &amp;).
    escapes = False

    def __init__(self, url: str, token: str, outbound: Outbound) -> None:
        """Connect lazily: nothing is called yet."""
        self._api = Api(url, token, outbound)

    def introduction(self) -> Introduction:
        """Ask the server who the token belongs to and what it runs; ends within 25 seconds."""
        with self._api.within(CONNECT_S):
            account = self._api.me(NEW_REFUSED)
            profile = read_profile(account, self._domain())
            software = self.software
            limit = alt_length(self._api, software, self._instance)
        return Introduction(profile, limit, software, software.platform or self.name)

    def profile(self) -> Profile:
        """Return the account that the token belongs to."""
        return read_profile(self._api.me(), self._domain())

    def max_alt_length(self) -> int:
        """Return the server's limit for an alt text in characters."""
        return alt_length(self._api, self.software, self._instance)

    def probe(self) -> None:
        """Ask who the token belongs to; raises what it means that this can't be answered."""
        try:
            identity(self._api.me())
        except PlatformRefused as error:
            if error.category is Category.AUTHENTICATION:
                raise
            raise PlatformUnavailable(str(error)) from error

    def pages(self, cursor: str | None = None) -> Iterator[PostPage]:
        """Yield the account's posts with media newest first, from ``cursor`` on."""
        own_id = self._own_id
        return pages(
            lambda query: self._api.page(own_id, query),
            self._api.first_query(),
            self._is_own,
            cursor,
        )

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
    def software(self) -> Software:
        """Return what the server runs; nothing is known of one that names nothing."""
        return (
            named(self._instance)
            or of_nodeinfo(self._api.nodeinfo())
            or self._unnamed(self._instance)
        )

    def _unnamed(self, instance: Mapping[str, Any]) -> Software:
        return unnamed(instance)

    @cached_property
    def _instance(self) -> Mapping[str, Any]:
        return self._api.instance()

    @cached_property
    def _own_id(self) -> str:
        return identity(self._api.me())

    def _is_own(self, status: Mapping[str, Any]) -> bool:
        account = status.get("account")
        is_own = not isinstance(account, Mapping) or str(account.get("id")) == self._own_id
        return is_own and not status.get("reblog")

    def _domain(self) -> str:
        """Return the part behind the @: often shorter than the server's own name."""
        named_so = self._instance.get("domain") or self._instance.get("uri")
        domain = clean_line(named_so, 260).rpartition("//")[2].strip("/")
        return domain if _DOMAIN.fullmatch(domain) else self._api.host()


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
