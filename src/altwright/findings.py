"""What pydantic finds wrong, in our words: its own speak of Python's types and of our classes."""

from __future__ import annotations

from pydantic_core import ErrorDetails

#: Words by kind of finding; in braces what its context tells.
#: Source: ErrorType of pydantic_core.core_schema.
_WORDS = {
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "date_from_datetime_parsing": "should be a date like 2026-01-31",
    "datetime_from_date_parsing": "should be a time like 2026-01-31T12:00:00Z",
    "datetime_object_invalid": "should be a time like 2026-01-31T12:00:00Z",
    "datetime_parsing": "should be a time like 2026-01-31T12:00:00Z",
    "datetime_type": "should be a time like 2026-01-31T12:00:00Z",
    "dict_type": "should be a JSON object",
    "enum": "should be {expected}",
    "extra_forbidden": "isn't known here",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "greater_than": "should be more than {gt}",
    "greater_than_equal": "should be {ge} or more",
    "int_from_float": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "has too many digits",
    "int_type": "should be a whole number",
    "less_than_equal": "should be {le} or less",
    "list_type": "should be a list",
    "literal_error": "should be {expected}",
    "missing": "is missing",
    "model_attributes_type": "should be a JSON object",
    "model_type": "should be a JSON object",
    "string_pattern_mismatch": "should match {pattern}",
    "string_too_long": "should have {max_length} characters at most",
    "string_too_short": "should have {min_length} characters or more",
    "string_type": "should be a text",
    "string_unicode": "should be a text in UTF-8",
    "timezone_aware": "should name its time zone, as 2026-01-31T12:00:00Z does",
    "too_long": "should have {max_length} entries at most",
    "too_short": "should have {min_length} entries or more",
    "value_error": "{error}",
}
#: Said of a kind that isn't in the table.
OTHER = "can't be used"


def worded(finding: ErrorDetails) -> str:
    """Return what is wrong with a field, as the end of a sentence that begins with its name."""
    context = {name: _plain(value) for name, value in finding.get("ctx", {}).items()}
    return _WORDS.get(finding["type"], OTHER).format_map(context)


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
