"""Each warning is mended by one key: by a text without it, by a person or by a describer."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altwright.captions.drafts.mending import Looked, Mend, Remedy, mend
from altwright.web.pages.words import WARNINGS

SIGN = {"text": [{"text": "Swimming forbidden"}, {"text": "Strong currents"}]}
ANSWERS = tomllib.loads((Path(__file__).parents[1] / "data/answers.toml").read_text())


def looked(text: str, **known: Any) -> Looked:
    """Return a text as it is looked at."""
    usual = {"max_length": 1500, "post_text": "", "language": "en", "evidence": {}}
    return Looked(text, **{**usual, **known})


@pytest.mark.parametrize(
    ("code", "one", "mended"),
    [
        ("opening", looked("Image of a cat on a red sofa."), "A cat on a red sofa."),
        ("opening", looked("Das Bild zeigt eine Katze.", language="de"), "Eine Katze."),
        (
            "opening",
            looked("Auf dem Foto sieht man Kinder am See.", language="de"),
            "Kinder am See.",
        ),
        ("opening", looked("En la foto se ve un gato gris.", language="es"), "Un gato gris."),
        ("opening", looked("Sur l'image, on voit un chat noir.", language="fr"), "Un chat noir."),
        ("opening", looked("Na imagem, vê-se um gato preto.", language="pt"), "Um gato preto."),
        (
            "opening",
            looked("Nell'immagine si vede un gatto nero.", language="it"),
            "Un gatto nero.",
        ),
        (
            "opening",
            looked("På bilden ser man en katt som sover.", language="sv"),
            "En katt som sover.",
        ),
        ("opening", looked("この写真は、東京駅の夜景です。", language="ja"), "東京駅の夜景です。"),
        ("opening", looked("这张图片显示了一只灰猫。", language="zh"), "一只灰猫。"),
        ("opening", looked("Alt text: a cat on a red sofa."), "A cat on a red sofa."),
        ("too_long", looked("A cat sleeps. " * 9, max_length=30), "A cat sleeps. A cat sleeps."),
        ("too_long", looked("Sleep " * 9, max_length=20), "Sleep Sleep Sleep…"),
        ("file_name", looked("A cat on a sofa (IMG_12.jpg)."), "A cat on a sofa."),
        ("file_name", looked("A cat (IMG_12.jpg) sleeps there."), "A cat sleeps there."),
        ("file_name", looked("IMG_0012.jpg: A cat sleeps."), "A cat sleeps."),
        (
            "encoding",
            looked("A \U0001d5f0\U0001d5ee\U0001d601 on a sofa in the sun."),
            "A cat on a sofa in the sun.",
        ),
        ("markup", looked("# A cat\n- on a **red** sofa"), "A cat\non a red sofa"),
        ("links", looked("A [cat](https://x.example/y) on a sofa."), "A cat on a sofa."),
        (
            "repetition",
            looked("犬が走っています。犬が走っています。", language="ja"),
            "犬が走っています。",
        ),
        ("encoding", looked("A cafÃ© in Paris, at night."), "A café in Paris, at night."),
        (
            "remark",
            looked("A cat sleeps on a sofa. I should keep it short. It is red."),
            "A cat sleeps on a sofa. It is red.",
        ),
        (
            "guess",
            looked("A woman holds a red cup. She appears to be happy. It is raining."),
            "A woman holds a red cup. It is raining.",
        ),
        ("markup", looked("A <b>cat</b> &amp; a dog on it."), "A cat & a dog on it."),
        ("markup", looked("| Year | Cats |\n|---|---|\n| 2020 | 3 |"), "Year, Cats\n2020, 3"),
        ("cut_off", looked("A cat sleeps. A dog sits on the"), "A cat sleeps."),
        ("repetition", looked("A cat on a sofa sofa sofa."), "A cat on a sofa."),
        (
            "repetition",
            looked("A red sofa. There is a cat. There is a cat. Night."),
            "A red sofa. There is a cat. Night.",
        ),
        (
            "repetition",
            looked("A man in a hat and a man in a hat and a man in a hat by the sea."),
            "A man in a hat by the sea.",
        ),
        (
            "missing_text",
            looked("A sign at a lake", evidence=SIGN),
            "A sign at a lake. “Swimming forbidden Strong currents”",
        ),
        ("links", looked("A red cat, see (https://x.example/y)."), "A red cat."),
        ("links", looked("A cat on a sofa. #cat #dog #sofa"), "A cat on a sofa."),
        ("links", looked("A #cat, a #dog, a #sofa, at night."), "A cat, a dog, a sofa, at night."),
        (
            "emoji",
            looked("A cat 🐈 on a sofa 🛋️ and 👩‍👧 at a feast 🎉 🎉."),
            "A cat on a sofa and at a feast.",
        ),
    ],
)  # fmt: skip
def test_what_can_be_put_right_is(code: str, one: Looked, mended: str) -> None:
    """Words are left out, shortened or quoted; nothing is said that nobody has seen."""
    assert code in one.codes(one.text)
    assert mend(code, one) == Mend(Remedy.REPLACE, mended)


@pytest.mark.parametrize(
    ("code", "one", "remedy"),
    [
        ("empty", looked(""), Remedy.WRITE),
        ("too_short", looked("A cat."), Remedy.WRITE),
        ("opening", looked("Image of cats"), Remedy.WRITE),
        ("encoding", looked("A caf\ufffd in Paris, at night."), Remedy.WRITE),
        ("cut_off", looked("A cat sleeps on the"), Remedy.WRITE),
        ("file_name", looked("IMG_1234.jpg"), Remedy.DESCRIBE),
        ("file_name", looked("A terminal lists cat.png and dog.png there."), Remedy.DESCRIBE),
        ("remark", looked("No description available"), Remedy.DESCRIBE),
        ("opening", looked("Auf dem Bild wird ein Hund geputzt.", language="de"), Remedy.WRITE),
        ("remark", looked("Let me know if you like it."), Remedy.DESCRIBE),
        ("like_post", looked("My holiday at sea!", post_text="My holiday at sea"), Remedy.DESCRIBE),
        ("language", looked("Eine Katze schläft auf dem Sofa, der Hund wacht."), Remedy.DESCRIBE),
        ("opening", looked("Auf dem Bild ist ein Hund zu sehen.", language="de"), Remedy.WRITE),
        ("guess", looked("An Asian man reads in a park."), Remedy.WRITE),
        ("invented", looked("A sign: “Keep off the grass”.", evidence=SIGN), Remedy.WRITE),
        ("poorer", looked("A cat on a sofa.", replaces="My grey cat " * 4), Remedy.WRITE),
        ("incomplete", looked("A cat on a sofa.", evidence={"file": "Cut."}), Remedy.DESCRIBE),
    ],
)  # fmt: skip
def test_what_needs_words_is_for_a_person_or_a_describer(
    code: str, one: Looked, remedy: Remedy
) -> None:
    """So does what would leave a text that isn't one."""
    assert code in one.codes(one.text)
    assert mend(code, one) == Mend(remedy)


@pytest.mark.parametrize("row", ANSWERS["warned"], ids=lambda row: row["code"])
def test_a_mended_text_is_better_in_every_language(row: dict[str, Any]) -> None:
    """The warning is gone from what is offered, and no other has come."""
    for text in row["texts"]:
        one = looked(text, language=row["language"])
        found = mend(row["code"], one)
        if found.mended is not None:
            assert one.codes(found.mended) < one.codes(text), text


@given(text=st.text(max_size=300), code=st.sampled_from(sorted(WARNINGS)))
def test_any_text_has_a_remedy_for_every_warning(text: str, code: str) -> None:
    """Whatever the text, a key does something."""
    found = mend(code, looked(text, evidence=SIGN, max_length=100))
    assert (found.remedy is Remedy.REPLACE) == (found.mended is not None)
