"""A chart's axes: tick labels as numbers, their fit to pixels, titles of chart and axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from altwright.describers.offline.charts.series_colours import has_swatch
from altwright.describers.offline.english import amount, quoted
from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.line import Line
from altwright.describers.offline.vision.ocr import Reader, placed

_NUMBER: Final = re.compile(
    r"^(?P<sign>[-\u2212\u2013]?)[$€£]?"
    r"(?P<digits>\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3}){2,}|\d+(?:\.\d+|,\d{1,2})?)"
    r"\s?(?P<unit>%|[kKMB]|°C?|€|\$)?$"
)
#: What a lone zero, or one with a stroke, is read as.
_ZEROS: Final = str.maketrans("O\N{GREEK SMALL LETTER THETA}", "00")
_DECIMAL_COMMA: Final = re.compile(r",(?=\d{1,2}$)")
#: A number whose dots may part thousands, as in German or Spanish. On an axis of decimals not every
#: tick ends in a zero.
_DOTTED: Final = re.compile(r"^\D*[1-9]\d{0,2}(?:\.\d{3})+\D*$")
_DOTTED_ROUND: Final = re.compile(r"\.\d\d0\b")
#: What no axis says: the mark of its tick was read as a sign, and so were those of the others.
_SIGNED_ZERO: Final = re.compile(r"^[-\u2212\u2013]0+(?:\.0+)?(?!\d)")
#: What the mark of a tick at a label's end is read as.
TICK_MARKS: Final = " _-\N{EN DASH}\N{MINUS SIGN}"
_SIGNS: Final = "-\N{MINUS SIGN}\N{EN DASH}"
_FACTORS: Final = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}
#: Numbers that one axis must have at least to be one.
_LEAST_TICKS: Final = 3
#: Steps of the labels below from the ticks at the left to the first one, at most.
_FAR: Final = 3.0
#: Ticks at one end that the search for lines may have missed; small and faint ones are.
_MISSED: Final = 4
#: How far a tick may be off the fitted line, as a share of the axis' values.
_OFF_FIT: Final = 0.03
#: Room for one more number, and for one more name of a bar that may begin late, in steps.
_ROOM: Final = (0.9, 1.3)
#: How far a tick that wasn't read may be off a multiple of the step, in steps.
_OFF_STEP: Final = 0.15
#: What an entry of a legend begins with whose line was read as a dash.
_LEGEND: Final = re.compile(r"^[-\u2013\u2014]+ ?[^\W\d]|--")
#: What is noted on a plot: the size of a sample, a correlation.
_NOTE: Final = re.compile(r"^[A-Za-z]\N{SUPERSCRIPT TWO}?\s?[=<>\u2248\u2264]")
#: How far the middle of a title that isn't flush may be off the plot's, as a share of its width.
_CENTRED: Final = 0.15
#: Line heights by which the names of lying bars begin or end beside each other, at most.
_FLUSH: Final = 1.5
#: Pieces of a row that is a title, at most, and what one holds.
_PIECES: Final = 2
_WORD: Final = re.compile(r"[^\W\d]{2}")
#: Lines above a plot, at most; a page with more has other figures than the chart's.
_ABOVE: Final = 6
#: Pixels a side below which nothing drawn can be told.
_SMALLEST_PX: Final = 30


def parse_number(text: str) -> float | None:
    """Return a tick label's number; None: it isn't one."""
    match = _NUMBER.match(text.strip().translate(_ZEROS) if len(text) < 3 else text.strip())  # noqa: PLR2004
    if match is None:
        return None
    digits = match["digits"]
    digits = digits.replace(".", "") if digits.count(".") > 1 else _DECIMAL_COMMA.sub(".", digits)
    value = float(digits.replace(",", "").replace(" ", ""))
    value *= _FACTORS.get(match["unit"] or "", 1.0)
    return -value if match["sign"] else value


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis: value = slope * pixel + offset, from its ticks."""

    ticks: list[Line]
    values: list[float]
    slope: float
    offset: float
    unit: str = ""

    def at(self, pixel: float) -> float:
        """Return the value at a pixel, rounded to what a reader of the chart could tell."""
        value = self.slope * pixel + self.offset
        grain = self._grain()
        return float(np.round(value / grain) * grain)

    def _grain(self) -> float:
        """Return a tenth of the ticks' step, rounded down to 1, 2 or 5 of some power of ten."""
        steps = np.abs(np.diff(sorted(self.values)))
        tenth = max(float(np.median(steps)) / 10, 1e-12)
        power = float(10 ** np.floor(np.log10(tenth)))
        return next(power * factor for factor in (5, 2, 1) if power * factor <= tenth * 1.001)

    def shown(self, value: float) -> str:
        """Return a value as the axis writes it."""
        is_years = all(1000 < v < 2200 and v == int(v) for v in self.values)  # noqa: PLR2004
        text = f"{value:.0f}" if is_years else amount(value)
        return f"{self.unit}{text}" if self.unit in {"$", "€", "£"} else f"{text}{self.unit}"

    def span(self) -> str:
        """Return "from 0 to 40"."""
        low, high = sorted((self.values[0], self.values[-1]))
        return f"from {self.shown(low)} to {self.shown(high)}"


@dataclass(frozen=True, slots=True)
class Axes:
    """The plot's box in pixels, its axes and what is written around it."""

    x0: int
    y0: int
    x1: int
    y1: int
    vertical: Scale | None
    horizontal: Scale | None
    bottom: list[Line]
    left: list[Line]
    title: str
    x_title: str
    y_title: str
    others: list[Line]

    @property
    def has_second_scale(self) -> bool:
        """Return whether numbers stand in line at the right, too: what is drawn may be by these."""
        right = [o for o in self.others if o.x0 > self.bottom[-1].x and self.y0 <= o.y <= self.y1]
        columns = ([o for o in right if abs(o.x0 - one.x0) < one.height] for one in right)
        return any(_fit(sorted(column, key=lambda line: line.y), "y") for column in columns)

    @property
    def may_lack_first(self) -> bool:
        """Return whether there is room for one more label below, before the first that was read."""
        are_names = self.horizontal is None
        ticks = self.bottom if self.horizontal is None else self.horizontal.ticks
        room = _ROOM[are_names] * usual_step([tick.x for tick in ticks])
        return ticks[0].x - self.x0 > room > 0

    def spans(self, *, is_named: bool = True) -> list[str]:
        """Return a sentence on each axis that can be read, the horizontal one first.

        Names are left out unless the last is there.
        """
        spans = []
        name = f"horizontal axis {quoted(self.x_title)}" if self.x_title else "horizontal axis"
        if self.horizontal is not None:
            last = self.horizontal.shown(self.horizontal.values[-1])
            up_to = f"up to {last}" if self.may_lack_first else self.horizontal.span()
            spans.append(f"{name} {up_to}")
        elif len(self.bottom) >= 2 and is_named:  # noqa: PLR2004 - two ends
            first, last = (o.text.rstrip(TICK_MARKS) for o in (self.bottom[0], self.bottom[-1]))
            spans.append(f"{name} {'up' if self.may_lack_first else f'from {first}'} to {last}")
        if self.has_second_scale:
            spans.append("vertical axes on both sides")
        elif self.vertical is not None:
            name = f"vertical axis {quoted(self.y_title)}" if self.y_title else "vertical axis"
            spans.append(f"{name} {self.vertical.span()}")
        return spans


def find_axes(pixels: Pixels, lines: Sequence[Line], reader: Reader) -> Axes | None:
    """Return the axes; None: no numbers stand in line at the left or the bottom."""
    height, width = pixels.shape[:2]
    lines = _with_commas(lines, pixels)
    level = [line for line in lines if not line.is_upright and line.text]
    left = _left_ticks(level, width)
    bottom = _upright_ticks(lines, left) or _bottom_ticks(level, height, left)
    if len(left) < _LEAST_TICKS and len(bottom) < _LEAST_TICKS:
        return None
    vertical = _fit(left, "y")
    if vertical is None:
        # Horizontal bars have words at the left and numbers below.
        left = _left_words(level, bottom, width)
    horizontal = _fit(bottom, "x")
    if vertical is not None:
        vertical = _completed(vertical, pixels, reader, upright=True)
    if horizontal is not None:
        horizontal = _completed(horizontal, pixels, reader, upright=False)
    if (vertical is None and (horizontal is None or len(left) < 2)) or not bottom:  # noqa: PLR2004
        return None
    box = _plot_box(pixels, left if vertical is None else vertical.ticks, bottom)
    if box is None or _has_second_plot(level, left, bottom):
        return None
    used = {id(line) for line in (*left, *bottom)}
    others = [line for line in lines if id(line) not in used]
    unnamed = _without_legend(others, pixels)
    if sum(line.y1 < box[1] for line in unnamed) > _ABOVE:
        return None
    below = _next_row([o for o in unnamed if o.y > bottom[0].y1])
    return Axes(
        *box,
        vertical=vertical,
        horizontal=horizontal,
        bottom=bottom,
        left=left,
        title=_title(unnamed, box, height),
        x_title=_joined([o for o in below if _is_centred(o, box)]),
        y_title=_balanced([o for o in unnamed if o.is_upright and o.x < box[0] and o.score > 0.6]),  # noqa: PLR2004
        others=others,
    )


def _with_commas(lines: Sequence[Line], pixels: Pixels) -> Sequence[Line]:
    """Return the lines with 1.000 as 1,000 if the dots of an axis part thousands."""
    height, width = pixels.shape[:2]
    level = [line for line in lines if not line.is_upright and line.text]
    axes = (_left_ticks(level, width), _bottom_ticks(level, height, ()))
    if not any(map(_has_dotted_thousands, axes)):
        return lines
    return [
        replace(o, text=o.text.replace(".", ",")) if _DOTTED.match(o.text) else o for o in lines
    ]


def _has_dotted_thousands(ticks: Sequence[Line]) -> bool:
    dotted = [tick.text for tick in ticks if "." in tick.text]
    return bool(dotted) and all(_DOTTED.match(t) and _DOTTED_ROUND.search(t) for t in dotted)


def _without_legend(lines: Sequence[Line], pixels: Pixels) -> list[Line]:
    """Return the lines without rows that have a swatch; grey ones aren't seen as such."""
    words = [o for o in lines if sum(map(str.isalpha, o.text)) > 1 and not o.is_upright]
    entries = [o for o in words if has_swatch(o, pixels) or _LEGEND.search(o.text)]
    return [
        o
        for o in lines
        if o.is_upright or all(abs(o.y - one.y) > 0.5 * o.height for one in entries)
    ]


def _has_second_plot(lines: Sequence[Line], left: Sequence[Line], bottom: Sequence[Line]) -> bool:
    """Return whether the labels are those of two plots beside each other.

    Then another plot's ticks stand among those below, or these begin far from those at the left.
    """
    step = usual_step([line.x for line in bottom])
    edge = max(line.x1 for line in left)
    if len(bottom) >= _LEAST_TICKS and bottom[0].x - edge > _FAR * step:
        return True
    between = [n for n in lines if bottom[0].x < n.x < bottom[-1].x and n.y < bottom[0].y0]
    columns = ([n for n in between if abs(n.x1 - one.x1) < 0.4 * one.height] for one in between)
    return any(_fit(sorted(column, key=lambda line: line.y), "y") for column in columns)


def _next_row(lines: Sequence[Line]) -> list[Line]:
    """Return the first row of level lines; what stands below it is a legend, or a source."""
    level = [line for line in lines if not line.is_upright]
    first = min(level, key=lambda line: line.y, default=None)
    return [o for o in level if first and abs(o.y - first.y) < 0.5 * first.height]


def _balanced(lines: Sequence[Line]) -> str:
    """Return an upright title; "" if pieces of it were read in the wrong order."""
    text = _joined(lines)
    return text if text.rfind("(") <= text.rfind(")") and text.find("(") <= text.find(")") else ""


def _joined(lines: Sequence[Line]) -> str:
    return " ".join(line.text for line in sorted(lines, key=lambda line: line.x0))


def _left_ticks(lines: Sequence[Line], width: int) -> list[Line]:
    """Return numbers whose right ends stand in line in the left part, from the top."""
    numbers = [n for n in lines if parse_number(n.text) is not None and n.x < 0.4 * width]
    best: list[Line] = []
    for anchor in numbers:
        near = 0.8 * anchor.height
        column = [n for n in numbers if abs(n.x1 - anchor.x1) < near]
        centred = [n for n in numbers if abs(n.x - anchor.x) < 0.5 * near]
        best = max(best, column, centred, key=len)
    return sorted(best, key=lambda line: line.y)


def _bottom_ticks(lines: Sequence[Line], height: int, left: Sequence[Line]) -> list[Line]:
    """Return the row of labels below the plot, from the left."""
    best: list[Line] = []
    used = {id(line) for line in left}
    lowest = max((line.y for line in left), default=height * 0.5)
    candidates = [n for n in lines if id(n) not in used and n.y > lowest - n.height]
    for anchor in candidates:
        row = [n for n in candidates if abs(n.y - anchor.y) < 0.5 * anchor.height]
        if len(row) > len(best) or (len(row) == len(best) and best and row[0].y < best[0].y):
            best = row
    return sorted(best, key=lambda line: line.x)


def _upright_ticks(lines: Sequence[Line], left: Sequence[Line]) -> list[Line]:
    """Return the row of labels that run upwards to the plot's lower edge, from the left."""
    upper = max((line.y0 for line in left), default=0.0)
    upright = [line for line in lines if line.is_upright and line.y0 > upper]
    row = max(
        ([o for o in upright if abs(o.y0 - one.y0) < 0.5 * one.width] for one in upright),
        key=len,
        default=[],
    )
    return sorted(row, key=lambda line: line.x) if len(row) >= _LEAST_TICKS else []


def _left_words(lines: Sequence[Line], bottom: Sequence[Line], width: int) -> list[Line]:
    if not bottom:
        return []
    edge = bottom[0].x + bottom[0].height
    words = [n for n in lines if n.x1 < edge and n.y < bottom[0].y0 and n.x < 0.45 * width]
    # A legend on the plot may stand left of the first tick, and a title above begin there.
    end, start = median([n.x1 for n in words] or [0.0]), median([n.x0 for n in words] or [0.0])
    flush = (n for n in words if min(abs(n.x1 - end), abs(n.x0 - start)) < _FLUSH * n.height)
    return sorted((n for n in flush if n.x0 <= end), key=lambda line: line.y)


def _fit(ticks: Sequence[Line], axis: str) -> Scale | None:
    """Return the line through the ticks; one misread tick is dropped."""
    texts = [tick.text.strip() for tick in ticks]
    if any(map(_SIGNED_ZERO.match, texts)):
        texts = [text.lstrip(_SIGNS) for text in texts]
    parsed = [(tick, parse_number(text)) for tick, text in zip(ticks, texts, strict=True)]
    numbers = [(tick, value) for tick, value in parsed if value is not None]
    if len(numbers) < max(2, 0.7 * len(ticks)):
        return None
    for drop in (None, *range(len(numbers))):
        kept = [number for i, number in enumerate(numbers) if i != drop]
        if len(kept) < (_LEAST_TICKS if axis == "y" or drop is not None else 2):
            return None
        places = np.array([tick.y if axis == "y" else tick.x for tick, _ in kept])
        values = np.array([value for _, value in kept])
        reach = values.max() - values.min()
        if reach == 0 or _are_powers(values):
            continue
        slope, offset = np.polyfit(places, values, 1)
        if np.abs(slope * places + offset - values).max() <= _OFF_FIT * reach:
            signs = [re.search(r"[$€£%°]C?", tick.text) for tick, _ in kept]
            unit = signs[0][0] if all(signs) and signs[0] else ""
            scale = Scale([tick for tick, _ in kept], values.tolist(), slope, offset, unit)
            return _with_ends(scale, ticks, axis)
    return None


def _with_ends(scale: Scale, ticks: Sequence[Line], axis: str) -> Scale:
    """Return the scale with the first and the last tick, if these weren't read as numbers."""
    step = float(np.median(np.abs(np.diff(sorted(scale.values)))))
    for at, tick in ((0, ticks[0]), (-1, ticks[-1])) if step else ():  # some ticks read twice
        value = None if tick is scale.ticks[at] else _end(scale, tick, at, step, axis)
        if value is not None:
            place = 0 if at == 0 else len(scale.ticks)
            found, values = [*scale.ticks], [*scale.values]
            found.insert(place, tick)
            values.insert(place, value)
            scale = replace(scale, ticks=found, values=values)
    return scale


def _end(scale: Scale, tick: Line, at: int, step: float, axis: str) -> float | None:
    """Return the number of the first (0) or last (-1) tick, which was misread; None: unsure."""
    steps = (scale.slope * (tick.y if axis == "y" else tick.x) + scale.offset) / step
    if abs(steps - round(steps)) < _OFF_STEP:
        value, read = round(steps) * step, parse_number(tick.text)
        # The same number counts to the other side, as a pyramid's.
        is_misread = any(map(str.isdecimal, tick.text)) and abs(value) != abs(read or 0.0)
        return value if is_misread else None
    # Two ticks close to each other were read as one.
    outer = parse_number(tick.text.split()[at]) if axis == "x" else None
    is_there = outer is not None and tick.x0 <= (outer - scale.offset) / scale.slope <= tick.x1
    return outer if is_there else None


def _are_powers(values: NDArray[np.float64]) -> bool:
    """Return whether a logarithmic axis was misread: ten to the second as 102."""
    return bool(((values >= 100) & (values < 110)).all())  # noqa: PLR2004 - 10 and one digit


def _completed(scale: Scale, pixels: Pixels, reader: Reader, *, upright: bool) -> Scale:
    """Return the scale with the end ticks that the search for lines missed: lone digits.

    A tick is only believed if the number that the spacing foretells can be read at its place.
    """
    ticks = sorted(zip(scale.values, scale.ticks, strict=True), key=lambda item: item[0])
    step = float(np.median(np.diff([value for value, _ in ticks])))
    for towards in (-1, 1):
        for _ in range(_MISSED):
            value, tick = ticks[0 if towards < 0 else -1]
            shift = towards * step / scale.slope
            (moved,) = placed([tick], (0.0, shift) if upright else (shift, 0.0), 1.0)
            text = _read_at(pixels, moved, reader).rstrip(TICK_MARKS)
            number = parse_number(text)
            if number is None or abs(number - (value + towards * step)) > 0.01 * abs(step):
                break
            found = (number, replace(moved, text=text))
            ticks = [found, *ticks] if towards < 0 else [*ticks, found]
    return replace(scale, values=[v for v, _ in ticks], ticks=[t for _, t in ticks])


def _read_at(pixels: Pixels, place: Line, reader: Reader) -> str:
    height, width = pixels.shape[:2]
    if place.y0 < 0 or place.x0 < 0 or place.y1 > height or place.x1 > width:
        return ""
    pad = 0.3 * place.height
    y0, y1 = max(0, int(place.y0 - pad)), int(place.y1 + pad) + 1
    x0, x1 = max(0, int(place.x0 - pad)), int(place.x1 + pad) + 1
    return reader.read_line(pixels[y0:y1, x0:x1])


def _plot_box(
    pixels: Pixels, left: Sequence[Line], bottom: Sequence[Line]
) -> tuple[int, int, int, int] | None:
    """Return the plot's box: right of the left labels, above the bottom ones, one step beyond."""
    width = pixels.shape[1]
    x0 = max(line.x1 for line in left) + 2
    y1 = min(line.y0 for line in bottom) - 2
    above, beside = usual_step([n.y for n in left]), usual_step([n.x for n in bottom])
    y0 = max(0.0, min(line.y for line in left) - above)
    x1 = min(float(width), max(line.x1 if len(bottom) == 1 else line.x for line in bottom) + beside)
    if y1 - y0 < _SMALLEST_PX or x1 - x0 < _SMALLEST_PX:
        return None
    return int(x0), int(y0), int(x1), int(y1)


def usual_step(places: Sequence[float]) -> float:
    """Return the usual distance of two places; 0 of fewer than two."""
    ordered = sorted(places)
    return median([b - a for a, b in pairwise(ordered)] or [0.0])


def _title(lines: Sequence[Line], box: tuple[int, int, int, int], height: int) -> str:
    """Return the largest text near the top that isn't inside the plot's lower part."""
    top = [o for o in lines if o.y < 0.2 * height and not o.is_upright and o.score > 0.7]  # noqa: PLR2004
    top = [o for o in top if not (_NOTE.match(o.text) or _is_on_plot(o, box))]
    if not top:
        return ""
    largest = max(line.height for line in top)
    first = min(top, key=lambda line: line.y)
    if first.height < 0.7 * largest:
        first = max(top, key=lambda line: line.height)
    row = [o for o in top if abs(o.y - first.y) < 0.5 * first.height]
    if len(row) > _PIECES:
        return ""
    second = [
        o
        for o in top
        if first.y < o.y < first.y + 1.8 * first.height
        and abs(o.height - first.height) < 0.2 * first.height
        and abs(o.x - median(r.x for r in row)) < 0.1 * (box[2] - box[0])
    ]
    title = [*sorted(row, key=lambda line: line.x0), *(o for o in second if o not in row)]
    text = " ".join(line.text for line in title)
    return text if _WORD.search(text) else ""


def _is_on_plot(line: Line, box: tuple[int, int, int, int]) -> bool:
    """Return whether a line stands somewhere on the plot, neither centred nor flush with it."""
    x0, y0, *_ = box
    return line.y0 > y0 and line.x0 > x0 + 0.6 * line.height and not _is_centred(line, box)


def _is_centred(line: Line, box: tuple[int, int, int, int]) -> bool:
    x0, _, x1, _ = box
    return abs(line.x - (x0 + x1) / 2) < _CENTRED * (x1 - x0)
