"""Bar charts as SVG: readable on light and on dark pages, without colour, and by screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

#: Pixels: the whole width, a row, the title's room, a value's, and what is left free.
WIDTH, ROW, HEAD, VALUE, PADDING = 760, 26, 44, 84, 16
#: Of a letter at most, plain and bold, in the widest of usual fonts.
LETTER, BOLD = 7.7, 8.8
#: A ground of its own, since the page's may be another than the reader's system says. All texts
#: have a contrast of 7:1 or more to it, bars one of 3:1 or more; ours are striped besides.
STYLE = """
  .ground { fill: #ffffff; } text { fill: #1f2328; font: 14px system-ui, sans-serif; }
  .title { font-weight: 600; } .ours { font-weight: 600; }
  .bar { fill: #6e7781; } .stripe { stroke: #ffffff; } .our-bar { fill: #0550ae; }
  .spread { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } text { fill: #e6edf3; }
    .bar { fill: #8b949e; } .stripe { stroke: #0d1117; } .our-bar { fill: #79c0ff; }
    .spread { stroke: #e6edf3; }
  }
"""


class Bar(NamedTuple):
    """A row of a chart."""

    name: str
    value: float
    shown: str
    least: float
    most: float
    ours: bool


def chart(title: str, description: str, bars: Sequence[Bar]) -> str:
    """Return the SVG of rows, each with its spread as a thin line."""
    names = max(len(bar.name) * (BOLD if bar.ours else LETTER) for bar in bars)
    begin = round(PADDING + names)
    longest = max(max(bar.most, bar.value) for bar in bars) or 1.0
    scale = (WIDTH - begin - VALUE) / longest
    height = HEAD + ROW * len(bars) + PADDING
    rows = "".join(_row(bar, HEAD + ROW * number, begin, scale) for number, bar in enumerate(bars))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"
  height="{height}" role="img" aria-labelledby="title description">
<title id="title">{escape(title)}</title>
<desc id="description">{escape(description)}</desc>
<style>{STYLE}</style>
<defs><pattern id="striped" width="6" height="6" patternUnits="userSpaceOnUse">
  <rect class="our-bar" width="6" height="6"/>
  <path class="stripe" d="M0 6 6 0"/>
</pattern></defs>
<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>
<text class="title" x="{PADDING}" y="28">{escape(title)}</text>
{rows}</svg>
"""


def _row(bar: Bar, top: int, begin: int, scale: float) -> str:
    length, middle, tall = max(1.0, bar.value * scale), top + (ROW - 8) / 2, ROW - 8
    kind = ' class="ours"' if bar.ours else ""
    fill = 'fill="url(#striped)"' if bar.ours else 'class="bar"'
    least, most = begin + bar.least * scale, begin + bar.most * scale
    beyond, base = begin + max(length, bar.most * scale) + 6, f"{middle + 5:g}"
    return f"""\
<text{kind} x="{begin - 8}" y="{base}" text-anchor="end">{escape(bar.name)}</text>
<rect {fill} x="{begin}" y="{top}" width="{length:.1f}" height="{tall}"/>
<path class="spread" d="M{least:.1f} {middle:g}H{most:.1f}"/>
<text{kind} x="{beyond:.1f}" y="{base}">{escape(bar.shown)}</text>
"""
