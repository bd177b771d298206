"""Text in other scripts in a description: which it is, and how sure it makes the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from altwright.describers.answers.languages import language_name
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.scripts import language_of
from altwright.domain.counting import listed

#: Languages that letters tell and that nobody asks models for.
_OTHERS: Final = {"bg": "Bulgarian", "mr": "Marathi", "sr": "Serbian", "ur": "Urdu"}
#: Share of the written characters from which on all is said to be in one script.
_ALL: Final = 0.85


def languages(lines: Sequence[Line]) -> dict[str, str]:
    """Return the language (ISO 639) of each other script; "" where it may be several."""
    scripts = dict.fromkeys(line.script for line in lines if line.script)
    return {
        script: language_of(script, " ".join(line.text for line in lines if line.script == script))
        for script in scripts
    }


def named(lines: Sequence[Line]) -> str:
    """Return " in Russian" or ", partly in Greek"; "" for lines in the usual scripts."""
    names = [
        (_OTHERS.get(language) or language_name(language)) if language else f"{script} script"
        for script, language in languages(lines).items()
    ]
    if not names:
        return ""
    other = sum(len(line.text) for line in lines if line.script)
    if other >= _ALL * sum(len(line.text) for line in lines):
        return f" in {listed(names)}"
    return f", partly in {listed(names)}"


def told(found: Statement, lines: Sequence[Line]) -> Statement:
    """Return a statement that names the script of what it quotes, at a medium level at most."""
    names = named(lines)
    if not names or found.level == "low":
        return found
    text = found.text if names in found.text else f"{found.text}. Its text is{names.lstrip(',')}"
    return replace(found, text=text).unsure()
