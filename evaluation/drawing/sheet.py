"""A sheet of paper to draw on, with typefaces that are the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from evaluation import packaged

Face = Literal["plain", "sans", "bold", "serif", "mono", "italic", "cjk"]
Font = ImageFont.FreeTypeFont
Box = tuple[float, float, float, float]

#: Files of packages.toml; "plain" is the typeface that Pillow carries in itself.
_FILES: dict[Face, str] = {
    "sans": "DejaVuSans.ttf",
    "bold": "DejaVuSans-Bold.ttf",
    "serif": "DejaVuSerif.ttf",
    "mono": "DejaVuSansMono.ttf",
    "italic": "DejaVuSerif-Italic.ttf",
    "cjk": "NotoSansCJKtc-Regular.otf",
}


@lru_cache(200)
def font(size: int, face: Face = "plain") -> Font:
    """Return a typeface in a size; all but "plain" come out of packages."""
    if face == "plain":
        found = ImageFont.load_default(size)
        if not isinstance(found, ImageFont.FreeTypeFont):
            raise RuntimeError("Pillow was built without FreeType")
        return found
    return ImageFont.truetype(packaged.path(_FILES[face]), size)


def written(
    size: tuple[int, int],
    texts: Sequence[tuple[int, int, int, str]],
    *,
    paper: str = "white",
    ink: str = "black",
    face: Face = "plain",
) -> Image.Image:
    """Return a picture with each text at x, y in a size."""
    sheet = Sheet(size, paper)
    for x, y, points, text in texts:
        sheet.text((x, y), text, points, face, ink)
    return sheet.image


class Sheet:
    """A picture that grows by calls; places are in pixels from the top left."""

    def __init__(self, size: tuple[int, int], paper: str = "white") -> None:
        self.image = Image.new("RGB", size, paper)
        self.draw = ImageDraw.Draw(self.image)

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return self.image.height

    def text(
        self,
        place: tuple[float, float],
        text: str,
        points: int,
        face: Face = "plain",
        ink: str = "black",
        anchor: str = "la",
    ) -> None:
        """Write one line."""
        self.draw.text(place, text, font=font(points, face), fill=ink, anchor=anchor)

    def lines(
        self,
        place: tuple[float, float],
        texts: Iterable[str],
        points: int,
        face: Face = "plain",
        ink: str = "black",
        anchor: str = "la",
        step: float = 1.5,
    ) -> float:
        """Write lines below one another; return where the next one would stand."""
        x, y = place
        for text in texts:
            self.text((x, y), text, points, face, ink, anchor)
            y += step * points
        return y

    def box(
        self, box: Box, fill: str | None = None, outline: str | None = None, r: int = 0
    ) -> None:
        """Draw a rectangle, with round corners of a radius."""
        self.draw.rounded_rectangle(box, r, fill=fill, outline=outline, width=2)


def wrapped(text: str, points: int, face: Face, width: float) -> list[str]:
    """Return a text in lines no wider than that."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font(points, face).getlength(longer) > width:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]
