"""Copies what comes by npm to where the app has it: what pages load, and what reads scripts."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "node_modules"
TARGET = ROOT / "src" / "altwright" / "web" / "static" / "vendor"
#: Where vision/tesseract.py looks for its weights.
TESSDATA = ROOT / "src" / "altwright" / "describers" / "offline" / "weights" / "tessdata"
_ATKINSON = "@fontsource-variable/atkinson-hyperlegible-next"
_NEWSREADER = "@fontsource-variable/newsreader"
#: File in node_modules → its name in TARGET. Each licence stands beside what it covers.
FILES = {
    "socket.io-client/dist/socket.io.esm.min.js": "socket.io.esm.min.js",
    "uplot/dist/uPlot.iife.min.js": "uplot.min.js",
    "uplot/dist/uPlot.min.css": "uplot.css",
    "uplot/LICENSE": "uplot.LICENSE",
    "socket.io-client/LICENSE": "socket.io.LICENSE",
    f"{_ATKINSON}/LICENSE": "atkinson.LICENSE",
    f"{_ATKINSON}/files/atkinson-hyperlegible-next-latin-wght-normal.woff2": "atkinson.woff2",
    f"{_ATKINSON}/files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2": (
        "atkinson-ext.woff2"
    ),
    f"{_NEWSREADER}/LICENSE": "newsreader.LICENSE",
    f"{_NEWSREADER}/files/newsreader-latin-wght-normal.woff2": "newsreader.woff2",
    f"{_NEWSREADER}/files/newsreader-latin-ext-wght-normal.woff2": "newsreader-ext.woff2",
}
#: The languages of `weights/tessdata`, unpacked; of two variants the smaller one (8-bit integers).
LANGUAGES = ("ara", "ell", "eng", "fas", "heb", "hin", "kir", "kor", "srp", "tha", "ukr", "urd")
WEIGHTS = {
    f"@tesseract.js-data/{name}/4.0.0_best_int/{name}.traineddata.gz": f"{name}.traineddata"
    for name in LANGUAGES
}


def copy() -> None:
    """Copy every file, or none: a missing one stops before the first is written."""
    missing = [name for name in (*FILES, *WEIGHTS) if not (SOURCES / name).is_file()]
    if missing:
        sys.exit("Run `npm ci` first; node_modules lacks " + ", ".join(missing))
    TARGET.mkdir(parents=True, exist_ok=True)
    for source, name in FILES.items():
        shutil.copyfile(SOURCES / source, TARGET / name)
    TESSDATA.mkdir(parents=True, exist_ok=True)
    for source, name in WEIGHTS.items():
        (TESSDATA / name).write_bytes(gzip.decompress((SOURCES / source).read_bytes()))


if __name__ == "__main__":
    copy()
