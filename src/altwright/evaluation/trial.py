"""One describer over a folder: what it says of each picture, how good that is, what it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altwright.captions.pictures.decoding import Prepared, prepare
from altwright.describers.port import Describer, Description, Request, why_blank
from altwright.errors import AltwrightError, CaptionUnusable, ConfigError, ImageUnusable
from altwright.evaluation.cost import Cost, Meter
from altwright.evaluation.references import Reference
from altwright.evaluation.verdict import Grade, Verdict, judge


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture with what a describer said of it; ``thumbnail`` is a JPEG (empty: none)."""

    reference: Reference
    describer: str
    model: str
    text: str
    #: What stands beside an empty field, or why there is no text.
    beside: str
    level: str | None
    verdict: Verdict
    cost: Cost
    thumbnail: bytes

    @property
    def is_sure(self) -> bool:
        """Return whether the describer was sure of its text."""
        return self.level == "high"

    def to_json(self) -> dict[str, Any]:
        """Return a line for programs."""
        return {
            "file": self.reference.file,
            "kind": self.reference.kind,
            "describer": self.describer,
            "model": self.model,
            "text": self.text,
            "beside": self.beside,
            "level": self.level,
            "grade": self.verdict.grade.value,
            "reasons": list(self.verdict.reasons),
            "names": self.verdict.names,
            "text_error": self.verdict.text_error,
            "values": self.verdict.values,
            "seconds": round(self.cost.seconds, 3),
            "cpu_s": self.cost.cpu_s,
            "peak_mib": self.cost.peak_mib,
        }


def judged(
    describer: Describer,
    folder: Path,
    references: Sequence[Reference],
    *,
    max_length: int,
    max_pixels: int,
) -> Iterator[Judged]:
    """Yield each picture's outcome as soon as it is there, in the order of the references.

    Raises:
        ConfigError: the describer isn't set up: it would be the same for each.
    """
    for reference in references:
        meter = Meter()
        thumbnail, level, beside, text = b"", None, "", ""
        try:
            prepared: Prepared = prepare(
                (folder / reference.file).read_bytes(), max_pixels=max_pixels
            )
            thumbnail = prepared.thumbnail
            meter = meter.restarted()
            said: Description = describer.describe(prepared.picture, Request(max_length=max_length))
        except ConfigError:
            raise
        except (CaptionUnusable, ImageUnusable) as error:
            verdict, beside = Verdict(Grade.NOTHING), str(error)
        except AltwrightError as error:
            verdict, beside = Verdict(Grade.FAILED, (str(error),)), str(error)
        else:
            text, level, beside = said.text, said.level, why_blank(said.evidence)
            verdict = judge(reference, text, max_length)
        yield Judged(
            reference,
            describer.name,
            describer.model,
            text,
            beside,
            level,
            verdict,
            meter.read(),
            thumbnail,
        )
