"""How well the offline describer reads other scripts: `python -m benchmarks.other_scripts FONTS`.

FONTS is a folder with Noto's, DejaVu's and FreeFont's typefaces (on Debian: fonts-noto-core,
fonts-noto-cjk, fonts-dejavu-core, fonts-freefont-ttf). Pages of text are drawn in each of a
language's typefaces, in several sizes and JPEG qualities, a third of them light on dark, and
described. None of the sentences was used to set a threshold.
"""

from __future__ import annotations

import argparse
import random
import re
import tomllib
import unicodedata
from collections import Counter
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from altwright.describers.offline.pipeline import Composer
from benchmarks.databases import say
from benchmarks.field.session import ROOT

#: By language: typefaces, and lines of text.
TEXTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_SIZES: Final = (16, 20, 26, 34)
_QUALITIES: Final = (100, 85, 60, 40)
_LINES: Final = 4
#: Share of a quotation's words that are wrong from which on a page misleads.
_MISLEADS: Final = 0.1


def main() -> None:
    """Draw and describe pages of each language; print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", type=Path)
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--only", default="", help="a language")
    parser.add_argument("--show", action="store_true", help="print pages with wrong words")
    options = parser.parse_args()
    composer = Composer(ROOT / "var" / "models")
    say("language | pages | quoted | wrong of it | pages that mislead | high | language named")
    for language, text in TEXTS.items():
        if options.only and options.only != language:
            continue
        found: Counter[str] = Counter()
        fonts = [_font_path(options.fonts, name) for name in text["fonts"].split()]
        chance = random.Random(language)  # noqa: S311 - the same pages each time
        for number in range(options.pages):
            path = fonts[number % len(fonts)]
            lines = [line for line in text["lines"].split("\n") if line and _has(path, line)]
            lines = chance.sample(lines, min(_LINES, len(lines)))
            page = _drawn(lines, path, chance)
            reply = composer.answer(
                {"data": page, "max_length": 1500, "frames": 1, "duration_s": 0}
            )
            quoted = _quoted(reply["text"])
            wrong = Counter(quoted) - Counter(_words(" ".join(lines)))
            is_misleading = sum(wrong.values()) > _MISLEADS * len(quoted)
            found.update(
                pages=1,
                written=len(_words(" ".join(lines))),
                quoted=len(quoted),
                wrong=sum(wrong.values()),
                misleads=int(is_misleading),
                high=int(reply["level"] == "high"),
                named=int(f"in {language}:" in reply["text"]),
            )
            if options.show and wrong:
                say(f"  {path.stem}: {' / '.join(lines)} => {reply['level']} {reply['text']}")
        right = found["quoted"] - found["wrong"]
        say(
            f"{language} | {found['pages']} | {right / found['written']:.0%} | "
            f"{found['wrong'] / max(1, found['quoted']):.1%} | {found['misleads']} | "
            f"{found['high']} | {found['named']}"
        )


def _drawn(lines: list[str], path: Path, chance: random.Random) -> bytes:
    font = _font(path, chance.choice(_SIZES))
    step = int(font.size * 2)
    width = int(max(font.getlength(line) for line in lines)) + 80
    dark = chance.random() < 1 / 3
    paper, ink = ("#1b1d29", "#e8e8ee") if dark else ("white", "#1c1c1c")
    image = Image.new("RGB", (width, 40 + step * len(lines)), paper)
    draw = ImageDraw.Draw(image)
    is_rtl = unicodedata.bidirectional(lines[0][0]) in {"R", "AL"}
    for number, line in enumerate(lines):
        x = width - 40 - font.getlength(line) if is_rtl else 40
        draw.text((x, 24 + step * number), line, font=font, fill=ink)
    stream = BytesIO()
    quality = chance.choice(_QUALITIES)
    if quality < 100:  # noqa: PLR2004 - as good as PNG
        image.save(stream, "JPEG", quality=quality)
    else:
        image.save(stream, "PNG")
    return stream.getvalue()


def _quoted(text: str) -> list[str]:
    return [word for part in re.findall("“(.*)”", text) for word in _words(part)]


def _words(text: str) -> list[str]:
    """Return a text's words without what stands around them; of Thai, which has none, letters."""
    text = unicodedata.normalize("NFC", text)
    if re.search("[ก-๙]", text):
        return [sign for sign in text if sign.isalnum()]
    stripped = (re.sub(r"^\W+|\W+$", "", word) for word in text.split())
    return [word for word in stripped if word]


@cache
def _font_path(folder: Path, name: str) -> Path:
    return next(path for path in sorted(folder.rglob(f"{name}.*")) if path.suffix != ".gz")


@cache
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    # The collections' second face is the Korean one.
    return ImageFont.truetype(path, size, index=1 if path.suffix == ".ttc" else 0)


@cache
def _has(path: Path, text: str) -> bool:
    """Return whether a typeface has all letters of a text."""
    font = ImageFont.truetype(
        path, 20, index=1 if path.suffix == ".ttc" else 0, layout_engine=ImageFont.Layout.BASIC
    )
    none = bytes(font.getmask("\U000e0fff"))
    return all(
        sign == " " or unicodedata.category(sign)[0] == "M" or bytes(font.getmask(sign)) != none
        for sign in text
    )


if __name__ == "__main__":
    main()
