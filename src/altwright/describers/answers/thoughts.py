"""What models think aloud before they answer, by the marks of each family of models.

Sources: the families' chat templates (DeepSeek, Qwen, Magistral, Kimi, Seed, Gemma, gpt-oss's
harmony format, OpenThinker, GLM) and what leaks from them: llama.cpp#15181, odysseus#2419,
litellm#16272, ollama#18374.
"""

# ruff: noqa: E501, RUF001 - patterns in many scripts stay whole, and their characters are meant

from __future__ import annotations

import re

from altwright.describers.answers.quotations import outside
from altwright.errors import CaptionUnusable

_TAGS = (
    "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad|seed:think|inner_monologue"
)
#: Where thoughts begin and end; the group "end" tells one from the other.
_MARK = re.compile(
    rf"<(?P<end>/)?(?:{_TAGS})\s*>"
    r"|\[(?P<end2>/)?THINK\]"
    r"|◁(?P<end3>/)?think▷"
    r"|<\|(?:begin|(?P<end4>end))_of_thought\|>"
    r"|<\|channel>\s*thought|(?P<end5><channel\|>)",
    re.IGNORECASE,
)
#: gpt-oss's channels: only "final" is for people. The second form has lost its marks.
_FINAL_CHANNEL = re.compile(
    r"<\|channel\|>\s*final\b[^<]{0,40}(?:<\|message\|>)?|assistant\s?final(?=\W|[A-Z])"
)
_OTHER_CHANNEL = re.compile(
    r"<\|channel\|>\s*(?:analysis|commentary)|^(?:analysis|commentary)(?=[A-Z])"
)
_ANSWER = re.compile(
    r"<(?:final_?)?(?:answer|response|output|solution|result|alt[-_]?text|caption|description)\s*>"
    r"|<\|begin_of_(?:box|solution)\|>|<final>",
    re.IGNORECASE,
)
_ANSWER_END = re.compile(r"</[a-z_-]{3,14}\s*>|<\|end_of_(?:box|solution)\|>", re.IGNORECASE)
#: How thoughts without marks begin.
_ALOUD = re.compile(
    r"^\W*(?:(?:thinking|thought|reasoning) process|chain of thought)\W*:"
    r"|^\W*(?:(?:my )?reasoning|thoughts?|analysis)\W*:\W{0,3}\n"
    r"|^\W*(?:okay|ok|alright|all right|hm+|so|well|right|got it|wait)\b(?:[,.!…]+\s+(?:so\b|first,|now,)"
    r"|[,.!…]*\s+(?:(?:so|now|first),?\s+)?(?:let's|let me|the user|i need|i should|we need)\b)"
    r"|^\W*(?:let's see|let me (?:see|think|look|analy[sz]e|start|examine)|let's (?:think|look|analy[sz]e))\b"
    r"|^\W*the user (?:wants|asks|asked|is asking|needs|provided|would like|has (?:asked|provided|given))\b"
    r"|^\W*(?:i|we) (?:need|have|should|must|want) to (?:write|describe|produce|create|generate|output"
    r"|come up|provide|look|analy[sz]e|give)\b"
    r"|^\W*(?:okay,? )?(?:der (?:nutzer|benutzer) (?:möchte|will|fragt)|l'utilisateur (?:veut|demande)"
    r"|el usuario (?:quiere|pide)|пользователь (?:хочет|просит))"
    r"|^\W*(?:好的|嗯)?[，,]?\s*(?:用户|用戶)(?:要求|想|希望|需要|让|發)|^\W*ユーザー(?:は|が)",
    re.IGNORECASE,
)
#: What ends thoughts without marks.
_AT_LAST = re.compile(
    r"(?:^|\n)\W{0,6}(?:(?:the )?final (?:answer|alt[- ]?text|description|version|output|text)|alt[- ]?text"
    r"|answer|so the alt[- ]?text (?:is|would be|could be))\W{0,4}:\W{0,4}",
    re.IGNORECASE,
)
STILL_THINKING = "The model was still thinking when its answer ended."


def without_thoughts(answer: str) -> str:
    """Return what of an answer is meant for people.

    Raises:
        CaptionUnusable: there are only thoughts.
    """
    text = _spoken(_final_channel(answer)).strip()
    if found := list(outside(_ANSWER, text)):
        text = text[found[-1].end() :]
        if end := _ANSWER_END.search(text):
            text = text[: end.start()]
    if _ALOUD.match(text):
        said = list(_AT_LAST.finditer(text))
        if not said:
            raise CaptionUnusable("The model answered with its thoughts, not with a description.")
        text = text[said[-1].end() :]
    return text.strip()


def _final_channel(text: str) -> str:
    if _OTHER_CHANNEL.search(text) is None and "<|channel|>" not in text:
        return text
    found = list(_FINAL_CHANNEL.finditer(text))
    if not found:
        raise CaptionUnusable(STILL_THINKING)
    return text[found[-1].end() :]


def _spoken(text: str) -> str:
    """Drop what stands between marks of thoughts, and all before an end without a beginning."""
    kept: list[str] = []
    depth = at = 0
    for mark in _MARK.finditer(text):
        if depth == 0:
            kept.append(text[at : mark.start()])
        if any(value is not None for value in mark.groupdict().values()):
            if depth == 0:
                kept.clear()
            depth = max(depth - 1, 0)
        else:
            depth += 1
        at = mark.end()
    if depth:
        raise CaptionUnusable(STILL_THINKING)
    return "".join([*kept, text[at:]])
