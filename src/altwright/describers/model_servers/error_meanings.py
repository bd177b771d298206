"""What a model server's refusal means: whose fault it is, and what to say to whom.

Servers agree on few status codes and no words, so the words decide, in the order of this table.
5xx is the server's own trouble and passes, unless the words are about the file and nothing else: an
overloaded server fails to process an image too.
Sources: gram#2726, openhuman#4041, gptme#2388 (no credit); hermes-agent#82993 (context); OpenAI's,
OpenRouter's, Ollama's, llama.cpp's and vLLM's own messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from altwright.errors import (
    AltwrightError,
    CaptionUnusable,
    Category,
    ConfigError,
    DescriberUnavailable,
    RateLimited,
)
from altwright.text import clean_line

_SAID_CHARACTERS = 300
#: What no log should hold: keys, and where things lie on somebody's machine.
_SECRETS = re.compile(
    r"\b(?:bearer\s+\S+|(?:sk|pk|key|token|api)[-_][\w-]{6,})"
    r"|(?<![\w/.])(?:/[\w.@-]+){2,}/?|\b[A-Z]:\\\S+|\?\S+(?==)\S+",
    re.IGNORECASE,
)


class Refused(Exception):
    """The server refused a request for a reason that has to be read.

    ``kind`` is the server's own name of the fault, if it gave one; ``retry_in_s`` as it asked.
    """

    def __init__(
        self, status: int, said: str, *, kind: str = "", retry_in_s: float | None = None
    ) -> None:
        """Keep the status and the server's own words."""
        super().__init__(f"{status}: {said}")
        self.status = status
        self.said = said
        self.kind = kind
        self.retry_in_s = retry_in_s


@dataclass(frozen=True, slots=True)
class Names:
    """What a describer's server, model and settings are called."""

    server: str
    url_setting: str
    key_setting: str
    model_setting: str
    model: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of refusals: the statuses and words by which it is known, and its error."""

    name: str
    statuses: frozenset[int]
    words: re.Pattern[str]
    error: Callable[[Names, Refused], AltwrightError]


_CLIENT = frozenset(range(400, 500))
_BROKEN = frozenset({500})
_ANY = frozenset(range(400, 600))
_ALWAYS = re.compile("")


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _config(setting: str, problem: str) -> Callable[[Names, Refused], AltwrightError]:
    def error(names: Names, _refused: Refused) -> AltwrightError:
        said = problem.format(server=names.server, model=names.model)
        return ConfigError([f"{getattr(names, setting)}: {said}"])

    return error


def _unusable(message: str) -> Callable[[Names, Refused], AltwrightError]:
    return lambda _names, _refused: CaptionUnusable(message)


def _in_trouble(names: Names, refused: Refused) -> AltwrightError:
    return DescriberUnavailable(
        f"{names.server} is in trouble (it answered {refused.status}).",
        retry_in_s=refused.retry_in_s,
    )


_WRONG_KEY = _config("key_setting", "{server} doesn't accept it")
_NO_CREDIT = _config("key_setting", "its account at the model server has no credit left")
_TOO_LARGE = _unusable("The picture is too large for the model server.")
_TOO_LONG = _unusable("The picture and the words with it are more than the model takes in at once.")
_TOO_SMALL = _unusable("The picture is too small for the model.")
_UNREADABLE = _unusable("The model server can't read the picture.")
#: The first that fits holds.
CAUSES = (
    Cause(
        "a wall in front",
        frozenset({403, 503}),
        _words(r"<html|<!doctype|cloudflare|just a moment|captcha"),
        lambda names, refused: DescriberUnavailable(
            f"Something in front of {names.server} refuses us.", retry_in_s=refused.retry_in_s
        ),
    ),
    Cause(
        "no credit",
        frozenset({400, 402, 403, 429}),
        _words(
            r"insufficient[_ ](?:quota|credit|balance|funds)|(?:credit|account) balance"
            r"|no credits?\b|out of credits?|more credits|billing[_ ](?:hard|not|limit)"
            r"|payment required|arrearage|quota is exhausted"
        ),
        _NO_CREDIT,
    ),
    Cause(
        "no credit",
        frozenset({402}),
        _ALWAYS,
        _NO_CREDIT,
    ),
    Cause(
        "asks to wait",
        frozenset({429}),
        _ALWAYS,
        lambda names, refused: RateLimited(
            f"{names.server} asked us to wait.", retry_in_s=refused.retry_in_s
        ),
    ),
    Cause(
        "out of time",
        frozenset({408, 504}),
        _ALWAYS,
        lambda names, refused: DescriberUnavailable(
            f"{names.server} ran out of time.",
            category=Category.TIMEOUT,
            retry_in_s=refused.retry_in_s,
        ),
    ),
    Cause("wrong key", frozenset({401}), _ALWAYS, _WRONG_KEY),
    Cause(
        "moderation",
        frozenset({400, 403, 422, 451}),
        _words(
            r"moderat|flagged|content[_ ]?(?:policy|filter|management)|responsible ?ai|safety"
            r"|policy[_ ]violation|data_inspection|inappropriate"
        ),
        _unusable("The model server's rules don't allow this picture."),
    ),
    Cause(
        "context too long",
        _CLIENT,
        _words(
            r"context[ _](?:length|window|size)|max\w* context|exceed\w* (?:\w+ ){0,3}context"
            r"|prompt (?:is )?too long|too many (?:input )?tokens|input is too long"
        ),
        _TOO_LONG,
    ),
    Cause(
        "context too long, with 500",
        _BROKEN,
        _words(
            r"exceed\w* (?:\w+ ){0,3}context|prompt (?:is )?too long|too many (?:input )?tokens"
        ),
        _TOO_LONG,
    ),
    Cause(
        "too small",
        _CLIENT,
        _words(
            r"(?:image|picture|width|height|dimension|side).{0,80}(?:too small|at least|minimum"
            r"|must be (?:larger|greater|bigger)|larger than factor)"
        ),
        _TOO_SMALL,
    ),
    Cause(
        "too small, with 500",
        _BROKEN,
        _words(r"height:\s?\d+ (?:or|and) width:\s?\d+ must be larger"),
        _TOO_SMALL,
    ),
    Cause(
        "too large",
        _CLIENT,
        _words(
            r"(?:image|picture|payload|request|body|entity|file).{0,60}(?:too (?:large|big)|exceeds"
            r"|larger than)"
        ),
        _TOO_LARGE,
    ),
    Cause(
        "too large",
        frozenset({413}),
        _ALWAYS,
        _TOO_LARGE,
    ),
    Cause(
        "takes addresses only",
        _CLIENT,
        _words(
            r"image_?url.{0,80}https?\b|only https?\b.{0,40}\bur[li]s?|data:? ur[li]s? .{0,20}not"
        ),
        _config("url_setting", "{server} takes pictures by their address only, not in a request"),
    ),
    Cause(
        "can't be read",
        _CLIENT,
        _words(
            r"(?:could not|cannot|can't|failed to|unable to).{0,40}\b(?:decode|load|read|process"
            r"|parse).{0,40}(?:image|picture)|(?:invalid|unsupported|corrupt\w*) (?:\w+ )?image"
            r"|image (?:format|type|data|url)"
        ),
        _UNREADABLE,
    ),
    Cause(
        "can't be read, with 500",
        _BROKEN,
        _words(
            r"image: unknown format|cannot identify image|image file is truncated"
            r"|(?:invalid|unsupported) image (?:format|type)|corrupt\w* (?:image|jpe?g|png)"
        ),
        _UNREADABLE,
    ),
    Cause(
        "can't see",
        _ANY,
        _words(
            r"(?:image|vision|multimodal|mmproj)\w*.{0,80}(?:(?:not|n't) (?:\w+ )?support"
            r"|unsupported|not enabled|missing|only text)"
            r"|(?:(?:not|n't|no endpoints found that) support|unsupported|missing|only text"
            r"|not a vision).{0,80}(?:image|vision|multimodal|mmproj)"
        ),
        _config("model_setting", "{model} can't see pictures"),
    ),
    Cause(
        "unknown model",
        frozenset({400, 403, 404, 422}),
        _words(
            r"model.{0,120}(?:not (?:found|exist|available|supported|loaded)"
            r"|doesn't exist|unknown|invalid)|model_not_found|no endpoints found"
            r"|(?:no such|unknown|invalid|access to(?: the)?) model"
        ),
        _config("model_setting", "{server} doesn't have {model}"),
    ),
    Cause("wrong key", frozenset({403}), _ALWAYS, _WRONG_KEY),
    Cause("in trouble", frozenset(range(500, 600)), _ALWAYS, _in_trouble),
    Cause(
        "another server",
        frozenset({404, 405}),
        _ALWAYS,
        _config("url_setting", "what answers there doesn't know this API, or lacks {model}"),
    ),
    Cause(
        "refused",
        _CLIENT,
        _ALWAYS,
        lambda names, refused: CaptionUnusable(
            f"{names.server} refused the picture ({refused.status})."
        ),
    ),
)


def meaning(names: Names, refused: Refused) -> AltwrightError:
    """Return the error of a refusal, with the server's own words for the operator."""
    words = f"{refused.kind} {refused.said}"
    for cause in CAUSES:
        if refused.status in cause.statuses and cause.words.search(words):
            error = cause.error(names, refused)
            break
    else:
        error = _in_trouble(names, refused)
    error.operator_detail = f"{names.server} answered {refused.status}: {refused.said}"
    return error


def said(words: object, *, key: str = "") -> str:
    """Return a server's own words as one short line without keys and paths."""
    line = clean_line(words, 2 * _SAID_CHARACTERS)
    if key:
        line = line.replace(key, "…")
    return clean_line(_SECRETS.sub("…", line), _SAID_CHARACTERS)
