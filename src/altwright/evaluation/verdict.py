"""What a text is worth beside its reference, by rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from altwright.describers.answers.quoted_words import invented
from altwright.evaluation import measures
from altwright.evaluation.references import Reference

#: Least share of names, of characters and of values for a text that can be published as it is, and
#: for one that takes a small edit.
USEFUL: Final = {"names": 0.99, "text": 0.95, "values": 0.9}
SMALL_EDIT: Final = {"names": 0.5, "text": 0.75, "values": 0.5}


class Grade(StrEnum):
    """What the person who reviews has to do."""

    USEFUL = "useful"
    SMALL_EDIT = "small edit"
    POOR = "poor"
    #: It said itself that it has no text.
    NOTHING = "no text"
    MISLEADING = "misleading"
    #: The describer didn't answer.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grade, the reasons that a person reads, and the measures behind it (None: not asked)."""

    grade: Grade
    reasons: tuple[str, ...] = ()
    names: float | None = None
    text_error: float | None = None
    values: float | None = None


def judge(reference: Reference, text: str, max_length: int) -> Verdict:
    """Judge a text; a false word outweighs whatever else is right."""
    if not text:
        return Verdict(Grade.NOTHING)
    missing = [name for name in reference.names if not measures.says(name, text)]
    names = 1 - len(missing) / len(reference.names) if reference.names else None
    values = measures.values_said(reference.values, text) if reference.values else None
    error = measures.text_error(reference.words, text, max_length) if reference.words else None
    misleads = [f"says “{phrase}”" for phrase in measures.said_falsely(reference.misleading, text)]
    misleads += [f"says {wrong}" for wrong in values.wrong] if values else []
    misleads += [f"says {wrong}" for wrong in measures.counted_wrongly(reference.counts, text)]
    if reference.all_words is not None and (found := invented(reference.all_words, text)):
        misleads.append(f"quotes what isn't there: {' '.join(found[:6])}")
    reasons = list(misleads)
    if missing:
        reasons.append(f"doesn't say {', '.join(missing)}")
    if error is not None and error > 1 - USEFUL["text"]:
        reasons.append(f"{error:.0%} of the characters are wrong or missing")
    if values and values.right < values.wanted:
        reasons.append(f"{values.right} of {values.wanted} values are right")
    reached = {
        "names": names,
        "text": None if error is None else 1 - error,
        "values": values.share if values else None,
    }
    grade = Grade.MISLEADING if misleads else _grade(reached)
    return Verdict(grade, tuple(reasons), names, error, reached["values"])


def _grade(reached: dict[str, float | None]) -> Grade:
    for grade, least in ((Grade.USEFUL, USEFUL), (Grade.SMALL_EDIT, SMALL_EDIT)):
        if all(share is None or share >= least[name] for name, share in reached.items()):
            return grade
    return Grade.POOR
