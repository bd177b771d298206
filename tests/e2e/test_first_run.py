"""The README's first command, as a person meets it: run, review, publish, look at the posts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from tests.e2e.conftest import ROOT, Demo
from tests.support import wait_until
from tests.support_browser import ARGUMENTS, CHROMIUM, PATIENCE_MS, START_MS, violations

#: Milliseconds that a run over the demo's pictures may take.
RUN_MS = 360_000


@pytest.fixture
def page(demo: Demo) -> Iterator[Page]:
    """Open a browser at the demo's address."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=START_MS
        )
        page = browser.new_page(base_url=demo.service.url, viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


@pytest.mark.req("10.1", "the same in every mode")
@pytest.mark.req("10.2", "the page in every mode")
def test_a_person_describes_reviews_and_publishes(demo: Demo, page: Page) -> None:
    """From sign-in to alt texts on the original posts, in which nothing else has changed."""
    before = demo.posts()
    sign_in(page, demo)

    page.get_by_role("button", name="Describe my pictures").click()
    expect(page.get_by_text("Running", exact=True)).to_be_visible(timeout=RUN_MS)
    page.reload()  # nothing is lost by it
    ended = "Described 11 of 13 pictures. 2 wait for a sentence of yours."
    expect(page.get_by_text(ended, exact=True)).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_role("heading", name="13 drafts to review.")).to_be_visible()  # by itself
    documented = json.loads((ROOT / "docs/pictures.json").read_text())
    in_docs = {text for picture in documented.values() for text in picture["drafts"]}
    assert in_docs <= {draft["text"] for draft in drafts(page)}, "run `make pictures`"
    (task,) = tasks(page)
    assert (task["priority"], task["delivery"], task["attempt"]) == ("high", "rq", 1)

    page.locator(".button--primary", has_text="Review 13 drafts").click()
    cards = page.locator("[data-drafts] > li")
    expect(cards).to_have_count(13)
    edited = "A woman in an orange space suit smiles in front of a flag and a model shuttle."
    field = page.get_by_label("Alt text").first
    field.fill(edited)
    # Of the rocket, colours were seen only.
    cards.nth(2).get_by_label("Alt text").fill("A rocket lifts off in the morning, seen from afar.")
    for position in range(3):
        cards.nth(position).get_by_role("button", name=re.compile("Approve")).click()
        wait_until(partial(waits, page, 12 - position))
    assert counts(page)["approved"] == 3

    page.get_by_role("button", name=re.compile("Publish 3")).first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Publish")).click()
    wait_until(lambda: counts(page)["published"] == 3, 180)

    after = demo.posts()
    published = [draft for draft in drafts(page) if draft["status"] == "published"]
    assert edited in {draft["text"] for draft in published}
    texts = {draft["text"] for draft in published}
    assert described(after) - described(before) == texts
    for post_id, post in before.items():
        assert unchanging(after[post_id]) == unchanging(post)
    look_at_the_posts(demo, page, edited)


def look_at_the_posts(demo: Demo, page: Page, edited: str) -> None:
    """Follow the link of a published text, and the address that was printed."""
    page.goto("/review?status=published")
    link = page.get_by_role("link", name=re.compile("The post on")).first
    href = link.get_attribute("href") or ""
    page.goto(href)
    expect(page.get_by_text("Alt text:").first).to_be_visible()
    assert violations(page) == []
    printed = re.search(r"http://\S+/@\w+", demo.service.log)
    assert printed is not None
    page.goto(printed[0])
    expect(page.get_by_role("article")).to_have_count(10)
    picture = page.get_by_role("img", name=edited)
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    expect(page.get_by_text(edited)).to_be_visible()
    assert violations(page) == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.goto(f"{demo.server}/@robin/999") is not None
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_closed_page_loses_nothing_and_the_next_start_keeps_everything(
    demo: Demo, page: Page
) -> None:
    """The page is closed during a run, the service is stopped and started: the drafts are there."""
    sign_in(page, demo)
    page.get_by_role("button", name="Describe my pictures").click()
    wait_until(lambda: any(task["items"]["done"] >= 2 for task in tasks(page)), 180)
    page.goto("about:blank")
    demo.service.stop()
    demo.service.start("demo", until="Ctrl-C stops everything")
    page.goto("/")
    wait_until(lambda: tasks(page)[0]["status"] == "completed", 180)
    (task,) = tasks(page)
    assert task["items"] == {"total": 13, "done": 13, "failed": 0, "skipped": 0}
    assert counts(page)["draft"] == 13


def sign_in(page: Page, demo: Demo) -> None:
    """Sign in with what the demo printed."""
    page.goto("/")
    name, password = demo.login["username"], demo.login["password"]
    assert name in demo.service.log
    assert password in demo.service.log
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Describe my pictures")).to_be_visible()


def get(page: Page, path: str) -> Any:
    """Ask the REST API with the page's session."""
    answer = page.request.get(f"/api/v1{path}")
    assert answer.ok, answer.text()
    return answer.json()


def tasks(page: Page) -> list[dict[str, Any]]:
    """Return the user's tasks."""
    found: list[dict[str, Any]] = get(page, "/tasks")["tasks"]
    return found


def drafts(page: Page) -> list[dict[str, Any]]:
    """Return the user's drafts."""
    found: list[dict[str, Any]] = get(page, "/drafts?limit=200")["drafts"]
    return found


def counts(page: Page) -> dict[str, int]:
    """Return how many drafts there are in each state."""
    found: dict[str, int] = get(page, "/drafts?limit=1")["counts"]
    return found


def waits(page: Page, count: int) -> bool:
    """Say whether so many drafts wait for review."""
    return counts(page)["draft"] == count


def described(posts: dict[str, dict[str, Any]]) -> set[str]:
    """Return every alt text of these posts."""
    return {
        media["description"]
        for post in posts.values()
        for media in post["media_attachments"]
        if media["description"]
    }


def unchanging(post: dict[str, Any]) -> dict[str, Any]:
    """Return what publishing an alt text must leave alone."""
    kept = {
        name: post[name]
        for name in ("content", "spoiler_text", "sensitive", "visibility", "language", "poll")
    }
    kept["source"] = {name: post["source"][name] for name in ("text", "spoiler_text")}
    kept["media"] = [(media["id"], media["type"]) for media in post["media_attachments"]]
    return kept
