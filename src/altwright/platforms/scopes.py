"""What a token has to allow, and what it is known not to; nothing is written to learn it."""

from __future__ import annotations

from altwright.errors import Category, PlatformRefused, TemporaryError
from altwright.platforms.api import Api
from altwright.platforms.publishing.ways import Way

_READ, _EDIT, _DESCRIBE = "read:statuses", "write:statuses", "write:media"
_ALL = (_READ, _EDIT, _DESCRIBE)
#: Scopes that each way of writing alt texts takes. Source: Mastodon's documentation of scopes.
_NEEDED = {
    Way.EDIT: (_READ, _EDIT),
    Way.DESCRIBE: (_READ, _DESCRIBE),
    Way.DESCRIBE_THEN_EDIT: _ALL,
    Way.TRY: _ALL,
    Way.NONE: (_READ,),
}
_LACKING = (
    "The token lacks scopes that Altwright needs: {}. Make one with them (on Mastodon: tick them "
    "in the application, save, and copy the new token)."
)


def check_scopes(api: Api, account_id: str, way: Way) -> None:
    """Make sure that a token isn't known to lack a scope; what can't be known is let pass.

    Reading is tried. What the token may write is at most what its application may, which Mastodon
    says from 4.3 on, and Hollo; Mastodon makes a new token when that changes (mastodon#23359).
    Other servers (GoToSocial, Pleroma, Pixelfed, snac, Takahē) say nothing before something is
    written, so nothing is claimed there.

    Raises:
        PlatformRefused: AUTHENTICATION, it names the scopes that are missing.
    """
    granted = api.app_scopes()
    missing = [
        scope
        for scope in _NEEDED[way]
        if granted and granted.isdisjoint({scope, scope.partition(":")[0]})
    ]
    if _READ not in missing and not _reads(api, account_id):
        missing.insert(0, _READ)
    if missing:
        raise PlatformRefused(_LACKING.format(", ".join(missing)), category=Category.AUTHENTICATION)


def _reads(api: Api, account_id: str) -> bool:
    """Return whether the account's posts can be read, or nobody can say now."""
    try:
        api.page(account_id, "limit=1")
    except PlatformRefused as error:
        return error.category is not Category.AUTHENTICATION
    except TemporaryError:
        pass
    return True
