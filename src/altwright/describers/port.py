"""What a describer is: something that turns one prepared picture into text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from altwright.describers.abilities import Abilities
from altwright.describers.style import USUAL, Style

#: Characters of a hint; more only distracts from the picture.
HINT_MOST: Final = 500
#: Characters of what is to be known of all pictures of an account, and of wishes for their texts.
NAMES_MOST: Final = 2_000
STYLE_MOST: Final = 500

Level = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is ready to be described.

    ``data`` is a JPEG or PNG of at most ``config.IMAGE_SIDE_PX`` pixels a side, upright, sRGB,
    without transparency (captions.pictures prepares it); ``media_type`` is its MIME type. ``parts``
    show a very long picture, of which ``data`` shows next to nothing, in readable pieces from the
    top (or from the left); they have no parts of their own.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    #: Frames of the original (1: a still) and its length, for "Animated image (…)".
    frames: int = 1
    duration_s: float = 0.0
    parts: tuple[Picture, ...] = ()
    #: What is wrong with the picture, as a sentence for the person who reviews ("": nothing).
    note: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What to write: ``language`` is BCP 47; ``max_length`` counts Unicode characters.

    ``post_text`` is the plain text of the post (empty: not to be used), ``hint`` what the user said
    about the picture ("this is my cat Mia"), at most ``HINT_MOST`` characters. ``names`` are who
    and what the account's pictures often show, in its owner's words, at most ``NAMES_MOST``.
    """

    language: str = "en"
    max_length: int = 500
    post_text: str = ""
    hint: str = ""
    names: str = ""
    style: Style = USUAL
    #: The only one that is asked, by its name, where several are there ("": whoever comes first).
    describer: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """A description drawn from the picture's pixels.

    ``level`` is the describer's own confidence (None: it doesn't know); ``evidence`` is a JSON
    object with what it saw (recognised text, objects, faces, colours), for the person who reviews.
    ``text`` is empty where that says too little for an alt text, or where its owner has to decide
    who describes it; then ``evidence["seen"]`` or ``["refused"]`` is a sentence on that.
    """

    text: str
    describer: str
    model: str
    level: Level | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def why_blank(evidence: Mapping[str, Any]) -> str:
    """Return what a person reads where a describer gives no text; "": it says nothing."""
    seen, refused = evidence.get("seen"), evidence.get("refused")
    if isinstance(refused, str) and refused:
        return f"{refused} Another describer is asked only if you say so."
    return f"Too little was seen for a draft: {seen}" if isinstance(seen, str) and seen else ""


class Describer(Protocol):
    """Ollama, an OpenAI-compatible server, or the offline describer."""

    name: str
    #: The name of the model in use, as stored with each draft.
    model: str
    abilities: Abilities

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture; thread-safe.

        Raises:
            DescriberUnavailable: it doesn't answer, or can't now (retry later); NotOnThisHost:
                another host may be able to.
            RateLimited: the server asked to wait.
            CaptionUnusable: it answered, with nothing that could be an alt text, or it doesn't take
                this picture.
            ConfigError: the server refuses our key, has no credit for us or not the model.
            Interrupted: this thread's work is to end.

        ``operator_detail`` of an error has the server's own words.
        """

    def probe(self) -> str:
        """Return a line for people that says what answers (server, version, model).

        After a failure it tries a picture of its own, so that a bad server is told from a bad
        picture.

        Raises:
            DescriberUnavailable: nothing answers.
            ConfigError: something answers, but wrongly configured (no such model, key refused).
        """

    def lacking(self) -> str:
        """Return what this host lacks to describe with it, for its operator; "": nothing."""
        return ""

    def close(self) -> None:
        """Release processes and connections; the describer may be used again afterwards."""
        return
