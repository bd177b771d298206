"""`.env` and the environment before they are read: how the file is written, which names are meant.

Both faults would else be silent or a traceback: a file that Windows wrote, a name misspelt.
"""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from dotenv import dotenv_values

from altwright.errors import ConfigError

#: How a file begins that says how it is written. PowerShell's ">" writes UTF-16, Notepad UTF-8
#: with a mark (Unicode standard, 23.8).
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: A name is taken for one of ours misspelt when so many letters differ at most (two changed
#: places: REDIS_ULR; one wrong: DISCRIBER), and so much of it is the same.
LETTERS_MOST, LIKENESS = 2, 0.85
#: Shorter ones than that (HOST, PORT) are near to anything.
SHORTEST = 6
#: A name of another program that is that near to ours.
_FOREIGN = frozenset({"OLLAMA_MODELS"})


def encoding_of(path: Path) -> str:
    """Return how a file of settings is written; a missing one is as good as an empty one.

    Raises:
        ConfigError: it can't be read, or is written in something else than UTF-8 or UTF-16.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return "utf-8"
    except OSError as error:
        raise ConfigError([f"{path}: can't be read ({error.strerror})"]) from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}: line {line} isn't UTF-8; save the file as UTF-8"]) from error
    if "\0" in text:
        raise ConfigError([f"{path}: isn't plain text; save it as UTF-8"])
    return encoding


def names_in(path: Path) -> list[str]:
    """Return the names that a file of settings gives values to. Raises ConfigError."""
    return list(dotenv_values(path, encoding=encoding_of(path)))


def misspelt(names: Iterable[str], ours: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each name that is near one of ours without being one, and the one it is near.

    A name whose better-spelt brother is set too is somebody else's.
    """
    given = {name.upper() for name in names}
    known = set(ours)
    long = [name for name in known if len(name) >= SHORTEST]
    for name in sorted(given - known - _FOREIGN):
        for near in difflib.get_close_matches(name, long, n=1, cutoff=LIKENESS):
            if near not in given and _letters_apart(name, near) <= LETTERS_MOST:
                yield name, near


def _letters_apart(one: str, other: str) -> int:
    changes = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in changes if tag != "equal")
