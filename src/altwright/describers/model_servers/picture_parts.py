"""How a picture is shown to a model server: in one, or the readable parts of a very long one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from altwright.describers.port import Picture
from altwright.errors import AltwrightError, Category, RateLimited

T = TypeVar("T")

#: Parts of a long picture that are shown: enough for an alt text, and few enough for a context.
MAX_VIEWS: Final = 4
#: What another, smaller request wouldn't change.
_UNREACHED: Final = frozenset({Category.NETWORK, Category.TIMEOUT})


def shown(picture: Picture, ask: Callable[[tuple[Picture, ...]], T]) -> T:
    """Return the answer to a picture's views; where several are refused, to the first alone.

    Servers say in many ways, with 400 and with 500, that they take one image in a request. Source:
    Ollama with llama3.2-vision ("only supports a single image per message"); vLLM, which takes one
    unless told otherwise (limit_mm_per_prompt).
    """
    views = picture.parts[:MAX_VIEWS] or (picture,)
    if len(views) == 1:
        return ask(views)
    try:
        return ask(views)
    except RateLimited:
        raise
    except AltwrightError as error:
        if error.category in _UNREACHED:
            raise
        return ask(views[:1])
