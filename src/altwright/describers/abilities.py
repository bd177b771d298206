"""What a describer can do, and what it is called: whoever asks it offers no more than that."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from altwright.describers.answers.languages import language_name, primary_language
from altwright.domain.counting import listed

#: Describers for people, by the name that settings and drafts have.
NAMES = MappingProxyType(
    {
        "offline": "the built-in describer",
        "model": "a model on this server",
        "ollama": "Ollama",
        "openai": "a model server",
    }
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a describer takes and gives.

    ``languages`` are primary subtags of BCP 47 (empty: whatever its model knows), ``pictures``
    says which kinds it is good at, ``parallel`` how many it takes at a time (None: its server
    knows).
    """

    languages: tuple[str, ...] = ()
    takes_hint: bool = True
    takes_post_text: bool = True
    #: Whether it takes an account's style, and the names that its owner wants to be known.
    takes_style: bool = True
    pictures: str = "any picture"
    parallel: int | None = None
    #: Whether what it saw has the words in the picture (evidence["text"]).
    reads_text: bool = False

    def writes(self, language: str) -> bool:
        """Return whether it writes a language, by its BCP 47 tag."""
        return not self.languages or primary_language(language) in self.languages

    def limits(self, name: str) -> str:
        """Return a sentence on what the describer of this name can't, or "": it can all."""
        cannot = []
        if self.languages:
            cannot.append(f"knows {' and '.join(map(language_name, self.languages))} only")
        if not self.takes_hint:
            cannot.append("cannot use a hint")
        if not self.takes_post_text:
            cannot.append("does not read the post")
        if not self.takes_style:
            cannot.append("knows no names and no style of yours")
        who = title(name)
        return f"{who[0].upper()}{who[1:]} {listed(cannot)}." if cannot else ""


def title(name: str) -> str:
    """Return what people read for a describer's name."""
    return NAMES.get(name, name)
