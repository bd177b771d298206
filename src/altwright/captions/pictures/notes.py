"""What a picture's file was and its kept copy doesn't show, noted with what was seen in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from altwright.describers.port import Description, Picture


def noted(description: Description, picture: Picture) -> Description:
    """Return the description with what was wrong with its picture's file, and what moved in it."""
    found: dict[str, Any] = {}
    if picture.note:
        found["file"] = picture.note
    if picture.frames > 1:
        found |= {"frames": picture.frames, "duration_s": picture.duration_s}
    if not found:
        return description
    return replace(description, evidence={**description.evidence, **found})


def recalled(copy: Picture, evidence: Mapping[str, Any]) -> Picture:
    """Return a kept copy as the picture that it was made of, by what ``noted`` has noted."""
    note, frames, duration_s = (evidence.get(name) for name in ("file", "frames", "duration_s"))
    if isinstance(note, str):
        copy = replace(copy, note=note)
    if isinstance(frames, int) and isinstance(duration_s, int | float):
        copy = replace(copy, frames=frames, duration_s=float(duration_s))
    return copy
