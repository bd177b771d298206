"""`.env` and the environment before they are read: how the file is written, which names are meant.

Each fault here would else be silent or a traceback: a file that Windows wrote, a line that can't
be read, a name misspelt.
"""

from __future__ import annotations

import codecs
import difflib
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from altwright.errors import ConfigError

#: How a file in UTF-16 begins (Unicode standard, 23.8).
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Letters of ours from which on a name may differ in one of them or in two (SMTP_ULR,
#: ALOWED_PRIVATE_HOST). Shorter ones are near to anything: HOST, PORT, LEASE_S.
ONE_LETTER_OFF, TWO_LETTERS_OFF = 7, 12
#: What a line should be.
_SHAPE = "should be NAME=value, or begin with #"
#: What names that are ours for certain begin with, and what those begin with that RQ has too.
PREFIX, RQ_PREFIX = "ALTWRIGHT_", "RQ_"
#: Ours, and no settings: those of commands (click reads them) and of `make test`.
_NO_SETTINGS = frozenset(
    {"ALTWRIGHT_ACCOUNT_TOKEN", "ALTWRIGHT_DEBUG", "ALTWRIGHT_PASSWORD", "ALTWRIGHT_REQUIRE_ALL"}
)
#: Names of other programs that are that near to ours, and those that RQ itself reads or writes.
_FOREIGN = frozenset({"OLLAMA_MODELS", "ALLOWED_HOSTS"}) | {
    *("RQ_CONFIG", "RQ_CONNECTION_CLASS", "RQ_EXECUTION_ID", "RQ_JOB_CLASS", "RQ_JOB_ID"),
    *("RQ_KEY_PREFIX", "RQ_QUEUE_CLASS", "RQ_WORKER_CLASS", "RQ_WORKER_ID"),
}
#: Those of rq-scheduler and rq-dashboard, and what Kubernetes gives each container for a service
#: that is called as we are.
_FOREIGN_SHAPE = re.compile(
    r"RQ_(REDIS|DASHBOARD)_\w+|\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)"
)
#: How much alike a name and one of ours have to be for it to be shown beside it (0 to 1).
_ALIKE = 0.65


def encoding_of(path: Path) -> str:
    """Return how a file of settings is written; a missing one is as good as an empty one.

    Raises:
        ConfigError: it can't be read, is written in something else than UTF-8 or UTF-16, or has
            lines that are no settings; all of them are named.
    """
    return _checked(path)[0]


def names_in(path: Path) -> list[str]:
    """Return the names that a file of settings gives values to. Raises ConfigError."""
    return [binding.key for binding in _checked(path)[1] if binding.key]


def _checked(path: Path) -> tuple[str, list[Binding]]:
    encoding, text = _read(path)
    bindings = list(parse_stream(io.StringIO(text)))
    faults = [
        f"{path}: line {_line_of(one)}: {fault}" for one in bindings if (fault := _fault(one))
    ]
    if faults:
        raise ConfigError(faults)
    return encoding, bindings


def _read(path: Path) -> tuple[str, str]:
    """Return how the file is written, and its text."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return "utf-8", ""
    except OSError as error:
        raise ConfigError([f"{path}: can't be read ({error.strerror})"]) from error
    # PowerShell's ">" writes UTF-16, Notepad UTF-8 with a mark, which "utf-8-sig" leaves out.
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}: line {line} isn't UTF-8; save the file as UTF-8"]) from error
    if "\0" in text:
        raise ConfigError([f"{path}: isn't plain text; save it as UTF-8"])
    return encoding, text


def _fault(binding: Binding) -> str | None:
    """Return what is wrong with a statement, without its value: that may be a secret."""
    if binding.error:
        name, equals, value = binding.original.string.strip().partition("=")
        if equals and "\n" not in name and value.lstrip()[:1] in {"'", '"'}:
            name = name.removeprefix("export ").strip()
            return f"the quotation mark of {name} isn't closed, or something follows it"
    is_blank = not binding.error and binding.key is None
    return None if is_blank or binding.value is not None else _SHAPE


def _line_of(binding: Binding) -> int:
    """Return the statement's line; blank lines before it belong to it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def misspelt(
    environment: Iterable[str], in_file: Iterable[str], ours: Iterable[str]
) -> Iterator[str]:
    """Yield, in words, each name that is near one of ours without being one, or begins as ours do.

    What stands in a file of settings, or begins with ALTWRIGHT_, is meant for us, and so may be
    further off than a name of the environment, where every program has some. A name whose
    better-spelt brother is set too is somebody else's.
    """
    meant = {name.upper() for name in in_file}
    given = meant | {name.upper() for name in environment}
    known = set(ours)
    # Kubernetes again: X_PORT, an address, beside X_SERVICE_HOST.
    hosts = (name for name in given if name.endswith("_SERVICE_HOST"))
    ports = {f"{host.removesuffix('_SERVICE_HOST')}_PORT" for host in hosts}
    for name in sorted(given - known - ports - _FOREIGN - _NO_SETTINGS):
        if _FOREIGN_SHAPE.fullmatch(name):
            continue
        is_meant = name in meant or name.startswith(PREFIX)
        near = _nearest(name, known, is_meant=is_meant)
        if near is not None and near not in given:
            yield f"{name} is no setting; did you mean {near}?"
        elif name.startswith((PREFIX, RQ_PREFIX)):
            alike = difflib.get_close_matches(name.removeprefix(PREFIX), sorted(known), 3, _ALIKE)
            shown = f"; settings like it: {', '.join(alike)}" if alike else ""
            yield f"{name} is no setting, and is ignored{shown}"


def _nearest(name: str, known: set[str], *, is_meant: bool) -> str | None:
    by_letters = sorted(
        (distance, one)
        for one in known
        for spelt in {name, name.removeprefix(PREFIX)}
        if (distance := _letters_off(spelt, one)) is not None
    )
    if by_letters:
        return by_letters[0][1]
    by_words = [one for one in known if _word_off(name, one, is_meant=is_meant)]
    return by_words[0] if len(by_words) == 1 else None  # of several nobody knows which


def _letters_off(name: str, ours: str) -> int | None:
    """Return in how many letters the names differ, None if too many for a slip of the fingers."""
    bare, ours_bare = name.replace("_", ""), ours.replace("_", "")
    if bare == ours_bare:
        return 0
    if re.search(r"\d", name) and not re.search(r"\d", ours):
        return None  # numbered names are a series of somebody's: PORT1, RQ_URL2
    if len(ours_bare) < ONE_LETTER_OFF:
        # One letter off is another word (POST, PORTS); an exchange or a doubling is none.
        return 1 if _is_exchange(bare, ours_bare) or _is_doubling(bare, ours_bare) else None
    # A lacking "RQ_" is no slip: MAX_RETRIES is another program's.
    is_long = len(ours_bare) >= TWO_LETTERS_OFF and bare[:1] == ours_bare[0]
    allowed = 2 if is_long else 1
    if abs(len(bare) - len(ours_bare)) > allowed or len({*bare} ^ {*ours_bare}) > 2 * allowed:
        return None  # spares the slow comparison for nearly all pairs
    distance = _distance(bare, ours_bare)
    return distance if distance <= allowed else None


def _is_exchange(one: str, other: str) -> bool:
    return len(one) == len(other) and _distance(one, other) == 1 and sorted(one) == sorted(other)


def _is_doubling(one: str, other: str) -> bool:
    return any(one == other[:at] + other[at - 1] + other[at:] for at in range(1, len(other) + 1))


def _distance(one: str, other: str) -> int:
    """Return the insertions, deletions, changes and exchanges of neighbours that part two words.

    Source: the optimal string alignment distance (Damerau 1964).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if min(i, j) > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _word_off(name: str, ours: str, *, is_meant: bool) -> bool:
    """Return whether one whole word is missing (OPENAI_KEY), or too much (OLLAMA_BASE_URL).

    The first and the last word have to be there (SECRET_KEY is anybody's), unless it is meant for
    us and one is missing. One too much is another program's setting in the environment.
    """
    words, wanted = name.split("_"), ours.split("_")
    if len(words) == 1:
        return False
    ends_alike = words[0] == wanted[0] and words[-1] == wanted[-1]
    is_short = _is_without_one(words, wanted) and (is_meant or ends_alike)
    return is_short or (is_meant and ends_alike and _is_without_one(wanted, words))


def _is_without_one(few: list[str], many: list[str]) -> bool:
    return any(few == many[:at] + many[at + 1 :] for at in range(len(many)))
