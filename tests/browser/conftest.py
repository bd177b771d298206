"""A headless Chromium for each module, and a served application for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.support_browser import ARGUMENTS, CHROMIUM, PATIENCE_MS, START_MS, Site, enter, serving

#: Answers, and requests cut off, that tests ask for on purpose; Chromium notes each as an error.
EXPECTED = (
    "status of 401",
    "HTTP Authentication failed",  # the same, as an answer to a WebSocket
    "status of 404",
    "status of 409",
    "status of 422",
    "status of 503",
    "net::ERR_FAILED",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run Chromium; skips where it isn't installed.

    For one module at a time: while it runs, the thread has a running event loop, and tests that
    come between in a random order start their own.
    """
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=START_MS
        )
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve the application; anna has an account and nothing else."""
    with serving(tmp_path) as made:
        yield made


@pytest.fixture
def blank(chromium: Browser, site: Site) -> Iterator[Page]:
    """Open a page of nobody who has signed in; fails on any error that the page reports."""
    context = chromium.new_context(
        base_url=site.url, viewport={"width": 1280, "height": 860}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    page.on(
        "request",
        lambda request: foreign.append(request.url) if site.url not in request.url else None,
    )
    yield page
    context.close()
    unexpected = [one for one in errors if not any(known in one for known in EXPECTED)]
    assert not unexpected, unexpected
    others = [url for url in foreign if not url.startswith(("data:", "ws://127.0.0.1"))]
    assert not others, f"the page asked other hosts: {others}"


@pytest.fixture
def page(blank: Page, site: Site) -> Page:
    """Open a page of anna's, signed in."""
    enter(blank, site)
    return blank
