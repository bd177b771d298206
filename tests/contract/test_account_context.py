"""What an account's owner says of its pictures: kept encrypted, and known to describers."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from tests import support_drafts, support_web
from tests.support_domain import FERNET_KEY, World
from tests.support_web import Web, problem

from altwright.accounts.context import AccountContext, ContextStore
from altwright.crypto import Box
from altwright.db.reencryption import reencrypt
from altwright.describers.port import NAMES_MOST
from altwright.describers.style import Length, Tone
from altwright.errors import Conflict, InvalidInput
from altwright.web.api import responses

world = support_drafts.world
web = support_web.web
NOTE = "Mia is my grey cat."
WANTED: dict[str, Any] = {
    "names": f"{NOTE}\nThe red door is our café.",
    "length": "short",
    "tone": "warm",
    "never_name_people": True,
    "own_words": "Say the breed of dogs.",
    "reuse_texts": False,
}


def test_it_is_changed_through_the_api(web: Web) -> None:
    """All of it at once, by its version; a line more by itself, and no line twice."""
    anna, path = web.by_token(web.anna), f"/api/v1/accounts/{web.account_id}"
    usual = anna.get(f"{path}/context").get_json()
    responses.AccountContext.model_validate(usual)
    assert (usual["names"], usual["reuse_texts"], usual["version"]) == ("", True, 0)
    put = anna.call("PUT", f"{path}/context", json=WANTED | {"version": 0})
    assert put.get_json() == WANTED | {"version": 1}
    for said in ("Tom is my  brother.", "tom is my brother."):
        known = anna.post(f"{path}/names", json={"text": said}).get_json()
    assert (known["names"].splitlines()[2:], known["version"]) == (["Tom is my brother."], 2)
    late = problem(anna.call("PUT", f"{path}/context", json=WANTED | {"version": 1}), 409)
    assert "changed elsewhere" in late["detail"]
    assert anna.get(f"{path}/context").get_json() == known


def test_what_can_not_be_is_named(web: Web) -> None:
    """A field's fault, an account that isn't there, and one of somebody else."""
    anna, path = web.by_token(web.anna), f"/api/v1/accounts/{web.account_id}"
    wrong = {"names": "x" * (NAMES_MOST + 1), "tone": "angry", "mood": 1}
    fields = problem(anna.call("PUT", f"{path}/context", json=wrong), 422)["fields"]
    assert sorted(fields) == ["mood", "names", "tone"]
    full = AccountContext(names="x" * (NAMES_MOST - 5))
    web.services.accounts.contexts.put(web.account_id, web.anna.id, full)
    refused = problem(anna.post(f"{path}/names", json={"text": NOTE}), 422)
    assert list(refused["fields"]) == ["names"]
    assert list(problem(anna.post(f"{path}/names", json={"text": " "}), 422)["fields"]) == ["text"]
    bert = web.by_token(web.bert)
    for method, where, body in (
        ("GET", "context", None),
        ("PUT", "context", WANTED),
        ("POST", "names", {"text": NOTE}),
    ):
        problem(bert.call(method, f"{path}/{where}", json=body), 404)


def test_the_page_says_what_is_kept_and_who_can_not_use_it(web: Web) -> None:
    """It is readable without scripts; somebody else's account isn't there."""
    web.services.accounts.contexts.remember(web.account_id, web.anna.id, NOTE)
    anna, path = web.by_session(web.anna), f"/accounts/{web.account_id}"
    page = unescape(anna.get(path).text)
    assert NOTE in page
    assert "The built-in describer can't use names or a style. What you write here" in page
    order = {"DESCRIBER": "ollama", "DESCRIBER_FALLBACKS": "offline"}
    web.services.live.change(order, by=web.root.ref)
    assert "Other describers in use here can." in unescape(anna.get(path).text)
    web.services.live.change({"DESCRIBER_FALLBACKS": "none"}, by=web.root.ref)
    assert "can't use names" not in unescape(anna.get(path).text)
    assert f'href="{path}"' in anna.get("/accounts").text
    assert web.by_session(web.bert).get(path).status_code == 404


@pytest.mark.every_database
def test_it_is_stored_encrypted_and_goes_with_its_account(world: World) -> None:
    """Nobody reads it in the database; keys are rotated under it; a lost key names nobody."""
    contexts, (account_id, user_id) = world.accounts.contexts, (world.account.id, world.user.id)
    wanted = AccountContext(NOTE, Length.SHORT, Tone.WARM, own_words="Dry.", reuse_texts=False)
    kept = contexts.put(account_id, user_id, wanted)
    query = text("SELECT context FROM accounts")
    with world.database.connect() as connection:
        stored = connection.scalar(query)
    assert "Mia" not in stored
    assert contexts.get(account_id, user_id) == kept
    new_key = Fernet.generate_key().decode()
    lost = ContextStore(world.database, Box(new_key)).get(account_id, user_id)
    assert (lost.names, lost.never_name_people) == ("", True)
    reencrypt(world.database, Box(f"{new_key},{FERNET_KEY}"))
    assert ContextStore(world.database, Box(new_key)).get(account_id, user_id) == kept
    with pytest.raises(Conflict):
        contexts.put(account_id, user_id, wanted, version=7)
    world.accounts.add(user_id, "mastodon", "https://social.example", "token-2")
    assert ContextStore(world.database, Box(new_key)).get(account_id, user_id) == kept
    world.accounts.remove(account_id, user_id)
    with world.database.connect() as connection:
        assert connection.execute(query).all() == []


def test_an_unstorable_text_is_refused(world: World) -> None:
    """Half of a surrogate pair fits no database."""
    with pytest.raises(InvalidInput):
        world.accounts.contexts.remember(world.account.id, world.user.id, "\ud800")
