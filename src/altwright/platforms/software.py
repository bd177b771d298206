"""Which software a server runs, as it says itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from altwright.platforms.reading.json_answers import part
from altwright.text import clean_line

#: Characters of a name and a version that are kept: what the columns hold.
NAME_LENGTH, VERSION_LENGTH = 32, 64
#: Names that stand in a version string, or are a source's repository, in the order of their
#: weight: a fork names what it was made from, too. "Mastodon" in a version string says what a
#: server is compatible with (Mastodon's own is a bare number), and not that edits keep what they
#: keep there.
_KNOWN = {
    "akkoma": "akkoma",
    "pleroma": "pleroma",
    "pixelfed": "pixelfed",
    "takahe": "takahe",
    "gotosocial": "gotosocial",
    "snac": "snac",
    "enable-mastodon-apps": "wordpress",
    "enable mastodon apps": "wordpress",
    "wordpress": "wordpress",
    "friendica": "friendica",
    "hollo": "hollo",
    "mitra": "mitra",
    "iceshrimp": "iceshrimp",
    "firefish": "firefish",
    "sharkey": "sharkey",
    "misskey": "misskey",
    "glitch": "mastodon",
    "mastodon": "mastodon",
}
#: Source: addresses of GitHub, GitLab and Forgejo: host/owner/repository.
_REPOSITORY = re.compile(r"https?://[^/]+/[^/]+/([^/]+?)(?:\.git)?(?:/|$)")
_NUMBER = re.compile(r"\d+(?:\.\d+)*[\w.+~-]*")
_SHOWN = {
    "gotosocial": "GoToSocial",
    "takahe": "Takahē",
    "snac": "snac",
    "wordpress": "WordPress",
}


@dataclass(frozen=True, slots=True)
class Software:
    """A server's software: ``name`` in lower case without accents ("": not known)."""

    name: str = ""
    version: str = ""

    @property
    def title(self) -> str:
        """Return its name and version as people write them."""
        return f"{_SHOWN.get(self.name, self.name.capitalize())} {self.version}".strip()

    @property
    def platform(self) -> str:
        """Return the platform that speaks with it ("": not known); Pixelfed has ways of its own."""
        if not self.name:
            return ""
        return "pixelfed" if self.name == "pixelfed" else "mastodon"


def named(instance: Mapping[str, Any]) -> Software | None:
    """Return what an instance description names; None: it names none, like Mastodon's own.

    Source: version strings as the servers send them: "2.7.2 (compatible; Akkoma 3.10)",
    "4.3.0 (compatible; Pixelfed 0.12)", "takahe/0.11", "4.0.0 (not true; really snac/2.94)".
    """
    said = clean_line(instance.get("version"), 200)
    folded = _folded(said)
    for word, name in _KNOWN.items():
        at = folded.find(word)
        if at >= 0 and word != "mastodon":
            return Software(name, _version(_NUMBER.search(said, at + len(word))) or _number(said))
    source = _REPOSITORY.match(_folded(clean_line(instance.get("source_url"), 200)))
    name = _KNOWN.get(source[1], "") if source else ""
    return Software(name, _number(said)) if name else None


def of_nodeinfo(nodeinfo: Mapping[str, Any]) -> Software | None:
    """Return what a nodeinfo document names. Source: nodeinfo schema 2.x, ``software``."""
    said = part(nodeinfo, "software")
    name = _folded(clean_line(said.get("name"), NAME_LENGTH))
    if not name:
        return None
    return Software(_KNOWN.get(name, name), clean_line(said.get("version"), VERSION_LENGTH))


def unnamed(instance: Mapping[str, Any]) -> Software:
    """Return what a server runs that names nothing: Mastodon from 1.0 on, or we don't know."""
    said = clean_line(instance.get("version"), 200)
    is_mastodon = bool(re.match(r"v?[1-9]\d*\.\d+", said))
    return Software("mastodon" if is_mastodon else "", _number(said))


def _folded(text: str) -> str:
    return text.lower().replace("ē", "e")


def _number(text: str) -> str:
    return _version(_NUMBER.search(text))


def _version(found: re.Match[str] | None) -> str:
    return found[0].rstrip(".")[:VERSION_LENGTH] if found else ""
