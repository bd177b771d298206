"""/api/v1/accounts: a user's connections to Fediverse servers."""

from __future__ import annotations

from typing import Any

from altwright.accounts.context import AccountContext
from altwright.web.api import responses
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import AccountContext as Wanted
from altwright.web.api.requests import AccountNew, AccountNote, AccountPath
from altwright.web.auth import caller
from altwright.web.services import services

bp = blueprint("accounts", "Connections to Fediverse servers")


@bp.get("", responses=answers({200: responses.AccountList}))
def list_accounts() -> dict[str, Any]:
    """List the caller's accounts."""
    return {"accounts": [one.to_json() for one in services().accounts.of_user(caller().id)]}


@bp.post("", responses=answers({201: responses.Account}, 409, 429, body=True))
def connect_account(body: AccountNew) -> tuple[dict[str, Any], int]:
    """Connect an account; the same one again gets the new token."""
    account = services().accounts.add(caller().id, body.platform, body.url, body.token)
    return account.to_json(), 201


@bp.delete("/<int:account_id>", responses=answers({204: None}, 400, 404))
def remove_account(path: AccountPath) -> tuple[str, int]:
    """Forget an account, with its drafts; what was published stays published."""
    services().accounts.remove(path.account_id, caller().id)
    return "", 204


@bp.get("/<int:account_id>/context", responses=answers({200: responses.AccountContext}, 404))
def show_context(path: AccountPath) -> dict[str, Any]:
    """Show what an account's owner has said of its pictures, and of the style of their texts."""
    return services().accounts.contexts.get(path.account_id, caller().id).to_json()


@bp.put(
    "/<int:account_id>/context",
    responses=answers({200: responses.AccountContext}, 404, 409, body=True),
)
def replace_context(path: AccountPath, body: Wanted) -> dict[str, Any]:
    """Replace all of it; what is left out becomes as it is for a new account."""
    wanted = AccountContext(**body.model_dump(exclude={"version"}))
    contexts = services().accounts.contexts
    return contexts.put(path.account_id, caller().id, wanted, version=body.version).to_json()


@bp.post(
    "/<int:account_id>/names",
    responses=answers({200: responses.AccountContext}, 404, body=True),
)
def remember_name(path: AccountPath, body: AccountNote) -> dict[str, Any]:
    """Add a line to the names, unless it is there already."""
    contexts = services().accounts.contexts
    return contexts.remember(path.account_id, caller().id, body.text).to_json()
