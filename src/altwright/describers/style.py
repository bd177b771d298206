"""How the owner of an account wants its texts to be written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Length(StrEnum):
    """How much a text says; how long it may be at most, run and server decide."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


class Tone(StrEnum):
    """How a text sounds."""

    NEUTRAL = "neutral"
    WARM = "warm"
    PLAYFUL = "playful"
    FORMAL = "formal"


@dataclass(frozen=True, slots=True)
class Style:
    """The owner's wishes; ``words`` are their own, at most ``STYLE_MOST`` characters."""

    length: Length = Length.MEDIUM
    tone: Tone = Tone.NEUTRAL
    #: Whether no text may name a person, whatever is known of them.
    names_nobody: bool = False
    words: str = ""


#: Of who wishes for nothing.
USUAL: Final = Style()
