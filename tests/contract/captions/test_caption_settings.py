"""Settings of a captions task: complete when stored, and each wrong one named."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support_domain import Bench

from altwright.errors import InvalidInput


def test_complete_settings_come_back(bench: Bench) -> None:
    """What isn't named has its default, and what is stored is complete."""
    kind = bench.kinds["captions"]
    assert kind.checked({"language": "", "processing_delay": 1}, None) == {
        "max_posts_per_run": None,
        "reprocess_existing": False,
        "processing_delay": 1,
        "max_caption_length": 500,
        "language": None,
        "use_post_text": False,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_posts_per_run", 0),
        ("max_posts_per_run", 10_001),
        ("max_posts_per_run", "10"),
        ("max_posts_per_run", True),
        ("max_posts_per_run", 1.5),
        ("reprocess_existing", "yes"),
        ("reprocess_existing", None),
        ("processing_delay", -0.1),
        ("processing_delay", 10.1),
        ("processing_delay", float("nan")),
        ("max_caption_length", 49),
        ("max_caption_length", 2001),
        ("language", "English!"),
        ("language", []),
        ("use_post_text", 1),
        ("optimal_length", 100),
    ],
)
def test_a_wrong_setting_is_named(bench: Bench, name: str, value: Any) -> None:
    """Each wrong or unknown setting is named, with what it should be."""
    with pytest.raises(InvalidInput) as refused:
        bench.kinds["captions"].checked({name: value}, None)
    assert list(refused.value.fields) == [name]
    assert refused.value.fields[name]
