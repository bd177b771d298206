"""What a text is worth beside its reference."""

from __future__ import annotations

from typing import Any

import pytest

from altwright.evaluation.references import Reference
from altwright.evaluation.verdict import Grade, judge

BARS = {"names": ["bar chart|bars", "Visitors"], "values": {"2021": 1200.0, "2022": 1900.0}}
SIGN = {"words": "Open daily from nine to five", "misleading": ["photo"]}
STREET: dict[str, Any] = {"names": ["bus"], "words": "", "counts": {"people": 4}}
CASES = (
    (BARS, "Bar chart titled “Visitors”: 2021 about 1,200, 2022 about 1,930.", Grade.USEFUL),
    (BARS, "Bars, “Visitors”. From 2021 to 2022; 2021 stands at 1,200.", Grade.SMALL_EDIT),
    (BARS, "A bar chart with two bars.", Grade.POOR),
    (BARS, "Bar chart “Visitors”: 2021 about 1,200, 2022 about 900.", Grade.MISLEADING),
    # A quotation is the picture's own word, whatever it says.
    (SIGN, "Sign: “Open daily from nine to five”.", Grade.USEFUL),
    (SIGN, "Photo of a sign: “Open daily from nine to five”.", Grade.MISLEADING),
    (SIGN, "Sign: “Open daily from nine”.", Grade.POOR),
    (SIGN, "Sign: “Open dally from nlne to fivc”.", Grade.SMALL_EDIT),
    (SIGN, "Sign: “Closed forever Xqwv Zzkt”.", Grade.MISLEADING),
    (STREET, "Photo of four people and a bus.", Grade.USEFUL),
    (STREET, "Photo of three people and a bus.", Grade.MISLEADING),
    (STREET, "A bus. Text in the picture: “ecnl rwvm”.", Grade.MISLEADING),
    (STREET, "A business street.", Grade.POOR),
    (STREET, "", Grade.NOTHING),
)


@pytest.mark.parametrize(("wanted", "text", "grade"), CASES)
def test_a_text_is_graded_by_what_it_says(wanted: dict[str, Any], text: str, grade: Grade) -> None:
    """Names as whole words, values beside their labels, quotations by what is in the picture."""
    reference = Reference(file="x.png", kind="x", reference="x", **wanted)
    verdict = judge(reference, text, 500)
    assert verdict.grade is grade, verdict
    assert verdict.reasons or grade in {Grade.USEFUL, Grade.NOTHING}


def test_what_is_cut_at_the_limit_is_compared_as_far_as_it_goes() -> None:
    """A long page's beginning, read without a mistake, isn't an error of most of the page."""
    words = " ".join(f"line {number} of the rules" for number in range(200))
    reference = Reference(file="x.png", kind="x", reference="x", words=words)
    cut = f"Image of text: “{words[:460]}…”"
    assert judge(reference, cut, 500).grade is Grade.USEFUL
    assert judge(reference, cut, 5_000).grade is Grade.POOR
