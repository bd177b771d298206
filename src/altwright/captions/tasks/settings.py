"""What a user may set for a captions task, checked at the submit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from altwright.describers.abilities import title
from altwright.describers.answers.languages import language_name
from altwright.describers.port import Describer
from altwright.errors import InvalidInput

#: Posts that one run looks at most; characters of a draft; seconds between two pictures.
POSTS_LEAST, POSTS_MOST = 1, 10_000
LENGTH_LEAST, LENGTH_MOST = 50, 2_000
DELAY_MOST_S = 10
#: Language, and script, region or variant. Source: BCP 47 (RFC 5646), section 2.1.
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")


@dataclass(frozen=True, slots=True)
class CaptionSettings:
    """``max_posts_per_run`` None: all posts; ``language`` None: each post's own.

    ``processing_delay`` is in seconds, between two pictures; ``reprocess_existing`` describes
    pictures again that have an alt text or a draft, unless that is approved.
    """

    max_posts_per_run: int | None = None
    reprocess_existing: bool = False
    processing_delay: float = 0.0
    max_caption_length: int = 500
    language: str | None = None
    use_post_text: bool = False

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings; what isn't named has its default.

        Raises:
            InvalidInput: some are unknown or wrong; all of them are named.
        """
        known = {field.name for field in fields(cls)}
        faults = {str(name): "is no setting of this task" for name in settings if name not in known}
        values = {name: value for name, value in settings.items() if name in known}
        faults |= {
            name: f"should be {_RULES[name][1]}"
            for name, value in values.items()
            if not _RULES[name][0](value)
        }
        if faults:
            raise InvalidInput("These settings can't be used.", faults)
        if values.get("language") == "":
            values["language"] = None
        return cls(**values)

    def beyond(self, describer: Describer) -> dict[str, str]:
        """Return what this describer can't do of it, by the setting's name."""
        abilities, name = describer.abilities, title(describer.name)
        faults = {}
        if self.language and not abilities.writes(self.language):
            known = " and ".join(map(language_name, abilities.languages))
            faults["language"] = f"can't be {self.language}: {name} knows {known} only"
        if self.use_post_text and not abilities.takes_post_text:
            faults["use_post_text"] = f"can't be set: {name} doesn't read the post's text"
        return faults

    def to_json(self) -> dict[str, Any]:
        """Return every setting, as it is stored with the task."""
        return asdict(self)


def _is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _is_count(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and _is_number(value, least, most)


def _is_language(value: Any) -> bool:
    if not isinstance(value, str):
        return value is None
    return not value or LANGUAGE.fullmatch(value) is not None


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "max_posts_per_run": (
        lambda value: value is None or _is_count(value, POSTS_LEAST, POSTS_MOST),
        f"a whole number from {POSTS_LEAST} to {POSTS_MOST}, or null for all",
    ),
    "reprocess_existing": (lambda value: isinstance(value, bool), "true or false"),
    "processing_delay": (
        lambda value: _is_number(value, 0, DELAY_MOST_S),
        f"a number of seconds from 0 to {DELAY_MOST_S}",
    ),
    "max_caption_length": (
        lambda value: _is_count(value, LENGTH_LEAST, LENGTH_MOST),
        f"a whole number from {LENGTH_LEAST} to {LENGTH_MOST}",
    ),
    "language": (_is_language, "a language tag like en or pt-BR, or null for the post's own"),
    "use_post_text": (lambda value: isinstance(value, bool), "true or false"),
}
