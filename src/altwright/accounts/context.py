"""What the owner of an account wants to be known of its pictures, and how its texts are to be.

It is private: who is called what, who lives with whom. So it is encrypted where it lies, as one
value; a version refuses what was written on top of an older one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.tables import ID_MOST, AccountRow
from altwright.describers.port import NAMES_MOST, STYLE_MOST
from altwright.describers.style import Length, Style, Tone
from altwright.errors import Conflict, InvalidInput, NotFound
from altwright.text import UNSTORABLE, clean_text

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class AccountContext:
    """``names`` are notes, one a line at best; ``own_words`` are on the style of texts."""

    names: str = ""
    length: Length = Length.MEDIUM
    tone: Tone = Tone.NEUTRAL
    never_name_people: bool = False
    own_words: str = ""
    #: Whether a picture that is there already gets the text that it has there.
    reuse_texts: bool = True
    version: int = 0

    @property
    def style(self) -> Style:
        """Return how describers are asked to write."""
        return Style(self.length, self.tone, self.never_name_people, self.own_words)

    @property
    def is_for_describers(self) -> bool:
        """Return whether it says anything that a describer has to be able to use."""
        return bool(self.names) or self.style != Style()

    @classmethod
    def read(cls, sealed: str | None, box: Box) -> Self:
        """Return what was stored (None: nothing was).

        Of one that no key opens only the careful is believed: nobody is named.
        """
        if not sealed:
            return cls()
        try:
            known: Mapping[str, Any] = json.loads(box.decrypt(sealed))
        except ValueError:
            return cls(never_name_people=True)
        return cls(
            names=str(known.get("names", "")),
            length=_one_of(known.get("length"), Length.MEDIUM),
            tone=_one_of(known.get("tone"), Tone.NEUTRAL),
            never_name_people=bool(known.get("never_name_people")),
            own_words=str(known.get("own_words", "")),
            reuse_texts=bool(known.get("reuse_texts", True)),
            version=int(known.get("version", 0)),
        )

    def sealed(self, box: Box) -> str:
        """Return it as it is stored."""
        return box.encrypt(json.dumps(asdict(self)))

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API shows."""
        return asdict(self)

    def with_note(self, text: str) -> Self:
        """Return it with a line more among its names, unless that is there.

        Raises:
            InvalidInput: there is no room for it.
        """
        note = " ".join(text.split())
        lines = self.names.splitlines()
        if note.casefold() in (line.strip().casefold() for line in lines):
            return self
        return replace(self, names=_kept("names", "\n".join([*lines, note]), NAMES_MOST))


class ContextStore:
    """All SQL on what accounts' owners have said of their pictures."""

    def __init__(self, database: Database, box: Box) -> None:
        self._database = database
        self._box = box

    def get(self, account_id: int, user_id: int | None) -> AccountContext:
        """Return that of an account of ``user_id`` (None: of anybody). Raises NotFound."""
        with self._database.read() as session:
            return self._of(session, account_id, user_id)

    def of_user(self, user_id: int) -> dict[int, AccountContext]:
        """Return those of all accounts of a user, by the accounts' ids."""
        query = select(AccountRow.id, AccountRow.context).where(AccountRow.user_id == user_id)
        with self._database.read() as session:
            rows = session.execute(query.order_by(AccountRow.id)).all()
        return {row.id: AccountContext.read(row.context, self._box) for row in rows}

    def put(
        self, account_id: int, user_id: int, wanted: AccountContext, *, version: int | None = None
    ) -> AccountContext:
        """Replace it; ``version`` is the one that the person saw.

        Raises:
            NotFound: there is no such account.
            Conflict: it was changed since that version.
            InvalidInput: a text is too long, or can't be stored.
        """
        wanted = replace(
            wanted,
            names=_kept("names", wanted.names, NAMES_MOST),
            own_words=_kept("own_words", wanted.own_words, STYLE_MOST),
        )
        with self._database.write() as session:
            known = self._of(session, account_id, user_id, is_locked=True)
            if version not in {None, known.version}:
                raise Conflict("This was changed elsewhere meanwhile; look at it again.")
            return self._write(session, account_id, replace(wanted, version=known.version + 1))

    def remember(self, account_id: int, user_id: int, text: str) -> AccountContext:
        """Add a line to what is known of all pictures of an account, unless that is there.

        Raises:
            NotFound: there is no such account.
            InvalidInput: it is empty, can't be stored, or there is no room for it.
        """
        note = _kept("text", text, NAMES_MOST)
        if not note:
            raise InvalidInput("There is nothing to remember.", {"text": "should not be empty"})
        with self._database.write() as session:
            known = self._of(session, account_id, user_id, is_locked=True)
            longer = known.with_note(note)
            if longer == known:
                return known
            return self._write(session, account_id, replace(longer, version=known.version + 1))

    def _of(
        self, session: Session, account_id: int, user_id: int | None, *, is_locked: bool = False
    ) -> AccountContext:
        query = select(AccountRow.user_id, AccountRow.context).where(AccountRow.id == account_id)
        if is_locked:
            query = query.with_for_update()
        row = session.execute(query).first() if account_id <= ID_MOST else None
        if row is None or user_id not in {None, row.user_id}:
            raise NotFound("There is no such account.")
        return AccountContext.read(row.context, self._box)

    def _write(self, session: Session, account_id: int, context: AccountContext) -> AccountContext:
        statement = update(AccountRow).where(AccountRow.id == account_id)
        session.execute(statement.values(context=context.sealed(self._box)))
        return context


def _kept(field: str, text: str, most: int) -> str:
    """Return a text as it is stored; refuse one that would lose something by that."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("This can't be kept.", {field: UNSTORABLE}) from None
    kept = clean_text(text, 4 * most).strip()
    if len(kept) > most:
        fault = f"should have at most {most:,} characters; these are {len(kept):,}"
        raise InvalidInput("This can't be kept.", {field: fault})
    return kept


def _one_of(value: Any, otherwise: E) -> E:
    """Return what a word stands for; of a later version there may be others."""
    kinds = type(otherwise)
    return kinds(value) if value in set(kinds) else otherwise
