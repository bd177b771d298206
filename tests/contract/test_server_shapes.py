"""What real servers' answers are read as; tests/shapes holds them with their origin."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support_leaves import TOKEN, Exchange, serving

from altwright.net.http import Outbound
from altwright.platforms.connect import connect
from altwright.platforms.software import Software, named, of_nodeinfo, unnamed

SHAPES = sorted((Path(__file__).parent.parent / "shapes").glob("*.json"))
OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=20)


@pytest.mark.parametrize("file", SHAPES, ids=lambda file: file.stem)
@pytest.mark.parametrize("chosen", ["mastodon", "pixelfed"])
def test_each_servers_answers_are_read(file: Path, chosen: str) -> None:
    """Account, software, limit and posts, whichever platform was picked in the form."""
    shape = json.loads(file.read_text())
    assert shape["origin"]
    expected: dict[str, Any] = shape["expected"]
    account_id = shape["answers"]["/api/v1/accounts/verify_credentials"]["id"]
    answers = shape["answers"] | {f"/api/v1/accounts/{account_id}/statuses": shape["statuses"]}

    def respond(exchange: Exchange) -> None:
        path, _, query = exchange.path.partition("?")
        if path not in answers:
            exchange.answer(404, {"error": "Not found"})
        else:
            exchange.answer(200, [] if "max_id" in query else answers[path])

    with serving(respond) as local:
        introduced = connect(chosen, local.url, TOKEN, OUTBOUND).introduction()
        pages = list(connect(introduced.platform, local.url, TOKEN, OUTBOUND).pages())
    said = introduced.software
    assert (said.name, said.version) == (expected["software"], expected["version"])
    assert introduced.platform == expected["platform"]
    assert introduced.profile.acct == expected["acct"]
    assert introduced.max_alt_length == expected["max_alt_length"]
    assert [page.unreadable for page in pages] == [()] * len(pages)
    (post,) = [post for page in pages for post in page.posts]
    assert post.remote_id == str(shape["statuses"][0]["id"])
    assert (post.text, post.visibility) == (expected["text"], expected["visibility"])
    assert post.language == expected["language"]
    assert post.created_at == datetime.fromisoformat(expected["created_at"])
    assert [[one.remote_id, one.kind, one.description] for one in post.media] == expected["media"]
    assert all(one.url.startswith("https://") for one in post.media)


@pytest.mark.parametrize(
    ("version", "software"),
    [
        ("4.5.0", None),
        ("4.5.0+glitch", Software("mastodon", "4.5.0+glitch")),
        ("4.3.0 (compatible; Pixelfed 0.12)", Software("pixelfed", "0.12")),
        ("2.7.2 (compatible; Akkoma 3.10)", Software("akkoma", "3.10")),
        ("2.7.2 (compatible; Pleroma 2.5.0)", Software("pleroma", "2.5.0")),
        ("takahe/0.11", Software("takahe", "0.11")),
        ("Takahē 0.11", Software("takahe", "0.11")),
        ("4.0.0 (not true; really snac/2.94)", Software("snac", "2.94")),
        ("0.19.1 git-57cb4fe", None),
        ("novum 1.0 (compatible; Mastodon 4.3.0)", None),
        ("", None),
        (None, None),
        ("\0" * 10**6, None),
        (7, None),
    ],
)
def test_a_version_string_names_the_software(version: object, software: Software | None) -> None:
    """Mastodon's own names nothing; then nodeinfo is asked."""
    assert named({"version": version}) == software


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://github.com/mastodon/mastodon", "mastodon"),
        ("https://github.com/glitch-soc/mastodon/tree/1a2b3c", "mastodon"),
        ("https://codeberg.org/superseriousbusiness/gotosocial.git", "gotosocial"),
        ("https://github.com/akirk/enable-mastodon-apps", "wordpress"),
        ("https://github.com/novum/mastodon-api-bridge", None),
        ("https://git.mastodon.example/novum/novum", None),
        ("mastodon", None),
    ],
)
def test_a_source_names_the_software_by_its_repository(source: str, name: str | None) -> None:
    """What only has "mastodon" in its address may edit posts in other ways than Mastodon does."""
    found = named({"version": "4.5.0", "source_url": source})
    assert found == (Software(name, "4.5.0") if name else None)


def test_what_nodeinfo_names_is_believed_within_bounds() -> None:
    """A name of 500 kB isn't."""
    assert of_nodeinfo({"software": {"name": "GoToSocial", "version": "0.19.1"}}) == Software(
        "gotosocial", "0.19.1"
    )
    long = of_nodeinfo({"software": {"name": "x" * 500_000, "version": "\0" * 500_000}})
    assert long == Software("x" * 32, "")
    for odd in ({}, {"software": None}, {"software": {"name": ""}}, {"software": [1]}):
        assert of_nodeinfo(odd) is None


def test_a_plain_version_alone_is_mastodons_from_1_0_on() -> None:
    """Below, it is GoToSocial's or nobody's: what isn't known isn't taken for Mastodon."""
    assert unnamed({"version": "4.5.0"}) == Software("mastodon", "4.5.0")
    assert unnamed({"version": "0.19.1 git-57cb4fe"}).name == ""
    assert unnamed({}).platform == ""
