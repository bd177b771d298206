"""A model behind a server: how it is asked for an alt text, whatever API the server speaks."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Final

from altwright.describers.abilities import Abilities
from altwright.describers.answers.cleaning import alt_text
from altwright.describers.model_servers.calls import ModelServer
from altwright.describers.model_servers.prompts import TRIAL
from altwright.describers.port import Describer, Description, Picture, Request
from altwright.errors import (
    AltwrightError,
    CaptionUnusable,
    Category,
    PictureRefused,
    RateLimited,
)

#: Low, because a description isn't to be original.
TEMPERATURE: Final = 0.2
#: Parts of a long picture that are shown: enough for an alt text, and few enough for a context.
MAX_VIEWS: Final = 4
#: What another, smaller request wouldn't change.
_UNREACHED: Final = frozenset({Category.NETWORK, Category.TIMEOUT})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said; ``is_cut_off``: not to its end, as far as the server tells."""

    text: str
    is_cut_off: bool
    #: Whether it used its tokens up on thoughts, and said nothing.
    is_thought_only: bool
    #: Whether the server says itself that the model refused.
    is_refusal: bool = False


class ServedModel(Describer):
    """A describer that asks a model server; each API says how (``complete``)."""

    abilities = Abilities()

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self.model = server.names.model
        #: Whether the model has used a whole answer up on thinking: then it gets room for it.
        self._thinks = False
        #: Whether the last picture failed at the server: then a probe tries one.
        self._is_doubtful = False

    @abstractmethod
    def complete(self, picture: Picture, views: tuple[Picture, ...], request: Request) -> Answer:
        """Return the answer to a picture's views. Raises as ``describe`` does."""

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture."""
        try:
            answer = self._answer(picture, request)
        except RateLimited:
            raise
        except AltwrightError:
            # Also where the picture is to blame: a server may say so of every picture.
            self._is_doubtful = True
            raise
        self._is_doubtful = False
        if answer.is_refusal:
            raise PictureRefused("The model refused to describe the picture.")
        if answer.is_thought_only:
            error = CaptionUnusable("The model used its whole answer up on thinking.")
            error.operator_detail = (
                f"{self.model} thinks before it answers; choose one that needn't"
            )
            raise error
        text = alt_text(answer.text, max_length=request.max_length, cut_off=answer.is_cut_off)
        return Description(text, self.name, self.model)

    def try_if_doubtful(self) -> None:
        """Ask for a word on a small picture, if the last one failed. Raises what it meets."""
        if self._is_doubtful:
            self.try_one()
            self._is_doubtful = False

    def try_one(self) -> None:
        """Ask for a word on a small picture. Raises what a description would."""
        picture, request = TRIAL
        self.complete(picture, (picture,), request)

    def _answer(self, picture: Picture, request: Request) -> Answer:
        """Ask; once more, with room for thoughts, if the model used its answer up on them."""
        answer = self._shown(picture, request)
        if answer.is_thought_only and not self._thinks:
            self._thinks = True
            answer = self._shown(picture, request)
        return answer

    def _shown(self, picture: Picture, request: Request) -> Answer:
        """Return the answer to a picture's views; where several are refused, to the first alone.

        Servers say in many ways, with 400 and with 500, that they take one image in a request.
        Source: Ollama with llama3.2-vision ("only supports a single image per message"); vLLM,
        which takes one unless told otherwise (limit_mm_per_prompt).
        """
        views = picture.parts[:MAX_VIEWS] or (picture,)
        try:
            return self.complete(picture, views, request)
        except RateLimited:
            raise
        except AltwrightError as error:
            if len(views) == 1 or error.category in _UNREACHED:
                raise
            return self.complete(picture, views[:1], request)
