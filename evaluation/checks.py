"""Precision and recall of the checks on drafts, on labelled texts of our own (checks.toml)."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from altwright.captions.drafts.quality import check

_FILE: Final = Path(__file__).with_suffix(".toml")
#: What the account's server takes (Mastodon's limit is 1,500; a short one keeps the texts short).
_MAX_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, what goes with it, and the checks that are to find something in it."""

    text: str
    finds: frozenset[str]
    language: str = "en"
    post: str = ""
    #: None: nobody has read in the picture.
    read: tuple[str, ...] | None = None
    file: str = ""
    server: str = ""

    def found(self) -> frozenset[str]:
        """Return the checks that do find something."""
        evidence: dict[str, Any] = {}
        if self.read is not None:
            evidence["text"] = [{"text": line} for line in self.read]
        if self.file:
            evidence["file"] = self.file
        warnings = check(
            self.text,
            max_length=_MAX_LENGTH,
            post_text=self.post,
            language=self.language,
            evidence=evidence,
            replaces=self.server,
        )
        return frozenset(one.code for one in warnings)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a check is right: found where it should, found where it shouldn't, not found."""

    right: int
    false_alarms: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Return the share of its findings that are right."""
        found = self.right + self.false_alarms
        return self.right / found if found else None

    @property
    def recall(self) -> float | None:
        """Return the share that it finds of what there is."""
        there = self.right + self.missed
        return self.right / there if there else None


def texts() -> Iterator[Labelled]:
    """Yield all labelled texts."""
    for code, groups in tomllib.loads(_FILE.read_text("utf-8")).items():
        for told in groups["yes"]:
            yield _labelled(told, {code})
        for told in groups["no"]:
            yield _labelled(told, set())


def accuracy() -> dict[str, Accuracy]:
    """Return the figures of each check by its code, then of all together."""
    right, false_alarms, missed = Counter[str](), Counter[str](), Counter[str]()
    codes: set[str] = set()
    for one in texts():
        found = one.found()
        codes |= found | one.finds
        right.update(found & one.finds)
        false_alarms.update(found - one.finds)
        missed.update(one.finds - found)
    each = {code: Accuracy(right[code], false_alarms[code], missed[code]) for code in sorted(codes)}
    return each | {"all": Accuracy(right.total(), false_alarms.total(), missed.total())}


def mistakes() -> Iterator[str]:
    """Yield a line for each text of which a check says too much or too little."""
    for one in texts():
        found = one.found()
        wrong = [f"false {code}" for code in sorted(found - one.finds)]
        wrong += [f"missed {code}" for code in sorted(one.finds - found)]
        if wrong:
            yield f"{', '.join(wrong)}: {one.text[:100]!r} ({one.language})"


def _labelled(told: str | dict[str, Any], finds: set[str]) -> Labelled:
    if isinstance(told, str):
        return Labelled(told, frozenset(finds))
    also = set(told.get("also", ()))
    text = told.get("text") or "".join(
        told["repeat"].format(number) for number in range(1, told["times"] + 1)
    )
    return Labelled(
        text,
        frozenset(finds | also),
        told.get("language", "en"),
        told.get("post", ""),
        tuple(told["read"]) if "read" in told else None,
        told.get("file", ""),
        told.get("server", ""),
    )
