"""Makes the pictures in docs/ from a demo that really runs: `make pictures`.

What they show is what the product did while this script watched. docs/pictures.json keeps which
bytes came of it and which drafts are to be read on them; tests hold both against the docs and
against a demo of their own.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from tests.support_browser import ARGUMENTS, CHROMIUM
from tests.support_service import Service, running

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: A demo's models and photographs, when this checkout has them already.
KEPT = ("models", "demo/pictures")
VIEWPORT = {"width": 1280, "height": 860}
#: Milliseconds that a run over the demo's pictures may take on a busy machine.
RUN_MS = 600_000
#: Whether so many pictures are done, and the heading counts as many drafts.
AGREED = r"""least => {
  const done = Number(document.querySelector("[data-task-card] [data-done]")?.textContent);
  const heading = `${done} drafts to review.`;
  return done >= least
    && document.querySelector("h1").innerText.replace(/\s+/g, " ") === heading;
}"""
#: The post whose first picture the review page is shown with.
POST = "The numbers of the year"


def main() -> None:
    """Run the demo in a folder of its own, and keep what it shows."""
    with tempfile.TemporaryDirectory(prefix="altwright-pictures-") as name:
        folder = Path(name)
        for part in KEPT:
            if (ROOT / "var" / part).exists():
                shutil.copytree(ROOT / "var" / part, folder / "var" / part)
        with (
            running(Service(folder), "demo", until="Ctrl-C stops everything") as service,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            page = browser.new_page(
                base_url=service.url, viewport=VIEWPORT, reduced_motion="reduce"
            )
            page.set_default_timeout(RUN_MS)
            expect.set_options(timeout=RUN_MS)
            login = json.loads((folder / "var/demo/login.json").read_text())
            made = [home(page, login["username"], login["password"]), review(page)]
            browser.close()
    (DOCS / "pictures.json").write_text(
        json.dumps(dict(made), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    )


def home(page: Page, username: str, password: str) -> tuple[str, object]:
    """Sign in, start a run, and show the home page in the middle of it."""
    page.goto("/")
    page.get_by_label("Name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Describe my pictures").click()
    # A fast machine may be past any one number before the page was looked at: four or more, and
    # the count and the heading of one moment.
    page.wait_for_function(AGREED, arg=4)
    return kept(page, "home.png", [])


def review(page: Page) -> tuple[str, object]:
    """Wait for the run's end, and show one picture beside its draft."""
    card = page.locator("[data-task-card]")
    expect(card.get_by_text(re.compile(r"^Described \d+ of 13 pictures\."))).to_be_visible()
    drafts = page.request.get("/api/v1/drafts?limit=200").json()["drafts"]
    shown = next(one for one in drafts if one["post"]["text"].startswith(POST))
    page.goto(f"/review/{shown['id']}")
    card = page.locator("li[data-current]")
    expect(card.locator("img")).to_have_attribute("src", shown["picture"]["url"])
    page.wait_for_load_state("networkidle")
    page.mouse.move(0, 0)
    return kept(page, "review.png", [card.get_by_label("Alt text").input_value()])


def kept(page: Page, name: str, texts: list[str]) -> tuple[str, object]:
    """Keep what the page shows, with the drafts that are to be read there."""
    page.evaluate("document.fonts.ready.then(() => null)")
    page.screenshot(path=DOCS / name, animations="disabled")
    digest = hashlib.sha256((DOCS / name).read_bytes()).hexdigest()
    sys.stdout.write(f"docs/{name}\n")
    return name, {"sha256": digest, "drafts": texts}


if __name__ == "__main__":
    main()
