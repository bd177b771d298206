"""What an account's server runs is learned by its next task, not at connecting only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update
from tests.support_domain import Bench, World

from altwright.accounts.connections import Account
from altwright.db.tables import AccountRow
from altwright.domain.task import Status
from altwright.errors import PlatformRefused, PlatformUnavailable, RateLimited
from altwright.platforms.port import Post
from altwright.platforms.software import Software


def now(world: World) -> Account:
    """Return the world's account as it is."""
    return world.accounts.get(world.account.id, None)


def forget(world: World) -> None:
    """Make the account one that was connected before its software was kept."""
    with world.database.write() as session:
        session.execute(update(AccountRow).values(software="", software_version=""))


def test_a_run_learns_what_an_old_accounts_server_runs(bench: Bench, world: World) -> None:
    """It is shown from then on, with what can't be done there and by the platform that fits."""
    forget(world)
    world.platform.software = Software("pixelfed", "0.12")
    bench.captions()
    assert (now(world).software, now(world).platform) == (world.platform.software, "pixelfed")


def test_publishing_learns_that_a_server_was_updated(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """What couldn't be done there can be now."""
    world.platform.software = Software("mastodon", "4.0.2")
    bench.captions()
    assert now(world).to_json()["drafts_only"]
    world.platform.add(post(1, ""))
    (draft,) = world.draft(post(1, ""))
    world.drafts.approve(draft.id, world.user.id)
    world.platform.software = Software("mastodon", "4.5.0")
    bench.submit("publishing", account_id=world.account.id, settings={"draft_ids": [draft.id]})
    assert bench.attempt().status is Status.COMPLETED
    assert (now(world).software.version, now(world).to_json()["drafts_only"]) == ("4.5.0", "")


class _Silent:
    """Software that can't be asked for now."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __get__(self, *_: object) -> Software:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [PlatformUnavailable("Away."), RateLimited("Wait.", retry_in_s=9), PlatformRefused("No.")],
    ids=lambda error: type(error).__name__,
)
def test_a_server_that_doesnt_say_keeps_its_software(
    bench: Bench, world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """And no task fails for that."""
    known = now(world).software
    monkeypatch.setattr(type(world.platform), "software", _Silent(error), raising=False)
    assert bench.captions().status is Status.COMPLETED
    assert now(world).software == known


def test_describing_again_asks_the_server_nothing_for_it(
    bench: Bench, world: World, post: Callable[..., Post]
) -> None:
    """The picture's copy is all that it needs."""
    world.platform.add(post(1, ""))
    bench.captions()
    forget(world)
    draft = world.drafts.find(world.user.id).drafts[0]
    bench.submit("description", settings={"draft_id": draft.id, "hint": ""})
    assert bench.attempt().items_done == 1
    assert now(world).software == Software()
