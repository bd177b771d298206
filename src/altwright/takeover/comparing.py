"""What has changed on which side since two rows were last compared: pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: Hexadecimal digits of a field's digest: enough to see a change.
DIGEST = 16


def digests(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest of each field, so that neither tokens nor texts are kept twice."""
    return {name: _digest(value) for name, value in fields.items()}


def changed(fields: Mapping[str, Any], before: Mapping[str, str]) -> set[str]:
    """Return which fields differ from what they were; one that wasn't there then does."""
    return {name for name, digest in digests(fields).items() if before.get(name) != digest}


def to_take(
    source: Mapping[str, Any],
    target: Mapping[str, Any],
    source_before: Mapping[str, str],
    target_before: Mapping[str, str],
    *,
    whole: bool,
) -> dict[str, Any] | None:
    """Return the fields of ``source`` that go over to ``target``; None: both have changed.

    ``whole``: the fields mean something together only (a text and whether it is approved), so
    either all go or none does.
    """
    came = changed(source, source_before)
    stood = changed(target, target_before)
    differ = {name for name in source if name not in target or source[name] != target[name]}
    if not came or not differ:
        return {}
    if whole:
        return None if stood else dict(source)
    wanted = came & differ
    return None if wanted & stood else {name: source[name] for name in wanted}


def _digest(value: Any) -> str:
    written = json.dumps(value, default=str, sort_keys=True)
    return hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()[:DIGEST]
