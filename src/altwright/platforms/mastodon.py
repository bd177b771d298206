"""Mastodon, and what speaks its API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from altwright.errors import Category, InvalidInput, PlatformRefused, PlatformUnavailable
from altwright.net.http import Outbound
from altwright.platforms.api import Api
from altwright.platforms.port import Introduction, Platform, Post, PostPage
from altwright.platforms.publishing.alt_texts import AltTexts
from altwright.platforms.publishing.outcomes import Publication, WayMemory
from altwright.platforms.publishing.text_comparison import AltText, shown
from altwright.platforms.publishing.ways import habits_of
from altwright.platforms.reading.answers import identity, read_post, read_profile
from altwright.platforms.reading.limits import alt_length
from altwright.platforms.reading.paging import pages
from altwright.platforms.scopes import check_scopes
from altwright.platforms.software import Software, named, of_nodeinfo, unnamed
from altwright.text import clean_line

#: Seconds that all requests of a connect may take together: somebody waits for them.
CONNECT_S = 25.0
#: A host, with its port where it has one; "localhost" is a test server's.
_DOMAIN = re.compile(r"[^\W_][\w.-]*[.\w](?::\d{1,5})?")
#: What somebody reads whose token would be sent in clear.
OVERHEARD = (
    "should begin with https://; over http:// others can read the token on its way. "
    "The administrator can allow it for this host"
)
#: What somebody reads whose new token is refused.
NEW_REFUSED = "The server doesn't accept this token. Copy it whole, and let it read and write."


class Mastodon(Platform):
    """One account on a Mastodon server."""

    #: What it is called in settings and on pages.
    name = "mastodon"
    #: Whether the server stores alt texts as HTML (& as &amp;).
    escapes = False

    def __init__(self, url: str, token: str, outbound: Outbound) -> None:
        self._api = Api(url, token, outbound)
        self._alt_texts: AltTexts | None = None

    def introduction(self) -> Introduction:
        """Ask the server who the token belongs to and what it runs; ends within 25 seconds."""
        if self._api.is_overheard:
            raise InvalidInput("This account can't be connected.", {"url": OVERHEARD})
        with self._api.within(CONNECT_S):
            account = self._api.me(NEW_REFUSED)
            profile = read_profile(account, self._domain())
            software = self.software
            limit = alt_length(self._api, software, self._instance)
            check_scopes(self._api, profile.remote_id, habits_of(self._named_software).way)
        return Introduction(profile, limit, software, software.platform or self.name)

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
        found = pages(lambda query: self._api.page(own_id, query), self._is_own, cursor)
        for page in found:
            yield replace(page, posts=tuple(self._shown(post) for post in page.posts))

    def post(self, remote_id: str) -> Post:
        """Return one post as it is now."""
        return self._shown(read_post(self._api.status(remote_id)))

    def publish_alt_texts(
        self, remote_id: str, texts: Mapping[str, AltText], memory: WayMemory, visibility: str = ""
    ) -> Publication:
        """Write alt texts to a post, change nothing else, and read it back."""
        if self._alt_texts is None:
            self._alt_texts = AltTexts(self._api, lambda: self._named_software, memory)
        return self._alt_texts.publish(remote_id, texts, visibility)

    @cached_property
    def software(self) -> Software:
        """Return what the server runs, as far as can be told."""
        return self._named_software if self._named_software.name else unnamed(self._instance)

    @cached_property
    def _named_software(self) -> Software:
        """Return what the server says it runs; a guess wouldn't do for writing."""
        return named(self._instance) or of_nodeinfo(self._api.nodeinfo()) or self._presumed()

    def _presumed(self) -> Software:
        return Software()

    @cached_property
    def _instance(self) -> Mapping[str, Any]:
        return self._api.instance()

    def _shown(self, post: Post) -> Post:
        """Return a post with its alt texts as readers see them."""
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
        is_own = not isinstance(account, Mapping) or str(account.get("id")) == self._own_id
        return is_own and not status.get("reblog")

    def _domain(self) -> str:
        """Return the part behind the @: often shorter than the server's own name."""
        named_so = self._instance.get("domain") or self._instance.get("uri")
        domain = clean_line(named_so, 260).rpartition("//")[2].strip("/")
        return domain if _DOMAIN.fullmatch(domain) else self._api.host()
