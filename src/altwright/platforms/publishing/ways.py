"""How alt texts get into posts, server by server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from altwright.platforms.software import Software


class Way(StrEnum):
    """A way of writing alt texts to a post that is posted."""

    #: PUT of the status, with every medium's description.
    EDIT = "edit"
    #: PUT of the medium; the post isn't edited.
    DESCRIBE = "describe"
    #: PUT of the medium, whose description an edit of the status then copies into the post.
    DESCRIBE_THEN_EDIT = "describe_then_edit"
    #: Not known: the way without an edit is tried first.
    TRY = "try"
    #: It can't be done.
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Habits:
    """What is known of a server's software."""

    way: Way
    #: Its edits keep who may see a post.
    keeps_visibility: bool = False
    #: Its edits keep a poll that is running, and one that has ended if no end is sent.
    keeps_running_poll: bool = False
    keeps_ended_poll: bool = False
    #: An edit that leaves out who may quote resets it.
    resets_quote_policy: bool = False
    #: Descriptions are kept as HTML.
    escapes: bool = False
    reason: str = ""


#: What is left where publishing can't be done.
BY_HAND = "Altwright can still draft texts, which you then put in by hand."

_MASTODON = Habits(
    Way.EDIT, keeps_visibility=True, keeps_running_poll=True, resets_quote_policy=True
)
_PLEROMA = Habits(Way.DESCRIBE_THEN_EDIT, keeps_visibility=True)
#: By the software's name. Sources: Mastodon's UpdateStatusService and its forks (an edit that
#: names another visibility is ignored); GoToSocial, Takahē, snac and WordPress with Enable
#: Mastodon Apps as they ran (docs/how-to/publishing.md); Pleroma's attachments_from_ids; Pixelfed's
#: MediaController. An edit is never made on Takahē, which publishes unlisted posts by it, nor on
#: WordPress, which publishes private ones and calls all of them public.
_HABITS = {
    "mastodon": _MASTODON,
    "hometown": _MASTODON,
    "kmyblue": _MASTODON,
    "fedibird": _MASTODON,
    "gotosocial": Habits(Way.EDIT, keeps_visibility=True, keeps_ended_poll=True),
    "pleroma": _PLEROMA,
    "akkoma": _PLEROMA,
    "pixelfed": Habits(Way.DESCRIBE, escapes=True),
    "takahe": Habits(Way.DESCRIBE),
    "wordpress": Habits(Way.DESCRIBE),
    "snac": Habits(Way.NONE, reason="snac's API can't change the alt text of a posted picture."),
}
#: Source: media_attributes came with Mastodon 4.1.
_MASTODON_SINCE = (4, 1)
_TOO_OLD = "Mastodon can change the alt text of a posted picture from version 4.1 on; this is {}."


def drafts_only(software: Software) -> str:
    """Return why texts can only be drafted on such a server; "": nothing speaks against it."""
    reason = habits_of(software).reason
    return f"{reason} {BY_HAND}" if reason else ""


def habits_of(software: Software) -> Habits:
    """Return what is known; of unknown software, that its ways have to be tried."""
    habits = _HABITS.get(software.name, Habits(Way.TRY, resets_quote_policy=True))
    version = re.match(r"v?(\d+)\.(\d+)", software.version)
    if habits is _MASTODON and version and tuple(map(int, version.groups())) < _MASTODON_SINCE:
        return Habits(Way.NONE, reason=_TOO_OLD.format(software.version))
    return habits
