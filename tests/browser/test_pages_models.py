"""The administrators' page of vision models: accessible, and one click from nothing to texts."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from tests.browser.test_pages_accessible import check
from tests.pretend_hub import NAME, REPOSITORY, pretend_hub
from tests.pretend_ollama import PretendOllama
from tests.support_browser import PATIENCE_MS, Site, sign_in
from tests.support_leaves import serving
from tests.support_offline import SMALL
from tests.support_service import Service, running
from tests.support_web import PASSWORD
from tests.tiny_model import SAYS


def test_the_pages_are_accessible(blank: Page, site: Site) -> None:
    """The list, and the question before a model is got, which asks no hub."""
    sign_in(blank, site.url, "root")
    blank.get_by_role("link", name="See the vision models").click()
    expect(blank.get_by_role("heading", name="Qwen3-VL 2B")).to_be_visible()
    check(blank)
    blank.get_by_role("link", name="Get Qwen3-VL 2B").click()
    expect(blank.get_by_text("f9a68fabba69c3b81e153367b2c7521030b0fa8bb0de400c")).to_be_visible()
    check(blank)
    order = {"DESCRIBER": "model", "MODEL_NAME": "qwen3-vl-2b"}
    site.web.services.live.change(order, by=site.web.root.ref)
    blank.goto("/admin/models")
    expect(blank.locator("[data-lacking]")).to_contain_text("MODEL_NAME: qwen3-vl-2b isn't here")
    check(blank)


def test_a_refusal_is_said_on_the_page(blank: Page, site: Site) -> None:
    """What is no model of the hub, in words, and nothing is done."""
    sign_in(blank, site.url, "root")
    blank.goto("/admin/models")
    blank.get_by_label("Owner and repository").fill("nonsense")
    blank.get_by_role("button", name="Look it up").click()
    expect(blank.locator(".admin-done").first).to_contain_text("There is no model 'nonsense'")


def look_up(page: Page) -> None:
    """Ask the hub for the model, on the page of models."""
    page.goto("/admin/models")
    page.get_by_label("Owner and repository").fill(REPOSITORY)
    page.get_by_role("button", name="Look it up").click()


def test_one_click_gets_a_model_that_describes(chromium: Browser, tmp_path: Path) -> None:
    """The hub is in trouble, states what doesn't fit and isn't so, stalls and breaks off.

    Each is said in words; the service answers meanwhile, and the download goes on.
    """
    ollama = PretendOllama()
    with pretend_hub(tmp_path / "hub") as hub, serving(ollama.respond) as ollama_server:
        settings = {
            "MODEL_HUB_URL": hub.url,
            "OLLAMA_URL": ollama_server.url,
            "MODEL_HUB_TIMEOUT": "2",
            "RQ_RETRY_BASE_DELAY": "1",
            "DESCRIBER": "offline",
        }
        service = Service(tmp_path, settings)
        made = service.command("user", "create", "root", "--admin", typed=f"{PASSWORD}\n")
        assert made.returncode == 0, made.stderr
        projector = next(name for name in hub.files if "mmproj" in name)
        with running(service, "serve"):
            context = chromium.new_context(base_url=service.url)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            sign_in(page, service.url, "root")
            hub.status = 503
            look_up(page)
            expect(page.locator("main")).to_contain_text("is in trouble")
            hub.status = None
            for stated, said in (
                ({"size": 10**12}, "too little room"),
                ({"sha256": "0" * 64}, "isn't what was stated"),
            ):
                hub.stated[projector] = stated
                look_up(page)
                page.get_by_role("button", name="Get it").click()
                expect(page.locator("main")).to_contain_text(said)
                assert service.answers()
            hub.stated.clear()
            hub.stalls_after = 50_000
            look_up(page)
            page.get_by_role("button", name="Get it").click()
            expect(page.locator("[data-active]")).to_be_visible()
            assert hub.stalled.wait(60)
            assert service.answers()
            hub.stalls_after, hub.breaks_after = None, 300_000
            card = page.locator(f"[data-model={NAME}]")
            expect(card).to_contain_text("Describes")
            expect(page.locator("[data-progress]")).to_contain_text("s a picture and")
            assert any(asked.startswith("bytes=") for _, asked in hub.ranges)
            page.goto("/admin/models/ollama")
            page.get_by_label("Name in Ollama").fill("larger:8b")
            page.get_by_role("button", name="Get it").click()
            expect(page.locator("[data-progress]")).to_contain_text("Ollama has larger:8b, and")
            context.close()
            (tmp_path / "disc.png").write_bytes(SMALL)
            service.settings |= {"DESCRIBER": "model", "MODEL_NAME": NAME}
            said = service.json("describe", "disc.png")
            assert said["text"] == SAYS
