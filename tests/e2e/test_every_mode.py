"""Whatever mode the workers run in, people see the same: the same path, page and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests import support_browser
from tests.servers import RedisServer, valkey
from tests.support import wait_until
from tests.support_browser import ARGUMENTS, CHROMIUM, PATIENCE_MS, START_MS
from tests.support_leaves import serving
from tests.support_modes import Fleet, fleet
from tests.support_pretend import MODEL, PretendMastodon, PretendModel
from tests.support_web import PASSWORD

#: WORKER_MODE, who works outside of Gunicorn, and who delivers. The one without Redis is the last.
MODES = {
    "integrated": ("integrated", "", "rq"),
    "external": ("external", "altwright worker", "rq"),
    "hybrid": ("hybrid", "altwright worker", "rq"),
    "off": ("off", "rq worker", "rq"),
    "database only": ("integrated", "", "database"),
}
PICTURES = 2
ANSWERS = ("accounts", "describers", "drafts", "drafts?status=published", "tasks")


@contextmanager
def running(made: Fleet, server: RedisServer, name: str) -> Iterator[None]:
    """Run the service in a mode."""
    mode, outside, delivery = MODES[name]
    if delivery == "database":
        server.stop()
    with ExitStack() as stack:
        if outside == "altwright worker":
            stack.enter_context(made.worker("--count", "1"))
        elif outside == "rq worker":
            stack.enter_context(made.rq_worker())
        stack.enter_context(made.gunicorn(WORKER_MODE=mode))
        yield


def get(page: Page, path: str) -> Any:
    """Ask the REST API with the page's session."""
    answer = page.request.get(f"/api/v1/{path}")
    assert answer.ok, answer.text()
    return answer.json()


def shape(value: Any) -> Any:
    """Return an answer without its values."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value).__name__


def screen(page: Page) -> str:
    """Return what the page says, as screen readers get it, whatever numbers and times there are."""
    said = re.sub(r"[\da-f]{8}(-[\da-f]{4,12}){4}", "ID", page.locator("main").aria_snapshot())
    return re.sub(r"\d+ (?:seconds?|minutes?) ago|just now", "SOON", re.sub(r"\d+", "N", said))


def count(page: Page, status: str) -> int:
    """Return how many drafts are in a state."""
    found: int = get(page, "drafts?limit=1")["counts"][status]
    return found


def _are_completed(page: Page) -> bool:
    return all(one["status"] == "completed" for one in get(page, "tasks")["tasks"])


def walked(page: Page, url: str, username: str, first: dict[str, Any]) -> dict[str, Any]:
    """Describe, review, approve and publish as a person does; return all that is seen and said.

    ``first``: the same of the first mode, {} in it. A page may say so a moment later.
    """
    seen: dict[str, Any] = {}

    def look(name: str) -> None:
        with suppress(AssertionError):  # the caller tells the difference
            wait_until(lambda: screen(page) == first.get(name, screen(page)))
        seen[name] = screen(page)

    support_browser.sign_in(page, url, username)
    page.get_by_role("button", name="Describe my pictures").click()
    ended = f"Described {PICTURES} of {PICTURES} pictures."
    expect(page.get_by_text(ended, exact=True)).to_be_visible()
    wait_until(lambda: _are_completed(page))
    page.reload()
    expect(page.get_by_role("heading", name=f"{PICTURES} drafts to review.")).to_be_visible()
    look("home")
    page.locator("[data-result]", has_text=f"Review {PICTURES} drafts of this run").click()
    cards = page.locator("[data-drafts] > li")
    expect(cards.last.get_by_role("button", name="Approve")).to_be_visible()  # the script is there
    expect(cards).to_have_count(PICTURES)
    look("review")
    for number in range(PICTURES):
        cards.nth(number).get_by_role("button", name=re.compile("Approve")).click()
        wait_until(partial(lambda least: count(page, "approved") >= least, number + 1))
    page.get_by_role("button", name=re.compile(f"Publish {PICTURES}")).first.click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Publish")).click()
    wait_until(lambda: count(page, "published") == PICTURES)
    wait_until(lambda: _are_completed(page))
    page.goto("/review?status=published")
    expect(cards).to_have_count(PICTURES)
    look("published")
    return seen | {path: shape(get(page, path)) for path in ANSWERS}


def in_mode(made: Fleet, browser: Browser, name: str, first: dict[str, Any]) -> dict[str, Any]:
    """Let somebody with a new account go all the way; return what they see."""
    fediverse = PretendMastodon()
    with serving(fediverse) as fediverse.server:
        for number in range(PICTURES):
            fediverse.post(number + 1)
        username = name.partition(" ")[0]
        user = made.services.users.create(username, PASSWORD)
        made.services.accounts.add(user.id, "mastodon", fediverse.server.url, "token")
        context = browser.new_context(base_url=made.url, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        seen = walked(context.new_page(), made.url, username, first)
        tasks = get(context.pages[0], "tasks")["tasks"]
        assert [one["delivery"] for one in tasks] == [MODES[name][2]] * 2
        assert len(fediverse.texts()) == PICTURES
        context.close()
    return seen


@pytest.mark.req("10.1", "the same in every mode")
@pytest.mark.req("10.2", "the page in every mode")
@pytest.mark.req("10.3", "in every mode")
def test_people_see_the_same_in_every_mode(tmp_path: Path) -> None:
    """Describe, review, approve, publish: in each mode the page and the API say the same of it."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    model = PretendModel()
    with ExitStack() as stack:
        model.server = stack.enter_context(serving(model))
        settings = {
            "TOYS": "beside captions",
            "DESCRIBER": "ollama",
            "OLLAMA_URL": model.server.url,
            "OLLAMA_MODEL": MODEL,
            "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            "WEB_CONCURRENCY": "1",
        }
        server = stack.enter_context(valkey())
        made = stack.enter_context(fleet(tmp_path, server, **settings))
        playwright = stack.enter_context(sync_playwright())
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=START_MS
        )
        stack.callback(browser.close)
        seen: dict[str, dict[str, Any]] = {}
        for name in MODES:
            with running(made, server, name):
                seen[name] = in_mode(made, browser, name, seen.get("integrated", {}))
    first = seen.pop("integrated")
    for name, its in seen.items():
        for what, said in first.items():
            lines = (str(said).splitlines(), str(its[what]).splitlines())
            assert its[what] == said, "\n".join([f"{name}: {what}", *unified_diff(*lines)])
