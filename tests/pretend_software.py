"""Pretend servers that write alt texts, and spoil posts, as real ones were seen to do.

What each does was seen on GoToSocial 0.20 (57cb4fe), Takahē 0.11, snac 2.94, and WordPress 6.1 with
Enable Mastodon Apps 1.6; Mastodon's, Pixelfed's and Akkoma's was read in their code.
"""

from __future__ import annotations

import html
from typing import Any, ClassVar

from tests.pretend_servers import PretendServer
from tests.support_leaves import Exchange


class Mastodon43(PretendServer):
    """Mastodon before quote policies."""


class Mastodon45(PretendServer):
    """It resets the quote policy that an edit leaves out (mastodon#37436)."""

    version = "4.5.0"

    def entity(self, post: dict[str, Any]) -> dict[str, Any]:
        """Name who may quote, in the status only."""
        approval = {"automatic": post["quote"], "manual": [], "current_user": "automatic"}
        return super().entity(post) | {"quote_approval": approval}

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Set the policy, or the account's default."""
        policy = edit.get("quote_approval_policy", "public")
        post["quote"] = [] if policy == "nobody" else [policy]
        return super().edit(post, edit)


class Mastodon40(PretendServer):
    """It knows no media_attributes."""

    version = "4.0.2"

    def edited_medium(self, medium: dict[str, Any], _change: dict[str, str]) -> dict[str, Any]:
        """Leave a picture as it is."""
        return medium


class GoToSocial(PretendServer):
    """It loses hide_totals, which its author never sees, and keeps an ended poll without an end."""

    name, version = "gotosocial", "0.20.0 git-57cb4fe"
    hides_totals_from_author = False

    def edited_poll(
        self, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        """Keep the end of a poll for which none is sent."""
        if old and new and "expires_in" not in new:
            return old
        edited = super().edited_poll(old, new)
        return edited and edited | {"hide_totals": False}


class Pixelfed(PretendServer):
    """Alt texts go to the media, are cleaned as HTML, and lines end in CRLF; there is no source."""

    name, version = "pixelfed", "0.12.4"
    describes = True

    def describe(self, _post: dict[str, Any], medium: dict[str, Any], text: str) -> None:
        """Clean it as HTML. Source: MediaController's mediaUpdate; pixelfed#3731."""
        medium["description"] = html.escape(text).replace("\n", "\r\n")

    def edit(self, _post: dict[str, Any], _edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Refuse."""
        return 404, {"error": "Record not found"}

    def answer_source(self, exchange: Exchange, _post: dict[str, Any]) -> None:
        """Refuse."""
        exchange.answer(404, {"error": "Record not found"})


class Akkoma(PretendServer):
    """A description is copied into the post when that is edited (attachments_from_ids)."""

    name, version = "akkoma", "3.10.4"
    describes = True

    def describe(self, _post: dict[str, Any], medium: dict[str, Any], text: str) -> None:
        """Keep it with the upload, which the post doesn't look at."""
        medium["uploaded"] = text

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Take the text for plain if nothing else is said."""
        if "content_type" in post:
            post["content_type"] = edit.get("content_type", "text/plain")
        return super().edit(post, edit)

    def edited_medium(self, medium: dict[str, Any], _change: dict[str, str]) -> dict[str, Any]:
        """Copy what the upload has; media_attributes aren't known."""
        return {**medium, "description": medium.get("uploaded", medium["description"])}


class Pleroma(Akkoma):
    """Akkoma's ancestor."""

    name, version = "pleroma", "2.9.1"


class Takahe(PretendServer):
    """An edit's visibility defaults to public, mentions are lost, pictures have no order."""

    name, version = "takahe", "0.11.0"
    describes = True
    #: How often posts were shown.
    reads: ClassVar[int] = 0

    def _seen(self, post: dict[str, Any]) -> dict[str, Any]:
        """Show the pictures in another order each time."""
        seen, media = super()._seen(post), "media_attachments"
        type(self).reads += 1
        is_turned = type(self).reads % 2 and isinstance(seen[media], list)
        return seen | {media: seen[media][::-1]} if is_turned else seen

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Publish it, and lose who is mentioned by the answer alone; texts are trimmed."""
        post["visibility"] = edit.get("visibility", "public")
        post["mentions"] = []
        super().edit(post, edit)
        post["text"] = post["text"].strip()
        return None

    def _of_server(self, exchange: Exchange, path: str) -> None:
        """Have nothing under an address that ends in a slash."""
        if path.endswith("/"):
            exchange.answer(404, {"error": "Not found"})
        else:
            super()._of_server(exchange, path)


class Snac(PretendServer):
    """It takes an edit, changes no alt text, and loses the mention of an answer."""

    name, version = "snac", "2.94"

    def edited_medium(self, medium: dict[str, Any], _change: dict[str, str]) -> dict[str, Any]:
        """Leave a picture as it is."""
        return medium

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Lose who is mentioned, and what it answers."""
        super().edit(post, edit)
        post["mentions"] = []
        return None


class WordPress(PretendServer):
    """With Enable Mastodon Apps: it calls every post public, and an edit makes it so."""

    name, version = "wordpress", "6.1.9"
    describes = True

    def entity(self, post: dict[str, Any]) -> dict[str, Any]:
        """Say "public" whatever it is."""
        return super().entity(post) | {"visibility": "public"}

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Publish it."""
        super().edit(post, edit)
        post["visibility"] = "public"
        return None


class UnknownTakahe(Takahe):
    """Software of a name that nobody here knows, which does as Takahē does."""

    name, version = "novum", "1.0"


class UnknownMastodon(Mastodon43):
    """The same, as Mastodon does."""

    name, version = "novum", "1.0"


class UnknownSnac(Snac):
    """The same, as snac does."""

    name, version = "novum", "1.0"


class UnknownWidener(Takahe):
    """The same, whose edits publish whatever is sent, and whose media can't be described."""

    name, version = "novum", "1.0"
    describes = False

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Publish it."""
        return super().edit(post, edit | {"visibility": "public"})


class TurncoatMastodon(Mastodon43):
    """Says that it is Mastodon, and publishes what is edited."""

    def edit(self, post: dict[str, Any], edit: dict[str, Any]) -> tuple[int, Any] | None:
        """Publish it."""
        super().edit(post, edit)
        post["visibility"] = "public"
        return None


#: Those whose posts get alt texts, whoever may see them.
WRITING = (
    *(Mastodon43, Mastodon45, GoToSocial, Pixelfed, Akkoma, Pleroma, Takahe, WordPress),
    UnknownTakahe,
)
EVERY_SERVER = (
    *WRITING,
    *(Mastodon40, Snac, UnknownMastodon, UnknownSnac, UnknownWidener, TurncoatMastodon),
)
