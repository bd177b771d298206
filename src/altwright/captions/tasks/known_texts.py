"""What a run needs no describer for: pictures that have a text elsewhere in the user's accounts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from altwright.accounts.context import AccountContext
from altwright.captions.drafts import same_pictures
from altwright.captions.drafts.same_pictures import Sought
from altwright.captions.pictures.decoding import Prepared
from altwright.captions.pictures.picture_fetch import file_of
from altwright.captions.tasks.looking_ahead import Wanted
from altwright.db.session import Database
from altwright.describers.port import Description


class KnownTexts:
    """Finds them, for one attempt at a run; in any thread.

    Where an account's owner wants none there are none. An account in which nobody may be named
    takes its own alone.
    """

    def __init__(
        self,
        database: Database,
        user_id: int,
        account_id: int,
        contexts: Mapping[int, AccountContext],
    ) -> None:
        """Take what owners have said of each of the user's accounts."""
        self._database = database
        self._user_id = user_id
        self._account_ids = _sources(account_id, contexts)

    def of(self, wanted: Wanted, prepared: Prepared) -> Description | None:
        """Return the text of a picture, or None: a describer has to look at it."""
        if not self._account_ids:
            return None
        sought = Sought(
            wanted.picture_id,
            self._user_id,
            self._account_ids,
            file_of(prepared),
            prepared.shape,
            wanted.request.language,
            wanted.request.max_length,
            is_moving=prepared.picture.frames > 1,
        )
        with self._database.read() as session:
            return same_pictures.find(session, sought)


def _sources(account_id: int, contexts: Mapping[int, AccountContext]) -> Collection[int]:
    """Return the accounts whose texts this one takes."""
    own = contexts.get(account_id)
    if own is None or not own.reuse_texts:
        return ()
    if own.never_name_people:
        return (account_id,)
    return tuple(one for one, context in contexts.items() if context.reuse_texts)
