"""The real application on real stores, filled with sample rows, behind a live server."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import update
from tests import support_web
from tests.support_domain import FakeDescriber, FakePlatform, make_post
from tests.support_web import PASSWORD, Web, make_settings, make_web
from werkzeug.serving import WSGIRequestHandler, make_server

from altwright.builders.captions import Captions
from altwright.builders.engine import Engine, EngineOptions
from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_writes import Stored
from altwright.captions.pictures.picture_fetch import PictureLimits
from altwright.db.tables import AccountRow, DraftRow, PictureRow, PostRow
from altwright.db.task_tables import ItemRow, TaskRow
from altwright.demo import drawn
from altwright.describers.port import Description, Picture, Request
from altwright.domain.caption import DraftStatus
from altwright.domain.task import ItemStatus, Status
from altwright.errors import Category
from altwright.net.http import Outbound
from altwright.tasks.task import Task
from altwright.web.realtime import threaded

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

CHROMIUM = "/usr/bin/chromium"
#: Milliseconds within which a page has to do what a test waits for, and Chromium to start.
PATIENCE_MS, START_MS = 120_000, 180_000
#: Those of axe's rules that look at colours, without the one for WCAG's level AAA.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
#: Quiet and the same on every machine.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)
#: Pictures of sample posts: post's words, then for each picture a name, a draft and its evidence.
SAMPLES: tuple[tuple[str, tuple[tuple[str, str, dict[str, Any]], ...]], ...] = (
    (
        "The numbers of the year, for everybody who asked.",
        (
            (
                "bar_chart",
                "Bar chart “Visitors to our library”: from 210 in January to 460 in June.",
                {
                    "kind": "bar chart",
                    "text": [{"text": "Visitors to our library", "score": 0.99}],
                    "colours": {"white": 0.81, "blue": 0.14},
                },
            ),
            (
                "pie_chart",
                "Image of a pie chart",
                {"kind": "pie chart", "text": [{"text": "How we came to the meeting"}]},
            ),
        ),
    ),
    (
        "My train is cancelled, the build is red, and the concert is in two hours.",
        (
            (
                "post_screenshot",
                "Screenshot of a post by Regional Trains: the 17:42 to Marburg is cancelled today.",
                {"kind": "screenshot of a post", "text": [{"text": "Regional Trains"}]},
            ),
            ("terminal", "A terminal with a failed build.", {"kind": "screenshot"}),
        ),
    ),
    ("Same prices as last year.", (("price_table", "Table of prices for repairs.", {}),)),
    ("Swimming season! Please read the sign first.", (("sign", "A sign at a lake.", {}),)),
    ("You are all invited.", (("invitation", "Invitation to a concert on Friday.", {}),)),
)


@dataclass
class Site:
    """The served application of anna, who has one account."""

    web: Web
    url: str

    @property
    def platform(self) -> FakePlatform:
        """Return the server that anna's account is on."""
        return self.web.platform

    def fill(self) -> list[Draft]:
        """Write the sample posts with a draft for each picture; newest first."""
        for number, (words, pictures) in enumerate(SAMPLES, 1):
            self.draft(10 - number, words, *pictures)
        return self.drafts()

    def draft(
        self,
        number: int,
        words: str,
        *pictures: tuple[str, str, dict[str, Any]],
        task_id: str = "",
    ) -> None:
        """Write a post with drafts for its pictures, as a task does."""
        services = self.web.services
        post = make_post(number, *("" for _ in pictures), text=words)
        self.platform.add(post)
        for media, (name, text, evidence) in zip(post.media, pictures, strict=True):
            stored = self.stored(name)
            with services.database.write() as session:
                draft_writes.save_posts(session, self.web.account_id, [post])
                seen = draft_writes.target(
                    session, self.web.account_id, post.remote_id, media.remote_id
                )
                assert seen is not None
                draft_writes.store_draft(
                    session,
                    seen,
                    Description(text, "offline", "composed", "medium", evidence),
                    stored,
                    user_id=self.web.anna.id,
                    task_id=task_id,
                )

    def stored(self, name: str) -> Stored:
        """Keep one of the demo's pictures, as a task does."""
        data = drawn.png(getattr(drawn, name)())
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
        file = self.web.services.pictures.put(data, "png")
        return Stored(file, file, "image/png", width, height)

    def drafts(self, *statuses: DraftStatus) -> list[Draft]:
        """Return anna's drafts, newest post first."""
        services = self.web.services
        return services.drafts.find(self.web.anna.id, statuses=statuses, limit=200).drafts

    def newest(self) -> list[Task]:
        """Return anna's newest task, if there is one."""
        return self.web.services.store.recent(self.web.anna.id, limit=1)

    def task(
        self,
        status: Status = Status.RUNNING,
        *,
        done: int = 0,
        failed: int = 0,
        skipped: int = 0,
        total: int | None = None,
        step: str = "",
        error: tuple[Category, str] | None = None,
    ) -> str:
        """Submit a task of anna's and put it into a state; return its id."""
        services = self.web.services
        task_id = str(self.web.submit()["id"])
        with services.database.write() as session:
            at = datetime.now(UTC)
            ended = status not in {Status.QUEUED, Status.RUNNING}
            values: dict[str, Any] = {
                "status": status,
                "items_done": done,
                "items_failed": failed,
                "items_skipped": skipped,
                "items_total": total,
                "step": step,
                "sequence": TaskRow.sequence + 1,
                "started_at": at - timedelta(seconds=95),
                "finished_at": at if ended else None,
                "error_category": error[0] if error else None,
                "error": error[1] if error else None,
                "attempt": 1,
            }
            session.execute(update(TaskRow).where(TaskRow.id == task_id).values(**values))
        return task_id

    def progress(self, task_id: str, **values: Any) -> None:
        """Change a task as its worker does."""
        if values.get("status") in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}:
            values["finished_at"] = datetime.now(UTC)
        with self.web.services.database.write() as session:
            session.execute(
                update(TaskRow)
                .where(TaskRow.id == task_id)
                .values(sequence=TaskRow.sequence + 1, **values)
            )

    def item(
        self, task_id: str, status: ItemStatus, label: str, reason: str, category: str | None
    ) -> None:
        """Add an item to a task."""
        with self.web.services.database.write() as session:
            session.add(
                ItemRow(
                    task_id=task_id,
                    key=label,
                    position=0,
                    label=label,
                    status=status,
                    reason=reason,
                    category=category,
                )
            )

    def work(self, says: str = "", name: str = "fake", fault: Exception | None = None) -> None:
        """Make one attempt at the task that waits, with a describer that ``says`` this.

        ``fault`` is raised in place of a description, and by a look at how the describer is.
        """
        services = self.web.services
        captions = Captions(
            services.store,
            services.accounts,
            services.pictures,
            Outbound(services.settings.allowed_private_hosts, timeout_s=30),
            SayingDescriber(name, says=says, fault=fault),
            PictureLimits(40 << 20, 100_000_000, timeout_s=30),
            longest=500,
        )
        engine = Engine(
            services.store,
            services.health,
            captions.kinds,
            EngineOptions(),
            owner="bench",
            emit=services.progress.emit,
        )
        task = engine.claims.claim_next("bench")
        assert task is not None
        engine.runner.run(task, threading.Event())

    def account(self, acct: str, problem: str = "") -> int:
        """Connect another account; return its id."""
        self.platform.acct = acct
        added = self.web.services.accounts.add(
            self.web.anna.id, "pixelfed", f"https://{acct.rpartition('@')[2]}", "token"
        )
        if problem:
            self.web.services.accounts.set_problem(added.id, problem)
        return added.id

    def forget_accounts(self) -> None:
        """Remove anna's accounts with all that hangs on them."""
        services = self.web.services
        for one in services.accounts.of_user(self.web.anna.id):
            services.accounts.remove(one.id, self.web.anna.id)

    def describe(self, draft: Draft, text: str) -> None:
        """Put another description into a draft, as a run over its account does."""
        with self.web.services.database.write() as session:
            seen = draft_writes.target(
                session, draft.account_id, draft.post.remote_id, draft.picture.remote_id
            )
            assert seen is not None
            description = Description(text, "offline", "composed-1", "low", {"language": "en"})
            draft_writes.store_draft(
                session, seen, description, None, user_id=draft.user_id, task_id=""
            )

    def set_text(self, draft_id: int, text: str) -> None:
        """Change a draft's text in another window."""
        self.web.services.drafts.edit(draft_id, self.web.anna.id, text=text)

    def publish_all(self, draft_ids: list[int]) -> None:
        """Mark drafts as published, as publishing does."""
        services = self.web.services
        services.drafts.approve_many(self.web.anna.id, draft_ids)
        with services.database.write() as session:
            posts = {one.post.id for one in self.drafts() if one.id in draft_ids}
            for post_id in posts:
                mine = draft_writes.begin_publishing(session, self.web.anna.id, post_id, draft_ids)
                draft_writes.published(session, mine)

    def warn_about(self, draft_id: int, spoiler: str) -> None:
        """Give a draft's post a content warning."""
        with self.web.services.database.write() as session:
            draft = session.get_one(DraftRow, draft_id)
            picture = session.get_one(PictureRow, draft.picture_id)
            post = session.get_one(PostRow, picture.post_id)
            post.spoiler_text, post.sensitive = spoiler, True

    def rename(self, display_name: str) -> None:
        """Change the account's name."""
        with self.web.services.database.write() as session:
            session.execute(update(AccountRow).values(display_name=display_name))


@dataclass
class SayingDescriber(FakeDescriber):
    """Says the same of every picture, or is at fault."""

    says: str = ""
    fault: Exception | None = None

    def probe(self) -> str:
        """Say how it is."""
        if self.fault is not None:
            raise self.fault
        return super().probe()

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe a picture."""
        if self.fault is not None:
            raise self.fault
        return replace(super().describe(picture, request), text=self.says)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: a failed test shows what it captured."""


def _whole(app: WSGIApplication) -> WSGIApplication:
    """Read each answer before it is sent: this server forgets to close one that nobody takes."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        answer = app(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            if hasattr(answer, "close"):
                answer.close()

    return call


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """Serve an application without Redis, so that pages live on what the database says."""
    web = make_web(make_settings(folder, f"unix://{folder}/none.sock"))
    app = _whole(web.app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]  # a ThreadingMixIn's
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Site(web, f"http://127.0.0.1:{server.server_port}")
    finally:
        threaded.close(web.app)
        server.shutdown()
        thread.join()
        server.server_close()
        web.services.health.client.close()
        web.services.database.close()


def enter(page: Page, site: Site, username: str = "anna") -> None:
    """Let a page's browser have the session of somebody who has signed in elsewhere."""
    client = site.web.app.test_client()
    support_web.sign_in(client, username)
    session = client.get_cookie("altwright_session")
    assert session is not None
    page.context.add_cookies([{"name": session.key, "value": session.value, "url": site.url}])


def sign_in(page: Page, url: str, username: str = "anna") -> None:
    """Sign in as a person does."""
    page.goto(f"{url}/login")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")


def violations(page: Page, *, of_colours: bool = False) -> list[str]:
    """Return what axe finds wrong with the page as it is, every rule included.

    ``of_colours``: only those rules that look at colours.
    """
    options = {"resultTypes": ["violations"]} | ({"runOnly": OF_COLOURS} if of_colours else {})
    if page.evaluate("typeof axe") == "undefined":  # half a megabyte
        page.evaluate(Axe().axe_script)
    found = page.evaluate("options => axe.run(options).then(said => said.violations)", options)
    return [
        f"{one['id']}: {one['help']}: " + "; ".join(node["html"][:160] for node in one["nodes"])
        for one in found
    ]
