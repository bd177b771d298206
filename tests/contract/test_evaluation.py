"""`altwright eval FOLDER`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.support_leaves import Exchange, serving
from tests.support_models import ModelServerDouble
from tests.support_service import Service

#: By a picture's width: what the double says of it, and what that is worth.
ANSWERS = {
    60: ("A black cat sleeps on a red chair.", "useful"),
    70: ("A black dog sleeps on a red chair.", "misleading"),
    80: ("A cat sits there.", "small edit"),
    90: ("I'm sorry, but I can't help with that request.", "no text"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of four pictures and their references."""
    path = tmp_path / "mine"
    path.mkdir()
    pictures = []
    for width in ANSWERS:
        Image.effect_noise((width, 60), 80).convert("RGB").save(path / f"{width}.png")
        pictures.append(
            f'[[pictures]]\nfile = "{width}.png"\nkind = "{"cat" if width < 80 else "other"}"\n'
            'reference = "A <b>black</b> cat on a red chair."\nnames = ["cat|kitten", "black"]\n'
            'misleading = ["dog"]\n'
        )
    (path / "references.toml").write_text("\n".join(pictures), "utf-8")
    return path


def test_texts_are_judged_and_shown_side_by_side(tmp_path: Path, folder: Path) -> None:
    """Each picture's grade and each kind's figures; a page; what has changed since a run before."""
    double = ModelServerDouble("openai")

    def respond(exchange: Exchange) -> None:
        if exchange.path.endswith("/completions"):
            double.answer = ANSWERS[next(widths)][0]
        double.respond(exchange)

    Image.new("RGB", (60, 60)).save(folder / "unknown.png")
    with serving(respond) as models:
        service = Service(
            tmp_path,
            {"OPENAI_BASE_URL": f"{models.url}/v1", "OPENAI_MODEL": "eyes:7b"},
        )
        options = ("--describer", "openai", "--page", "page.html")
        widths = iter(ANSWERS)
        done = service.command("eval", "mine", *options, "--json")
        assert done.returncode == 0, done.stderr
        assert "unknown.png" in done.stderr
        result = json.loads(done.stdout)
        kinds = result["figures"]["openai"]
        kinds["cat"]["misleading"] = 0
        (tmp_path / "before.json").write_text(json.dumps(result))
        widths = iter(ANSWERS)
        table = service.command("eval", "mine", *options, "--compare", "before.json")
    grades = {one["file"]: one["grade"] for one in result["pictures"]}
    assert grades == {f"{width}.png": grade for width, (_, grade) in ANSWERS.items()}
    assert kinds["cat"]["usable"] == 0.5
    assert kinds["other"] | {"usable": 0.5, "no_text": 0.5} == kinds["other"]
    assert kinds["all pictures"]["misleading"] == 0.25
    assert "50% (was 0%)" in table.stdout
    assert "70.png misleads: says “dog”" in table.stdout
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count('src="data:image/jpeg;base64,') == len(ANSWERS)
    assert "A black dog sleeps" in page
    assert "<b>" not in page
    assert "http" not in page


BROKEN = {
    "": "has no references.toml",
    "pictures = 3": "pictures should be a list",
    "[[pictures]": "isn't TOML in UTF-8",
    '[[pictures]]\nfile = "60.png"\nkind = "cat"': "pictures[1] (60.png) reference: is missing",
    '[[pictures]]\nfile = "60.png"\nkind = "a"\nreference = "b"': "nothing to judge by",
    '[[pictures]]\nfile = "../x.png"\nkind = "a"\nreference = "b"\nnames = ["c"]': "outside",
    '[[pictures]]\nfile = "x.png"\nkind = "a"\nreference = "b"\nnames = ["c"]': "isn't in the",
    '[[pictures]]\nfile = "60.png"\nkinds = "a"': "kinds: isn't known here",
}


@pytest.mark.parametrize(("content", "said"), sorted(BROKEN.items()))
def test_a_folder_that_is_wrong_is_named(
    tmp_path: Path, folder: Path, content: str, said: str
) -> None:
    """Which entry, which field, and what to do; nothing is described."""
    if content:
        (folder / "references.toml").write_text(content, "utf-8")
    else:
        (folder / "references.toml").unlink()
    done = Service(tmp_path).command("eval", "mine")
    assert done.returncode == 1
    assert said.split(" should", maxsplit=1)[0] in done.stderr
    assert "Traceback" not in done.stderr
