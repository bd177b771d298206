"""A page with the pictures, their references and what describers said, side by side; one file."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2

from altwright.describers.abilities import title
from altwright.evaluation.summary import COLUMNS, rows
from altwright.evaluation.trial import Judged
from altwright.evaluation.verdict import Grade

_TEMPLATE: Final = Path(__file__).with_suffix(".html")


def page(outcomes: Sequence[Judged], figures: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return the HTML; ``figures`` are by describer."""
    pictures: dict[str, list[Judged]] = defaultdict(list)
    for one in outcomes:
        pictures[one.reference.file].append(one)
    shown = [
        {
            "id": f"picture-{number}",
            "reference": of[0].reference,
            "source": base64.b64encode(of[0].thumbnail).decode("ascii"),
            "outcomes": of,
            "misleads": any(one.verdict.grade is Grade.MISLEADING for one in of),
        }
        for number, of in enumerate(pictures.values(), 1)
    ]
    kinds: dict[str, list[dict[str, object]]] = defaultdict(list)
    for picture, of in zip(shown, pictures.values(), strict=True):
        kinds[of[0].reference.kind].append(picture)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        kinds=sorted(kinds.items()),
        shown=shown,
        columns=COLUMNS,
        tables=[(title(name), rows(of)) for name, of in figures.items()],
        title=title,
    )
