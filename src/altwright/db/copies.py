"""Rows as frozen copies, which outlive their session, and these as JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

C = TypeVar("C")


def copied(kind: Callable[..., C], row: Any, /, **others: Any) -> C:
    """Copy a row's columns into a frozen class that names them; ``others`` are no such columns."""
    names = _names(kind) - others.keys()
    return kind(**{name: getattr(row, name) for name in names}, **others)


@cache
def _names(kind: Callable[..., object]) -> frozenset[str]:
    return frozenset(one.name for one in fields(kind))  # type: ignore[arg-type] # a dataclass


def as_json(copy: Any, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return a copy's fields but those in ``without``, instants as ISO 8601."""
    values = {one.name: getattr(copy, one.name) for one in fields(copy) if one.name not in without}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
