"""Opens a task's account; records a rejected token on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from altwright.accounts.connections import Account, AccountStore
from altwright.captions.drafts import draft_writes
from altwright.domain.task import ItemStatus
from altwright.errors import Category, NotFound, PermanentError, PlatformRefused
from altwright.platforms.port import Platform
from altwright.tasks.store.items import Worked


def open_account(
    accounts: AccountStore,
    account_id: int | None,
    user_id: int | None,
    *,
    asks_software: bool = True,
) -> tuple[Account, Platform]:
    """Return the account of a task of this user, and a connection to its server.

    With ``asks_software`` the server is asked what it runs, which the account keeps: some were
    connected before that was, and servers are updated, moved and replaced.

    Raises:
        PermanentError: it was removed, or is somebody else's.
        PlatformRefused: its token can't be read; the account says so from now on.
    """
    try:
        if account_id is None:
            raise NotFound("There is no such account.")  # noqa: TRY301 - one answer for all three
        accounts.get(account_id, user_id)
        with refusals_noted(accounts, account_id):
            account, platform = accounts.open(account_id)
        if asks_software and accounts.learn(account, platform):
            return accounts.open(account_id)  # maybe by another class
        return account, platform  # noqa: TRY300 - nothing else here finds no account
    except NotFound:
        raise PermanentError("The account of this task was removed.") from None


@contextmanager
def refusals_noted(accounts: AccountStore, account_id: int) -> Iterator[None]:
    """Note on the account that its server refuses the token, so that the user reconnects it."""
    try:
        yield
    except PlatformRefused as error:
        if error.category is Category.AUTHENTICATION:
            accounts.set_problem(account_id, str(error))
        raise


def probe_platform(accounts: AccountStore, account_id: int, platform: Platform) -> None:
    """Ask an account's server how it is; a token that it refuses is noted on the account.

    Raises:
        TemporaryError: the server is down.
        PlatformRefused: it refuses the account altogether. Servers do so with 401, some with 400
            (Takahē) or 422 (snac).
    """
    with refusals_noted(accounts, account_id):
        try:
            platform.probe()
        except PlatformRefused as error:
            if error.category is Category.AUTHENTICATION:
                raise
            raise PlatformRefused(
                f"The server doesn't accept the account's token: {error}",
                category=Category.AUTHENTICATION,
            ) from error


def post_gone(account_id: int, remote_id: str) -> Worked:
    """Return the end of an item whose post was deleted: all drafts of that post say so."""

    def effect(session: Session) -> None:
        draft_writes.post_gone(session, account_id, remote_id)

    return Worked(ItemStatus.SKIPPED, draft_writes.GONE, effect=effect)
