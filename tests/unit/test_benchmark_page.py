"""The page on speed hides nothing: each promise has its row, each chart its text and its table.

That page and charts are what docs/benchmarks.json says, tests/unit/test_docs.py shows.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

FOLDER = Path(__file__).parent.parent.parent / "docs" / "explanation"
PAGE = (FOLDER / "benchmarks.md").read_text()
CHART = re.compile(r"^!\[([^\]]*)\]\(([^)]+\.svg)\)\n\n((?:\|.*\n)+)", re.MULTILINE)
SVG = "{http://www.w3.org/2000/svg}"
EACH = ("SQLite", "PostgreSQL", "MariaDB")
IDLE = "an idle worker begins, on {}, over RQ's SimpleWorker (medians)"
WITHOUT = "without Redis an idle worker of {} process begins, on {} (median)"
POST = "`POST /api/v1/tasks` on {}, over bare Flask and RQ (means)"
MEMORY = "most memory (RSS) of {} that describes an account"
PAGES = "administrators' slowest page beside 1,000,000 finished tasks, on {} (median)"
BESIDE = "submits and claims while pages are asked and statistics written, on {}"
REVIEW = "in Review, {}, beside 10,000 drafts in Chromium"
UNUSED = (
    "killed: the last answer that it is used",
    "killed: the submit that meets it",
    "frozen: the last answer that it is used",
    "frozen: the submit that meets it",
)
BACK = ("back", "thawed")
#: What the project has promised, and nothing less.
PROMISED = {
    "tasks of one item on SQLite, over jobs of RQ's SimpleWorker": "at least 2 times",
    "tasks of one item on PostgreSQL, over jobs of RQ's SimpleWorker": "at least 1.2 times",
    "tasks of one item on PostgreSQL, over jobs of Procrastinate there": "at least 1.5 times",
    **{
        f"two processes on {one}, over two of Celery with late acknowledging": "at least 1 times"
        for one in EACH
    },
    "processor time of an item on SQLite": "at most 1 ms",
    "processor time of an item on PostgreSQL": "at most 1.5 ms",
    **{IDLE.format(one): "at most 1.5 times" for one in EACH},
    **{WITHOUT.format("the same", one): "at most 20 ms" for one in EACH},
    **{WITHOUT.format("another", one): "at most 100 ms" for one in EACH},
    **{POST.format(f"SQLite{one}"): "at most 1.5 times" for one in ("", " without Redis")},
    **{POST.format(f"PostgreSQL{one}"): "at most 2 times" for one in ("", " without Redis")},
    **{POST.format(f"MariaDB{one}"): "at most 2 times" for one in ("", " without Redis")},
    **{
        f"`POST /api/v1/tasks` at 50 a second,{where} {figure}": "at most 10 ms"
        for where in ("", " on the server,")
        for figure in ("mean", "99th percentile")
    },
    "pictures a minute, over the model server's best": "at least 95 %",
    "pictures a minute, over the offline describer's bare speed": "at least 90 %",
    MEMORY.format("a worker process without a model of its own"): "at most 150 MB",
    MEMORY.format("any worker process"): "at most 500 MB",
    **{PAGES.format(one): "at most 200 ms" for one in EACH[:2]},
    **{BESIDE.format(one): "at most 1.2 times" for one in EACH},
    REVIEW.format("from a key to the next picture and text (median)"): "at most 100 ms",
    REVIEW.format("approval of all sure ones"): "at most 2,000 ms",
    REVIEW.format("requests of that approval"): "at most 3",
    REVIEW.format("until the list of what will be published is there"): "at most 1,000 ms",
    **{f"Redis {one} (median)": "at most 2 s" for one in UNUSED},
    **{f"Redis {one}: the last answer that it isn't used (median)": "at most 5 s" for one in BACK},
    "worker process killed: its task goes on (median)": "at most 5 s",
    "without Redis: a submit is claimed by an idle worker (median)": "at most 1 s",
}


def test_each_promise_has_a_row_with_what_was_seen() -> None:
    """Promised, seen, reached or not, and the command that says so: for every figure."""
    table = PAGE.partition("## What is promised\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    seen = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    assert {what: cells[0] for what, cells in seen.items()} == PROMISED
    for what, (_, figure, verdict, command) in seen.items():
        assert verdict in {"reached", "**not reached**", "not measured"}, what
        assert (figure == "-") == (verdict == "not measured"), what
        assert re.fullmatch(r"`python -m benchmarks\.\w+`", command), what


def test_each_chart_has_a_text_and_its_figures_in_a_table() -> None:
    """Who can't see a chart has its gist in words, within it and beside it, and all its figures."""
    charts = CHART.findall(PAGE)
    assert len(charts) > 5
    for alternative, name, table in charts:
        svg = ET.fromstring((FOLDER / name).read_text())  # noqa: S314 - the project's own
        assert svg.get("role") == "img", name
        title, description = svg.findtext(f"{SVG}title"), svg.findtext(f"{SVG}desc")
        assert title
        assert description
        assert description in alternative
        texts = [text.text or "" for text in svg.iter(f"{SVG}text")]
        cells = {cell.strip() for cell in re.split(r"[|\n]", table)}
        assert {value.strip() for value in texts[2::2]} <= cells, name
