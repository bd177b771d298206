"""Figures of many judged texts: by kind, and over all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any, Final

from altwright.evaluation.trial import Judged
from altwright.evaluation.verdict import Grade

#: What the last rows are called: all pictures alike, and all kinds alike.
ALL, KINDS = "all pictures", "mean of the kinds"


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares are of the pictures (0 to 1); None: nothing was measured."""

    pictures: int
    useful: float
    small_edit: float
    poor: float
    no_text: float
    misleading: float
    #: Of all pictures: those whose text misleads though the describer was sure.
    misleading_sure: float
    failed: float
    names: float | None
    text_error: float | None
    values: float | None
    length: float | None
    seconds: float | None
    cpu_s: float | None
    peak_mib: float | None

    @property
    def usable(self) -> float:
        """Return the share that can be published, unchanged or after a small edit."""
        return self.useful + self.small_edit

    def to_json(self) -> dict[str, Any]:
        """Return the figures for programs."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in {**asdict(self), "usable": self.usable}.items()
        }


def by_kind(outcomes: Sequence[Judged]) -> dict[str, dict[str, Any]]:
    """Return the figures of each kind, as JSON has them, in the order of their names; then of all.

    For the figures' names see ``Figures``, whose ``usable`` is among them.
    """
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for one in outcomes:
        kinds[one.reference.kind].append(one)
    found = {kind: _figures(of) for kind, of in sorted(kinds.items())}
    found |= {KINDS: _mean(list(found.values())), ALL: _figures(outcomes)}
    return {kind: one.to_json() for kind, one in found.items()}


def _figures(outcomes: Sequence[Judged]) -> Figures:
    def share(of: Iterable[bool]) -> float:
        return sum(of) / len(outcomes)

    def grade(wanted: Grade) -> float:
        return share(one.verdict.grade is wanted for one in outcomes)

    misled = (one.is_sure and one.verdict.grade is Grade.MISLEADING for one in outcomes)
    return Figures(
        pictures=len(outcomes),
        useful=grade(Grade.USEFUL),
        small_edit=grade(Grade.SMALL_EDIT),
        poor=grade(Grade.POOR),
        no_text=grade(Grade.NOTHING),
        misleading=grade(Grade.MISLEADING),
        misleading_sure=share(misled),
        failed=grade(Grade.FAILED),
        names=_of(fmean, (one.verdict.names for one in outcomes)),
        text_error=_of(median, (one.verdict.text_error for one in outcomes)),
        values=_of(fmean, (one.verdict.values for one in outcomes)),
        length=_of(median, (len(one.text) or None for one in outcomes)),
        seconds=_of(median, (one.cost.seconds for one in outcomes)),
        cpu_s=_of(median, (one.cost.cpu_s for one in outcomes)),
        peak_mib=_of(max, (one.cost.peak_mib for one in outcomes)),
    )


def _mean(kinds: Sequence[Figures]) -> Figures:
    """Return the figures in which each kind counts as much as any other."""
    each = [asdict(one) for one in kinds]
    means: dict[str, Any] = {name: _of(fmean, (one[name] for one in each)) for name in each[0]}
    return Figures(**{**means, "pictures": sum(one.pictures for one in kinds)})


def _of(middle: Any, values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(middle(there)) if there else None


#: Headings of the table by figure; JSON has some more.
COLUMNS: Final[Mapping[str, str]] = {
    "kind": "kind",
    "pictures": "pictures",
    "usable": "useful",
    "useful": "unchanged",
    "poor": "poor",
    "no_text": "no text",
    "misleading": "misleading",
    "misleading_sure": "though sure",
    "names": "names found",
    "text_error": "text error",
    "values": "values right",
    "length": "length",
    "seconds": "s a picture",
    "cpu_s": "CPU s",
    "peak_mib": "memory, MiB",
}
_PLAIN: Final = {"pictures", "length", "peak_mib"}
_SECONDS: Final = {"seconds", "cpu_s"}


def rows(
    figures: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[dict[str, str]]:
    """Return the table's rows as people read them; ``before`` adds what has changed since."""
    found = []
    for kind, now in figures.items():
        then = (before or {}).get(kind, {})
        found.append(
            {"kind": kind}
            | {
                name: _shown(name, now[name]) + _change(name, now[name], then.get(name))
                for name in COLUMNS
                if name != "kind"
            }
        )
    return found


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name in _PLAIN:
        return f"{value:,.0f}"
    return f"{value:.2f}" if name in _SECONDS else f"{value:.0%}"


def _change(name: str, now: float | None, then: Any) -> str:
    if now is None or not isinstance(then, int | float) or _shown(name, now) == _shown(name, then):
        return ""
    return f" (was {_shown(name, then)})"
