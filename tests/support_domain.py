"""A server's account and a describer that tests can steer, and rows to begin with."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from argon2 import PasswordHasher
from PIL import Image
from sqlalchemy import update
from tests.support_engine import NOWHERE

from altwright.accounts.connections import Account, AccountStore
from altwright.accounts.users import User, UserStore
from altwright.builders.captions import Captions
from altwright.builders.engine import Engine, EngineOptions
from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.pictures.picture_fetch import PictureLimits
from altwright.captions.pictures.picture_files import PictureStore
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.db.types import now
from altwright.describers.abilities import Abilities
from altwright.describers.order import DescriberOrder
from altwright.describers.port import Description, Picture, Request
from altwright.domain.caption import DraftStatus
from altwright.domain.task import Status
from altwright.errors import Category, PlatformRefused
from altwright.net.http import Outbound
from altwright.platforms.port import Introduction, Media, Post, PostPage, Profile, Unreadable
from altwright.platforms.publishing.outcomes import Publication, WayMemory
from altwright.platforms.publishing.text_comparison import AltText, look
from altwright.platforms.refusals import PlatformGone
from altwright.platforms.software import Software
from altwright.tasks.execution.runner import RESTS
from altwright.tasks.rq.circuit_breaker import RedisHealthMonitor
from altwright.tasks.rq.redis_client import connect
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task import Task

#: Hashes passwords of tests in a tenth of a millisecond.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
#: Made up for tests.
FERNET_KEY = "FvG0tPJq1Tn3bTDAZz8mDPMR0WF3m1Xg1n2wq6cQYF0="
MAY = datetime(2026, 5, 3, 12, tzinfo=UTC)


def make_post(
    number: int,
    *descriptions: str,
    text: str = "",
    kind: str = "image",
    host: str = "files.example",
) -> Post:
    """Return a post with a picture for each of ``descriptions`` ("": it has none yet)."""
    media = tuple(
        Media(
            remote_id=f"m{number}-{at}",
            kind=kind,
            url=f"http://{host}/{number}-{at}.jpg",
            description=description,
            position=at,
            width=800,
            height=600,
        )
        for at, description in enumerate(descriptions)
    )
    return Post(
        remote_id=f"p{number}",
        url=f"https://social.example/@anna/{number}",
        text=text or f"Words of post {number}",
        created_at=MAY + timedelta(days=number),
        language="en",
        sensitive=False,
        spoiler_text="",
        visibility="public",
        media=media,
    )


@dataclass
class FakePlatform:
    """An account on a server: what was posted, what was edited, and what it refuses."""

    posts: dict[str, Post] = field(default_factory=dict)
    acct: str = "anna@social.example"
    limit: int = 1500
    software: Software = field(default_factory=lambda: Software("mastodon", "4.5.0"))
    page_posts: int = 20
    #: What it describes so that it can't be read, on its first page.
    unreadable: list[Unreadable] = field(default_factory=list)
    #: Where each page that was asked for began.
    cursors: list[int] = field(default_factory=list)
    edits: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    #: Called before each answer with the method's name; raises what the server would answer.
    before: Callable[[str], None] = lambda _: None
    #: Called after each edit.
    after_edit: Callable[[], None] = lambda: None

    def add(self, *posts: Post) -> None:
        """Post something."""
        self.posts.update({post.remote_id: post for post in posts})

    def introduction(self) -> Introduction:
        """Return what connecting asks for."""
        self.before("introduction")
        profile = Profile("7", self.acct, "Anna", "")
        return Introduction(profile, self.limit, self.software, self.software.platform)

    def probe(self) -> None:
        """Return if server and token work."""
        self.before("probe")

    def pages(self, cursor: str | None = None) -> Iterator[PostPage]:
        """Yield posts with media, newest first, ``page_posts`` a page."""
        newest_first = sorted(self.posts.values(), key=lambda one: one.created_at, reverse=True)
        at = int(cursor or 0)
        while True:
            self.before("pages")
            self.cursors.append(at)
            end = at + self.page_posts
            following = str(end) if end < len(newest_first) else None
            found = tuple(post for post in newest_first[at:end] if post.media)
            yield PostPage(found, tuple(self.unreadable) if at == 0 else (), following)
            if following is None:
                return
            at = end

    def post(self, remote_id: str) -> Post:
        """Return a post."""
        self.before("post")
        if remote_id not in self.posts:
            raise PlatformGone("The server has no such post.")
        return self.posts[remote_id]

    def publish_alt_texts(
        self, remote_id: str, texts: Mapping[str, AltText], memory: WayMemory, visibility: str = ""
    ) -> Publication:
        """Edit a post."""
        self.before("publish_alt_texts")
        present = {one.remote_id: one.description for one in self.post(remote_id).media}
        seen = look(present, texts, escapes=False)
        if not seen.wanted:
            return Publication(seen.there, seen.theirs, seen.missing)
        self.edits.append((remote_id, dict(seen.wanted)))
        self.describe(remote_id, seen.wanted)
        self.after_edit()
        shown = {one.remote_id: one.description for one in self.post(remote_id).media}
        unkept = {key: shown[key] for key, text in seen.wanted.items() if shown[key] != text}
        published = seen.there | (seen.wanted.keys() - unkept.keys())
        return Publication(published, seen.theirs, seen.missing, unkept)

    def describe(self, remote_id: str, texts: Mapping[str, str]) -> None:
        """Give pictures alt texts, as their owner may do from elsewhere."""
        post = self.post(remote_id)
        media = tuple(
            replace(one, description=texts.get(one.remote_id, one.description))
            for one in post.media
        )
        self.posts[remote_id] = replace(post, media=media)


@dataclass
class FakeDescriber:
    """Says how many pictures it has described, or raises what ``before`` raises."""

    name: str = "fake"
    model: str = "fake-1"
    abilities: Abilities = field(default_factory=Abilities)
    requests: list[Request] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    #: Instead of a text with a number.
    says: str = ""
    #: Called before each description with its number, from 1.
    before: Callable[[int], None] = lambda _: None
    #: Called when somebody asks how it is; raises what is wrong with it.
    before_probe: Callable[[], None] = lambda: None

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe a picture."""
        self.before(len(self.requests) + 1)
        self.requests.append(request)
        self.pictures.append(picture)
        return Description(
            self.says or f"A tabby cat on a red sofa, number {len(self.requests)}.",
            self.name,
            self.model,
            "medium",
            {"objects": ["cat"]},
        )

    def read(self, picture: Picture) -> Any:
        """Read nothing in a picture."""
        return None

    def probe(self) -> str:
        """Return a line."""
        self.before_probe()
        return "fake"

    def lacking(self) -> str:
        """Lack nothing."""
        return ""

    def close(self) -> None:
        """Hold nothing."""


@dataclass
class BlankDescriber(FakeDescriber):
    """Sees colours only, until it ``says`` something."""

    name: str = "offline"

    def describe(self, picture: Picture, request: Request) -> Description:
        """Return no text, with what there is to see."""
        found = super().describe(picture, request)
        seen = {} if self.says else {"seen": "Picture, mostly in blue."}
        return replace(found, text=self.says, level="low", evidence=seen)


@dataclass
class World:
    """A user with one connected account, and the stores."""

    database: Database
    platform: FakePlatform
    box: Box
    users: UserStore
    accounts: AccountStore
    drafts: DraftStore
    user: User
    account: Account

    def draft(
        self,
        post: Post,
        text: str = "A red bicycle leans on a wall.",
        account_id: int | None = None,
    ) -> list[Draft]:
        """Write a draft for each picture of a post, as a task does."""
        of = account_id or self.account.id
        with self.database.write() as session:
            draft_writes.save_posts(session, of, [post])
            for media in post.media:
                seen = draft_writes.target(session, of, post.remote_id, media.remote_id)
                assert seen is not None
                draft_writes.store_draft(
                    session,
                    seen,
                    Description(text, "fake", "fake-1", "high"),
                    None,
                    user_id=self.user.id,
                    task_id="task-1",
                )
        found = self.drafts.find(self.user.id, account_id=of, limit=200).drafts
        return [one for one in found if one.post.remote_id == post.remote_id]


def make_world(database: Database, platform: FakePlatform | None = None) -> World:
    """Return a world with the user anna and her account."""
    server = platform or FakePlatform()
    box = Box(FERNET_KEY)
    users = UserStore(database, QUICK)
    accounts = AccountStore(database, box, lambda _platform, _url, _token: server)
    user = users.create("anna", "correct horse")
    account = accounts.add(user.id, "mastodon", "https://social.example", "token-of-anna")
    return World(database, server, box, users, accounts, DraftStore(database), user, account)


class PictureServer(ThreadingHTTPServer):
    """A server of pictures; ``answers`` maps a path to status and body (None: a fresh JPEG)."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port of the loopback address."""
        super().__init__(("127.0.0.1", 0), _PictureHandler)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []

    @property
    def host(self) -> str:
        """Return host:port."""
        return f"127.0.0.1:{self.server_port}"


class _PictureHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, PictureServer)
        server.asked.append(self.path)
        status, body = server.answers.get(self.path, (200, jpeg()))
        self.send_response(status)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@contextmanager
def picture_server() -> Iterator[PictureServer]:
    """Run a PictureServer."""
    server = PictureServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def jpeg(width: int = 64, height: int = 48, colour: str = "red") -> bytes:
    """Return a JPEG."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG")
    return buffer.getvalue()


class HasHost(Protocol):
    """A server of pictures."""

    @property
    def host(self) -> str:
        """Return host:port."""
        ...


class Bench(Engine):
    """Runs tasks of the world's user one attempt at a time, as a worker does without Redis."""

    def __init__(
        self,
        world: World,
        pictures: HasHost,
        folder: Path,
        *,
        describer: FakeDescriber | DescriberOrder | None = None,
        timeout_s: float = 30,
        parallel: int = 1,
    ) -> None:
        """Take where pictures come from and where copies go."""
        self.world = world
        self.describer = FakeDescriber()
        self.pictures = PictureStore(folder)
        self.interrupted = threading.Event()
        store = TaskStore(world.database, world.box)
        captions = Captions(
            store,
            world.accounts,
            self.pictures,
            Outbound(frozenset({pictures.host}), timeout_s=timeout_s),
            describer or self.describer,
            PictureLimits(40 << 20, 100_000_000, timeout_s),
            longest=500,
            parallel=parallel,
            read=(describer or self.describer).read,
        )
        health = RedisHealthMonitor(connect(NOWHERE))
        super().__init__(store, health, captions.kinds, EngineOptions(limit_s=60), owner="bench")
        while health.usable:
            health.note(answered=False)

    def submit(self, kind: str, **options: Any) -> Task:
        """Accept a task of the world's user."""
        return self.queue.submit(kind, **{"user": self.world.user.ref, **options})

    def captions(self, **settings: Any) -> Task:
        """Submit a run over the world's account and make one attempt at it."""
        self.submit("captions", account_id=self.world.account.id, settings=settings)
        return self.attempt()

    def attempt(self) -> Task:
        """Claim the task that waits, whether or not it is due, make one attempt; return it."""
        due = update(TaskRow).where(TaskRow.status == Status.QUEUED)
        with self.world.database.write() as session:
            session.execute(due.values(available_at=now(), delayed=False))
        task = self.claims.claim_next("bench")
        assert task is not None
        self.runner.run(task, self.interrupted)
        if self.store.history(task.id)[-1].event == RESTS:
            return self.attempt()  # what failed is tried again, without the pause before it
        return self.store.get(task.id, None)

    def outcomes(self, task: Task) -> list[tuple[str, str, str]]:
        """Return key, state and reason of a task's items."""
        return [(one.key, one.status.value, one.reason) for one in self.store.items(task.id)]


def drafted(world: World, *statuses: DraftStatus) -> list[tuple[str, int, str]]:
    """Return post, position and text of each draft."""
    found = world.drafts.find(world.user.id, statuses=statuses, limit=200).drafts
    return [(one.post.remote_id, one.picture.position, one.text) for one in found]


def refusing(methods: str | tuple[str, ...], error: Exception) -> Callable[[str], None]:
    """Return what makes a platform refuse a method, or several; "probe" is how it is asked."""
    refused = (methods,) if isinstance(methods, str) else methods

    def before(called: str) -> None:
        if called in refused:
            raise error

    return before


#: What a server answers to a token that was revoked.
AUTHENTICATION = PlatformRefused(
    "The server doesn't accept the token any more.", category=Category.AUTHENTICATION
)
