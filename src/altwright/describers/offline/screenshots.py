"""Pictures of text: which kind of screen it is, and what is written on it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean, median
from typing import Final

from altwright.describers.offline import listings, loose_numbers, other_scripts
from altwright.describers.offline.english import quoted
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.reading_order import joined, ordered, rows
from altwright.describers.port import Level

_HANDLE: Final = re.compile(r"(?<![\w.])@[\w.-]+(@[\w.-]+\.[a-z]{2,})?")
_POST_WORDS: Final = re.compile(
    r"(?i)\b(boosts?|reposts?|retweets?|favou?rites?|likes?|repl(y|ies)|quotes?|follow(ing)?)\b"
)
_AGE: Final = re.compile(r"(?i)(^|[\s·•])\d{1,2} ?(s|m|h|d|min)\b")
_TERMINAL: Final = re.compile(
    r"(^|\s)(\$ \w|[\w.-]+@[\w.-]+:[~/]|PS C:\\|C:\\\S*>|root@|\u276f )"
    r"|[\w-]+@[\w-]+ \S+ [%$#]( |$)|Traceback \(most recent|command not found"
    r"|^(sudo|git|npm|pip|docker|pytest|cargo) "
)
_CODE: Final = re.compile(
    r"(^|\s)(def \w+\(|class \w+|import \w+|from \w+ import|return\b|func \w+|fn \w+|const \w+|"
    r"let \w+ ?=|var \w+ ?=|public (static )?|private |#include|if \(|for \(|while \(|else:|elif )"
    r"|^#!/|; (then|do)$|^(fi|done|esac)$"
    r"|[;{}]\s*$|=>|</\w+>|\);$|self\.|^\w+ (=|\+=) |^for \w+ in |^print\("
)
_BUTTON: Final = re.compile(
    r"(?i)^(ok|cancel|abbrechen|annuler|yes|no|apply|close|retry|save|don'?t save|next ?>?|< ?back|"
    r"back|finish|continue|allow|deny|ignore|abort|details|help|browse\.*)$"
)
_CLOCK: Final = re.compile(r"^\d{1,2}[:.]\d{2}( ?[AaPp][Mm])?$")
#: Upper share of a phone's picture in which its clock stands, and what is written beside that.
_STATUS_BAR: Final = 0.08
_STATUS: Final = re.compile(r"^([45]G|LTE)?[\d\W]*$")
_ADDRESS: Final = re.compile(r"(https?://|www\.)\S+|^\w[\w-]*\.(com|org|net|social|io|de|eu)\b")
#: A share of lines that speak for code before it is called that.
_CODE_SHARE: Final = 0.4
#: Height over width from which on a picture has a phone's shape.
_PHONE_SHAPE: Final = 1.6
#: Lines of running text are longer on average; labels of a diagram are shorter.
_RUNNING_CHARACTERS: Final = 14
_FEW_LINES: Final = 6
#: Kinds whose columns are no columns of a page.
_IN_ROWS: Final = frozenset({"code", "terminal"})
#: What typed signs are read as: an upright stroke, and two that a programmer's font draws as one.
_SIGNS: Final = (
    (
        re.compile(
            r"(?<=\s)I(?=\s(grep|head|tail|wc|sort|uniq|sed|awk|cut|less|xargs|jq|tee|tr)\b)"
        ),
        "|",
    ),
    (re.compile(r"(?<=\s)(ll|\u2161)(?=\s)"), "||"),
    (re.compile("\u2260"), "!="),
    (re.compile("\u2264"), "<="),
    (re.compile("\u2265"), ">="),
    (re.compile("\u2192"), "->"),
    (re.compile("\u21d2"), "=>"),
)
#: A line of a formula: its indices and powers are read as letters beside the others.
_FORMULA: Final = re.compile(
    r"(?=.*=).*[\u0370-\u03ff\u2211\u222b\u221a\u2202\u2212\u00b2\u00b3\u207f]"
)
#: Digits of a number ("3.4k"), and a time of day.
_DIGITS: Final = re.compile(r"\d(?:[kKM]\b)?")
_TIME_OF_DAY: Final = re.compile(r"\d:\d")
#: What an icon is read as: an arrow at a number's side, a Chinese letter behind other words.
_ARROWS: Final = "\u2190\u2191\u2192\u2193\u25b2\u25bc "
_LONE_SIGN: Final = re.compile(r"(?<=[A-Za-z]{2})\s[\u4e00-\u9fff]$")
#: What a dialog box says: a sentence, or so many words at least.
_ENDS: Final = (".", "!", "?", "\u2026", ":")
_MESSAGE: Final = 4
#: Lines left of a program that are a list of files.
_SIDEBAR: Final = 3
#: The head of a piece of a comparison, whose added and removed lines aren't told apart.
_DIFF: Final = re.compile(r"@@ -\d+(,\d+)? \+\d+|^diff --git ")
#: Kinds in which one misread sign says something else.
_BY_THE_SIGN: Final = _IN_ROWS | {"formulas"}
#: Kinds that are told by their words, whatever their layout.
_PLAIN_TO_SEE: Final = frozenset({"social media post", "terminal", "phone list", "code"})
#: Kinds that say no more than that there is text.
PLAIN: Final = frozenset({"text", "picture with text"})
#: Kinds whose order of reading is guessed from where lines stand.
_IN_DOUBT: Final = PLAIN | {"web page", "phone screen"}
#: Gap to the next line of a row that may be one between columns, in line heights.
_GAP: Final = 1.2
#: Lines of one word that are there before, at most.
_AGAIN: Final = 2
#: What is said of text alone, and of text beside something that is drawn.
MORE_THAN_TEXT: Final = ("image of text", "image with the text")
#: Mean score of the recognised text from which on it is surely right.
SURE_TEXT: Final = 0.9
#: Letters that are something drawn where their score is lower and they are so many times as high as
#: what is surely text.
_FEW_LETTERS: Final = 4
_TALL: Final = ((SURE_TEXT, 3.0), (0.97, 5.0))
#: Score below which a lone digit may be an emoji (a goat is a 3), and what icons are read as: one
#: to close, a ring.
_SURE_DIGIT: Final = 0.95
_ICONS: Final = ("x", "X", "\N{MULTIPLICATION SIGN}", "o", "O")
#: Score below which a line of several words is a salad, and no draft if all of them are.
_SALAD: Final = 0.8
#: Mean characters of lines that are letters of a puzzle, in no order.
_LETTERS: Final = 1.5
#: Characters below which recognised text alone is no description.
_LEAST_CHARACTERS: Final = 3


def describe(lines: Sequence[Line], width: int, height: int) -> Statement | None:
    """Return what is written and on what kind of screen; None: too little to say."""
    cells = readable(lines, least_score=0.5)  # a lone "9°" is less sure than a sentence
    lines = readable(lines)
    if sum(len(line.text) for line in lines) < _LEAST_CHARACTERS:
        return None
    if mean(len(line.text) for line in lines) < _LETTERS:
        return Statement("image of single letters", "low", "text")
    in_order = ordered(lines)
    kind, prefix = _kind(in_order, width, height)
    if kind == "code":
        lines = _without_sidebar(lines)
    bar = status_bar(lines, height)
    in_order = _arranged(kind, lines, in_order, bar)
    level = _level(kind, lines, in_order)
    if kind in PLAIN:
        prefix, level, in_order = _plainly(prefix, level, in_order)
    said = joined(in_order)
    is_plain = kind in PLAIN and level != "low" and height > width  # a receipt, say
    is_listed = is_plain or kind == "phone screen"
    listed = listings.told([line for line in cells if line not in bar]) if is_listed else ""
    if listed and is_plain:
        prefix, level, said = MORE_THAN_TEXT[0], "medium", listed
    elif listed:
        kind, said = "phone list", listed
    text = f"{prefix}{other_scripts.named(in_order)}: {quoted(said)}"
    return Statement(text, level, kind)


def _arranged(
    kind: str, lines: Sequence[Line], in_order: list[Line], bar: Sequence[Line]
) -> list[Line]:
    """Return the lines in the order that a kind is read in, without what isn't told of it."""
    by_rows = [line for row in rows(lines) for line in row]
    if kind in _IN_ROWS:
        return [_with_signs(o) for o in (_without_numbers(by_rows) if kind == "code" else by_rows)]
    if kind == "social media post":
        return _without_counts(in_order)
    if kind == "phone screen":
        # What stands at the right of an app's list belongs to its row.
        goes_up = any(after.y1 < line.y0 for line, after in pairwise(in_order))
        return [line for line in (by_rows if goes_up else in_order) if line not in bar]
    return in_order


def _level(kind: str, lines: Sequence[Line], in_order: Sequence[Line]) -> Level:
    """Return how sure the text is: by its letters, by its order, and by what one sign means."""
    score = mean(line.score for line in lines)
    if score < SURE_TEXT:
        return "medium" if score >= _SALAD else "low"
    is_guessed = kind in _IN_DOUBT and (_jumps(in_order) or _has_speakers(lines))
    return "medium" if is_guessed or kind in _BY_THE_SIGN else "high"


def surely(lines: Sequence[Line], width: int, height: int) -> Statement | None:
    """Return what a post, a terminal or a phone shows, whose lines may stand like a table."""
    found = describe(lines, width, height)
    return found if found and found.kind in _PLAIN_TO_SEE else None


def status_bar(lines: Sequence[Line], height: int) -> list[Line]:
    """Return what stands in a phone's status bar: the clock, and signs and numbers beside it."""
    top = [line for line in lines if line.y < _STATUS_BAR * height]
    clock = next((line for line in top if _CLOCK.match(line.text)), None)
    if clock is None:
        return []
    beside = [line for line in top if clock.y0 < line.y < clock.y1 and _STATUS.match(line.text)]
    return [clock, *(line for line in beside if line is not clock)]


def readable(lines: Sequence[Line], least_score: float = 0.6) -> list[Line]:
    """Return the lines without what is probably an icon or a texture."""
    told = [_without_icons(line) for line in lines if line.score >= least_score]
    sure = [line.height for line in told if line.score >= SURE_TEXT]
    usual = median(sure or [line.height for line in told] or [0.0])
    return [line for line in told if _is_text(line) and not _is_drawn(line, usual)]


def _is_drawn(line: Line, usual: float) -> bool:
    """Return whether a line is a figure's head, or a leaf, rather than letters."""
    is_short = len(line.text) <= _FEW_LETTERS
    return is_short and any(
        line.score < score and line.height > times * usual for score, times in _TALL
    )


def _without_icons(line: Line) -> Line:
    text = _LONE_SIGN.sub("", line.text)
    if sum(character.isalpha() for character in text) <= 1:  # a number, or "3.4k"
        text = text.strip(_ARROWS)
    return replace(line, text=text)


def _with_signs(line: Line) -> Line:
    text = line.text
    for pattern, sign in _SIGNS:
        text = pattern.sub(sign, text)
    return replace(line, text=text)


def _is_text(line: Line) -> bool:
    letters = sum(character.isalnum() for character in line.text)
    if letters == 0:
        return False
    if line.text in _ICONS:
        return False
    lone = len(line.text) == 1 and not line.text.isdigit() and line.text not in "AI"
    return not (lone and (line.score < 0.9 or not line.text.isascii()))  # noqa: PLR2004 - icons


def _kind(  # noqa: PLR0911 - a table of rules, the surest first
    lines: Sequence[Line], width: int, height: int
) -> tuple[str, str]:
    texts = [line.text for line in lines]
    if _is_post(lines):
        return "social media post", "screenshot of a social media post"
    if any(_TERMINAL.search(text) for text in texts):
        return "terminal", "screenshot of a terminal"
    written = [text for text in texts if not text.isdecimal()]  # without an editor's numbers
    if 2 * sum(bool(_FORMULA.search(text)) for text in written) > len(written):
        return "formulas", "image of formulas"
    code = sum(bool(_CODE.search(text)) for text in written)
    if any(_DIFF.search(text) for text in texts):
        return "code", "screenshot of old and new lines of program code (a diff)"
    if len(written) >= 3 and code >= _CODE_SHARE * len(written):  # noqa: PLR2004 - a line isn't a program
        return "code", "screenshot of program code"
    buttons = [line for line in lines if _BUTTON.match(line.text)]
    if buttons and _is_dialog(lines, buttons):
        return "dialog box", "screenshot of a dialog box"
    if height >= _PHONE_SHAPE * width and status_bar(lines, height):
        return "phone screen", "screenshot of a phone screen"
    top = [line for line in lines if line.y < 0.08 * height]
    if any(_ADDRESS.search(line.text) for line in top) and len(rows(lines)) > 3:  # noqa: PLR2004
        return "web page", "screenshot of a web page"
    if len(texts) <= _FEW_LINES or mean(len(text) for text in texts) >= _RUNNING_CHARACTERS:
        return "text", MORE_THAN_TEXT[0]
    return "picture with text", MORE_THAN_TEXT[1]


def _plainly(prefix: str, level: Level, lines: Sequence[Line]) -> tuple[str, Level, list[Line]]:
    """Return how plain text is introduced, how sure it is, and the lines that say something."""
    kept = [_without_salad(line) for line in lines if not _may_be_emoji(line)]
    if not (loose := loose_numbers.find(lines)):
        return prefix, level, kept
    kept = [line for line in kept if line not in loose]
    heads = loose_numbers.heads(kept, loose)
    kept = [line for line in kept if line not in heads]
    has_words = sum(len(line.text) for line in kept) >= _LEAST_CHARACTERS
    return "image with numbers and the words", "medium" if has_words else "low", kept


def _without_counts(lines: Sequence[Line]) -> list[Line]:
    """Return a post's lines without rows of numbers, whose icons aren't told: of what are they?"""
    counts = [row for row in rows(lines) if all(_is_count(line.text) for line in row)]
    return [line for line in lines if not any(line in row for row in counts)]


def _is_count(text: str) -> bool:
    """Return whether a text is numbers and signs, or one sign that an icon was read as."""
    others = sum(character.isalnum() for character in _DIGITS.sub("", text))
    is_icon = others == 1 and not re.search(r"[a-zA-Z]", _DIGITS.sub("", text))
    return not _TIME_OF_DAY.search(text) and (others == 0 or is_icon)


def _jumps(lines: Sequence[Line]) -> bool:
    """Return whether the order leads across gaps, or up again: others might read it otherwise.

    A value beside what it belongs to is no such gap.
    """
    across = up = 0
    for line, following in pairwise(lines):
        is_beside = abs(following.y - line.y) < 0.5 * min(line.height, following.height)
        is_beside &= _has_words(line) and _has_words(following)
        gap = max(following.x0 - line.x1, line.x0 - following.x1)
        across += is_beside and gap > _GAP * line.height
        up += following.y1 < line.y0
    return across > 1 or up > 0


def _has_words(line: Line) -> bool:
    return any(character.isalpha() for character in line.text)


def _has_speakers(lines: Sequence[Line]) -> bool:
    """Return whether names stand there again and again, as in a talk: whose words are whose?"""
    short = Counter(line.text for line in lines if line.text.isalpha())
    again = [count for count in short.values() if count > 1]
    return sum(again) > _AGAIN


def _may_be_emoji(line: Line) -> bool:
    return len(line.text) == 1 and line.text.isdecimal() and line.score < _SURE_DIGIT


def _without_salad(line: Line) -> Line:
    is_salad = line.score < _SALAD and " " in line.text and not line.script
    return replace(line, text="\N{HORIZONTAL ELLIPSIS}") if is_salad else line


def _without_numbers(lines: Sequence[Line]) -> list[Line]:
    """Return a program's lines without the editor's line numbers."""
    numbered = [re.match(r"\d{1,4}(\s+|$)", line.text) for line in lines]
    if sum(match is not None for match in numbered) < 0.4 * len(lines):
        return list(lines)
    stripped = [
        replace(line, text=line.text[match.end() :] if match else line.text)
        for line, match in zip(lines, numbered, strict=True)
    ]
    return [line for line in stripped if line.text]


def _without_sidebar(lines: Sequence[Line]) -> list[Line]:
    """Return a program's lines without a list of files that stands at its left."""
    code = [line for line in lines if _CODE.search(line.text)]
    numbers = [line for line in lines if line.text.isdecimal()]
    edge = min(line.x0 for line in (*code, *numbers))
    beside = [line for line in lines if line.x1 < edge]
    return [o for o in lines if o not in beside] if len(beside) >= _SIDEBAR else list(lines)


def _is_post(lines: Sequence[Line]) -> bool:
    texts = [line.text for line in lines]
    lowest = max((line.y0 for line in lines), default=0.0)
    handles = sum(bool(_HANDLE.search(text)) for text in texts)
    # In the last row it is a slide's, or a poster's.
    upper = (line.text for line in lines if line.y1 <= lowest)
    full = any((match := _HANDLE.search(text)) and match[1] for text in upper)
    words = {m.lower() for text in texts for m, *_ in _POST_WORDS.findall(text)}
    aged = any(_AGE.search(text) for text in texts)
    return handles > 0 and (full or len(words) >= 2 or (aged and len(words) >= 1))  # noqa: PLR2004


def _is_dialog(lines: Sequence[Line], buttons: Sequence[Line]) -> bool:
    """Return whether buttons are the last row, two at least or one with little text.

    Answers in a flow chart stand one below the other, too, and before what follows.
    """
    last = max(lines, key=lambda line: line.y1)
    low = [line for line in buttons if abs(line.y - last.y) < last.height]
    # A timer and a legend have such words, too; a dialog box says something.
    texts = (line.text for line in lines)
    if not any(text.endswith(_ENDS) or len(text.split()) >= _MESSAGE for text in texts):
        return False
    return len(low) >= 2 or (len(low) == 1 and len(lines) <= 8)  # noqa: PLR2004 - judged on samples
