"""What a model server's refusal means: whose fault it is, and what to say to whom.

Servers agree on few status codes and no words, so the words decide, in the order of this table.
5xx is the server's own trouble and passes, unless the words are about the file and nothing else: an
overloaded server fails to process an image too.
Sources: gram#2726, openhuman#4041, gptme#2388 (no credit); hermes-agent#82993 (context); OpenAI's,
OpenRouter's, Ollama's, llama.cpp's and vLLM's own messages.
"""

# ruff: noqa: ISC004 - mypy counts a row's fields, so a missing comma shows

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
    PictureRefused,
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


@dataclass(eq=False)
class Refused(Exception):
    """The server refused a request for a reason that has to be read.

    ``kind`` is the server's own name of the fault, if it gave one; ``retry_in_s`` as it asked.
    """

    status: int
    said: str
    kind: str = ""
    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What a describer's server, model and settings are called."""

    server: str
    url_setting: str
    key_setting: str
    model_setting: str
    model: str


_CLIENT = frozenset(range(400, 500))
_BROKEN = frozenset({500})
_ANY = frozenset(range(400, 600))


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
#: Statuses, words ("": any), and the error that they mean. The first that fits holds.
_CAUSES: tuple[tuple[frozenset[int], str, Callable[[Names, Refused], AltwrightError]], ...] = (
    (
        frozenset({403, 503}),
        r"<html|<!doctype|cloudflare|just a moment|captcha",
        lambda names, refused: DescriberUnavailable(
            f"Something in front of {names.server} refuses us.", retry_in_s=refused.retry_in_s
        ),
    ),
    (
        frozenset({400, 402, 403, 429}),
        r"insufficient[_ ](?:quota|credit|balance|funds)|(?:credit|account) balance"
        r"|no credits?\b|out of credits?|more credits|billing[_ ](?:hard|not|limit)"
        r"|payment required|arrearage|quota is exhausted",
        _NO_CREDIT,
    ),
    (frozenset({402}), "", _NO_CREDIT),
    (
        frozenset({429}),
        "",
        lambda names, refused: RateLimited(
            f"{names.server} asked us to wait.", retry_in_s=refused.retry_in_s
        ),
    ),
    (
        frozenset({408, 504}),
        "",
        lambda names, refused: DescriberUnavailable(
            f"{names.server} ran out of time.",
            category=Category.TIMEOUT,
            retry_in_s=refused.retry_in_s,
        ),
    ),
    (frozenset({401}), "", _WRONG_KEY),
    (
        frozenset({400, 403, 422, 451}),
        r"moderat|flagged|content[_ ]?(?:policy|filter|management)|responsible ?ai|safety"
        r"|policy[_ ]violation|data_inspection|inappropriate",
        lambda _names, _refused: PictureRefused(
            "The model server's rules don't allow this picture."
        ),
    ),
    (
        _CLIENT,
        r"context[ _](?:length|window|size)|max\w* context|exceed\w* (?:\w+ ){0,3}context"
        r"|prompt (?:is )?too long|too many (?:input )?tokens|input is too long",
        _TOO_LONG,
    ),
    (
        _BROKEN,
        r"exceed\w* (?:\w+ ){0,3}context|prompt (?:is )?too long|too many (?:input )?tokens",
        _TOO_LONG,
    ),
    (
        _CLIENT,
        r"(?:image|picture|width|height|dimension|side).{0,80}(?:too small|at least|minimum"
        r"|must be (?:larger|greater|bigger)|larger than factor)",
        _TOO_SMALL,
    ),
    (_BROKEN, r"height:\s?\d+ (?:or|and) width:\s?\d+ must be larger", _TOO_SMALL),
    (
        _CLIENT,
        r"(?:image|picture|payload|request|body|entity|file).{0,60}(?:too (?:large|big)|exceeds"
        r"|larger than)",
        _TOO_LARGE,
    ),
    (frozenset({413}), "", _TOO_LARGE),
    (
        _CLIENT,
        r"image_?url.{0,80}https?\b|only https?\b.{0,40}\bur[li]s?|data:? ur[li]s? .{0,20}not",
        _config("url_setting", "{server} takes pictures by their address only, not in a request"),
    ),
    (
        _CLIENT,
        r"(?:could not|cannot|can't|failed to|unable to).{0,40}\b(?:decode|load|read|process"
        r"|parse).{0,40}(?:image|picture)|(?:invalid|unsupported|corrupt\w*) (?:\w+ )?image"
        r"|image (?:format|type|data|url)",
        _UNREADABLE,
    ),
    (
        _BROKEN,
        r"image: unknown format|cannot identify image|image file is truncated"
        r"|(?:invalid|unsupported) image (?:format|type)|corrupt\w* (?:image|jpe?g|png)",
        _UNREADABLE,
    ),
    (
        _ANY,
        r"(?:image|vision|multimodal|mmproj)\w*.{0,80}(?:(?:not|n't) (?:\w+ )?support"
        r"|unsupported|not enabled|missing|only text)"
        r"|(?:(?:not|n't|no endpoints found that) support|unsupported|missing|only text"
        r"|not a vision).{0,80}(?:image|vision|multimodal|mmproj)",
        _config("model_setting", "{model} can't see pictures"),
    ),
    (
        frozenset({400, 403, 404, 422}),
        r"model.{0,120}(?:not (?:found|exist|available|supported|loaded)"
        r"|doesn't exist|unknown|invalid)|model_not_found|no endpoints found"
        r"|(?:no such|unknown|invalid|access to(?: the)?) model",
        _config("model_setting", "{server} doesn't have {model}"),
    ),
    (frozenset({403}), "", _WRONG_KEY),
    (frozenset(range(500, 600)), "", _in_trouble),
    (
        frozenset({404, 405}),
        "",
        _config("url_setting", "what answers there doesn't know this API, or lacks {model}"),
    ),
    (
        _CLIENT,
        "",
        lambda names, refused: CaptionUnusable(
            f"{names.server} refused the picture ({refused.status})."
        ),
    ),
)


def meaning(names: Names, refused: Refused) -> AltwrightError:
    """Return the error of a refusal, with the server's own words for the operator."""
    words = f"{refused.kind} {refused.said}"
    for statuses, pattern, means in _CAUSES:
        if refused.status in statuses and re.search(pattern, words, re.IGNORECASE):
            error = means(names, refused)
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
