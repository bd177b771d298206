"""What a describing rule hands back: a phrase, how sure it is, and what kind of picture it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from altwright.describers.port import Level


@dataclass(frozen=True, slots=True)
class Statement:
    """Sentences for the alt text; ``kind`` is a word for the evidence ("photo", "bar chart")."""

    text: str
    level: Level
    kind: str

    def unsure(self) -> Statement:
        """Return it at a medium level at most: a person has to look."""
        return replace(self, level="medium") if self.level == "high" else self
