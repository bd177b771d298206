"""/api/v1/accounts: a user's connections to Fediverse servers."""

from __future__ import annotations

from typing import Any

from altwright.web.api import responses
from altwright.web.api.blueprint import answers, blueprint
from altwright.web.api.requests import AccountNew, AccountPath
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
