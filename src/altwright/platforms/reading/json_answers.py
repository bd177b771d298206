"""JSON from servers, within bounds that Python's parser doesn't keep by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: Lists and objects in each other; a status with a boosted one, a card and its authors has 8.
_DEPTH_MOST = 100
_BRACKETS = re.compile(r"[\[\]{}]")
_STRINGS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
#: Digits of a number beyond which Python's int() refuses or takes its time.
_INTEGER_DIGITS = 30


def parsed(data: bytes) -> Any:
    """Return what an answer's body holds; a byte that is no UTF-8 costs its place only.

    Raises:
        ValueError: it is no JSON, or nested deeper than any server's.
    """
    text = data.decode("utf-8-sig", "replace")
    if _is_deep(text):
        raise ValueError("nested too deeply")
    return json.loads(text, parse_int=_integer)


def part(thing: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object inside another; an empty one if it is missing or something else."""
    found = thing.get(name)
    return found if isinstance(found, Mapping) else {}


def parts(thing: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return a list of objects inside another, in order and without what is none."""
    found = thing.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _is_deep(text: str) -> bool:
    """Return whether lists and objects stand in each other too deeply.

    The parser stops by itself at about 1,000, but what Python tidies up just then fails too.
    """
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEPTH_MOST:
            return True
    return False


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _INTEGER_DIGITS else float(digits)
