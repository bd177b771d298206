"""Users in real browsers: they sign in, press the button, watch, approve and publish."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Response, expect, sync_playwright
from tests.support_browser import ARGUMENTS, CHROMIUM, PATIENCE_MS, START_MS

from benchmarks.staging.deployment import Person
from benchmarks.staging.fediverse import Fediverse

_log = logging.getLogger(__name__)
_SERVER_ERROR = 500


@dataclass
class Browsers:
    """A Chromium with a window for each of some people, who come one after the other."""

    url: str
    people: Sequence[Person]
    fediverse: Fediverse
    broken: list[str] = field(default_factory=list)
    #: Runs that somebody has brought to their end.
    runs: int = 0

    def __post_init__(self) -> None:
        """Open nothing yet."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def are_there(self) -> bool:
        """Say whether there is a browser, and somebody to use it."""
        return bool(self.people) and Path(CHROMIUM).exists()

    def start(self) -> None:
        """Let them begin."""
        if self.are_there:
            self._thread = threading.Thread(target=self._run, name="browsers", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let whoever is at it end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=START_MS
                )
                pages = []
                for person in self.people:
                    context = browser.new_context(base_url=self.url, ignore_https_errors=True)
                    context.set_default_timeout(PATIENCE_MS)
                    page = context.new_page()
                    page.on("response", self._note)
                    self._sign_in(page, person)
                    pages.append((person, page))
                while not self._stop.is_set():
                    for person, page in pages:
                        self._visit(person, page)
                browser.close()
        except Exception as error:  # noqa: BLE001 - recorded: the verdict says it
            _log.exception("a browser met a fault")
            self.broken.append(f"in a browser: {error}")

    def _note(self, response: Response) -> None:
        if response.status >= _SERVER_ERROR:
            self.broken.append(f"in a browser: {response.status} for {response.url}")

    @staticmethod
    def _sign_in(page: Page, person: Person) -> None:
        page.goto("/login")
        page.get_by_label("User name").fill(person.name)
        page.get_by_label("Password").fill(person.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")

    def _visit(self, person: Person, page: Page) -> None:
        post = self.fediverse.post(person.home)
        page.goto("/")
        page.get_by_role("button", name="Describe my pictures").click()
        # The card of the run follows by itself.
        page.get_by_text(re.compile(r"^Described \d+ of \d+ pictures?\.$")).first.wait_for()
        page.goto("/review")
        cards = page.locator("[data-drafts] > li")
        approve = cards.first.get_by_role("button", name=re.compile("Approve"))
        expect(approve).to_be_visible(timeout=PATIENCE_MS)
        count = _drafts(page)["counts"]["approved"]
        approve.click()
        _until(page, lambda counts: counts["approved"] > count)
        page.get_by_role("button", name=re.compile("^Publish")).first.click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile("Publish")).click()
        _until(page, lambda counts: not counts["approved"])
        self.runs += 1
        del post


def _drafts(page: Page) -> Any:
    return page.request.get("/api/v1/drafts?limit=1").json()


def _until(page: Page, condition: Any) -> None:
    while not condition(_drafts(page)["counts"]):
        page.wait_for_timeout(300)
