"""What the offline describer says of text in scripts that its first recogniser doesn't know.

The pictures (tests/data/scripts) were drawn with the Noto and DejaVu typefaces at 28 pixels.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluation.drawing.sheet import written
from PIL import Image
from tests import support_offline
from tests.support_offline import jpeg, png, told

from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.tesseract import OtherScripts

describer = support_offline.describer

PICTURES = Path(__file__).parents[1] / "data" / "scripts"
#: By picture: what its text is said to be in, the language declared for its lines, and the text.
READ = {
    "arabic": ("in Arabic", "ar", "المكتبة مغلقة يوم الإثنين حرية التعبير حق من حقوق الإنسان"),
    "greek": ("in Greek", "el", "Η βιβλιοθήκη είναι κλειστή τη Δευτέρα και την Τρίτη."),  # noqa: RUF001 - it is Greek
    "hebrew": ("in Hebrew", "he", "הספרייה סגורה ביום שני הורידו את Firefox 128 עכשיו"),
    "hindi": ("in Hindi", "hi", "पुस्तकालय सोमवार को बंद रहता है आप सभी का बहुत धन्यवाद"),
    "korean": ("in Korean", "ko", "도서관은 월요일에 휴관합니다 기차는 18시 45분에 도착합니다"),
    "persian": ("in Persian", "fa", "کتابخانه روز دوشنبه تعطیل است گزارش جدید منتشر شد"),
    "thai": ("in Thai", "th", "ห้องสมุดปิดทำการในวันจันทร์ ขอบคุณทุกคนมาก"),
    "ukrainian": (
        "in Ukrainian",
        "uk",
        "Сьогодні у Києві відкрилася нова виставка українських художників.",  # noqa: RUF001 - it is Ukrainian
    ),
}


def drawn(name: str) -> Image.Image:
    """Return one of the pictures of text."""
    return Image.open(PICTURES / f"{name}.png").convert("RGB")


@pytest.mark.parametrize("name", sorted(READ))
def test_text_in_another_script_is_read(describer: OfflineDescriber, name: str) -> None:
    """It is quoted in its own letters, its language named and declared, as something to look at."""
    words, language, text = READ[name]
    found = told(describer, png(drawn(name)))
    closed = "" if text.endswith(".") else "."
    assert found.text == f"Image of text {words}: “{text}”{closed}"
    assert found.level == "medium"
    assert {line["lang"] for line in found.evidence["text"]} == {language}


def test_a_saved_screenshot_in_another_script_is_read(describer: OfflineDescriber) -> None:
    """Light letters on dark ground, as JPEG."""
    dark = Image.fromarray(255 - np.asarray(drawn("ukrainian")))
    _, _, text = READ["ukrainian"]
    assert told(describer, jpeg(dark, quality=60)).text == f"Image of text in Ukrainian: “{text}”"


def test_scripts_on_one_picture_are_told_apart(describer: OfflineDescriber) -> None:
    """Latin lines are read as ever, and the level is that of the other ones."""
    found = told(describer, png(drawn("english_and_russian")))
    assert found.text == (
        "Image of text, partly in Russian: “The library is closed on Monday. "
        "Библиотека закрыта в понедельник, приходите во вторник.”"
    )
    assert found.level == "medium"
    assert [line.get("lang") for line in found.evidence["text"]] == [None, "ru", "ru"]


def test_a_word_that_is_unsure_is_left_out(describer: OfflineDescriber) -> None:
    """“їРһопе” for iPhone is what the recogniser makes of it; the sentence goes without."""
    found = told(describer, png(drawn("russian")))
    assert found.text == (
        "Image of text in Russian: “Новый … 15 уже в продаже. "
        "Магазин на улице Ленина открыт ежедневно с 9:00 до 21:00.”"  # noqa: RUF001 - it is Russian
    )


def test_letters_that_nobody_knows_are_said_to_be_there(describer: OfflineDescriber) -> None:
    """No recogniser agrees with itself on Georgian: no draft."""
    found = told(describer, png(drawn("georgian")))
    assert (found.text, found.level) == ("", "low")
    assert found.evidence["seen"] == "What may be text in another script, which was not read."
    assert found.evidence["text"] == []


def test_latin_text_is_left_to_its_recogniser(describer: OfflineDescriber) -> None:
    """What has the shape of another script's letters stays what it is."""
    image = written((560, 120), [(30, 40, 34, "HOME OF ABBA MEMORABILIA")])
    found = told(describer, png(image))
    assert found.text == "Image of text: “HOME OF ABBA MEMORABILIA”."
    assert found.level == "high"


def test_noise_is_no_text() -> None:
    """Textures and shapes are read in no script."""
    grain = np.random.default_rng(7).integers(0, 256, (10, 40, 48, 3), np.uint8)
    shapes = [cv2.resize(one, (480, 40), interpolation=cv2.INTER_LANCZOS4) for one in grain]
    lines: list[tuple[Pixels, str]] = [(np.asarray(one, np.uint8), "") for one in shapes]
    assert OtherScripts().read(lines, most=1500) == {}


def test_without_weights_nothing_is_read(tmp_path: Path) -> None:
    """A system that has no Tesseract, or no files for it, says so."""
    assert OtherScripts().is_there
    assert not OtherScripts(tmp_path).is_there
