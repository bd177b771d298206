"""What import and export ask of each kind of row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from altwright.takeover.fields import Row, Unusable

#: The id of what a dry run would make, or less.
NOBODY = -1


@dataclass(slots=True)
class Known:
    """Which old users and accounts are which here."""

    users: dict[str, Any] = field(default_factory=dict)
    accounts: dict[str, Any] = field(default_factory=dict)

    def user(self, old_id: Any) -> Any:
        """Return a user's id here. Raises Unusable."""
        return self._of(self.users, old_id, "user")

    def account(self, old_id: Any) -> Any:
        """Return an account's id here. Raises Unusable."""
        return self._of(self.accounts, old_id, "account")

    def _of(self, known: Mapping[str, Any], old_id: Any, what: str) -> Any:
        if str(old_id) not in known:
            raise Unusable(f"its {what} isn't there, or wasn't taken")
        if known[str(old_id)] is None:
            raise Unusable(f"its {what} was deleted here")
        return known[str(old_id)]


class Noun(Protocol):
    """A kind of row on both sides. ``whole``: its fields mean something together only."""

    kind: str
    table: str
    whole: bool

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the old rows, in batches."""

    def there(self, rows: Sequence[Mapping[str, Any]]) -> list[Row | Unusable]:
        """Read a batch of old rows."""

    def here(self, session: Session, ids: Collection[Any]) -> dict[Any, dict[str, Any]]:
        """Return the fields of rows here, by their ids."""

    def find(self, session: Session, row: Row) -> Any:
        """Return the id of the same thing here, None if it isn't here yet. Raises Unusable."""

    def add(self, session: Session, row: Row) -> Any:
        """Add a row and return its id."""

    def change(self, session: Session, row_id: Any, fields: Mapping[str, Any], row: Row) -> None:
        """Change fields of a row here. Raises Unusable."""

    def new_here(self) -> Iterator[list[tuple[Any, dict[str, Any], dict[str, Any]]]]:
        """Yield rows that the old side doesn't have: id, fields, and what it needs beside them."""

    def columns(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the old columns of fields."""

    def find_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> Any:
        """Return the id of the same one there, None if it isn't there yet. Raises Unusable."""

    def add_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> tuple[Any, str]:
        """Add a row there; return its id and a remark. Raises Unusable."""
