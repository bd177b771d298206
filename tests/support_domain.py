"""A server's account and a describer that tests can steer, and rows to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from altwright.accounts.connections import Account, AccountStore
from altwright.accounts.users import User, UserStore
from altwright.captions import drafting
from altwright.captions.drafts import DraftStore
from altwright.captions.records import Draft
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.describers.port import Description, Picture, Request
from altwright.errors import PlatformRefused
from altwright.platforms.port import Media, Post, Profile

#: Made up for tests.
FERNET_KEY = "FvG0tPJq1Tn3bTDAZz8mDPMR0WF3m1Xg1n2wq6cQYF0="
MAY = datetime(2026, 5, 3, 12, tzinfo=UTC)


def make_post(number: int, *descriptions: str, text: str = "", kind: str = "image") -> Post:
    """Return a post with a picture for each of ``descriptions`` ("": it has none yet)."""
    media = tuple(
        Media(
            remote_id=f"m{number}-{at}",
            kind=kind,
            url=f"https://files.example/{number}-{at}.jpg",
            preview_url="",
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
    edits: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    #: Called before each answer with the method's name; raises what the server would answer.
    before: Callable[[str], None] = lambda _: None

    def add(self, *posts: Post) -> None:
        """Post something."""
        self.posts.update({post.remote_id: post for post in posts})

    def profile(self) -> Profile:
        """Return who this is."""
        self.before("profile")
        return Profile("7", self.acct, "Anna", "", "https://social.example/@anna")

    def max_alt_length(self) -> int:
        """Return the limit."""
        self.before("max_alt_length")
        return self.limit

    def posts_with_media(self, limit: int) -> Iterator[Post]:
        """Yield posts, newest first."""
        newest_first = sorted(self.posts.values(), key=lambda one: one.created_at, reverse=True)
        for post in newest_first[:limit]:
            self.before("posts_with_media")
            yield post

    def post(self, remote_id: str) -> Post:
        """Return a post."""
        self.before("post")
        if remote_id not in self.posts:
            raise PlatformRefused("The server has no such post.")
        return self.posts[remote_id]

    def publish_alt_texts(self, remote_id: str, texts: Mapping[str, str]) -> Post:
        """Edit a post."""
        self.before("publish_alt_texts")
        self.edits.append((remote_id, dict(texts)))
        self.describe(remote_id, texts)
        return self.post(remote_id)

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
    requests: list[Request] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    #: Called before each description with its number, from 1.
    before: Callable[[int], None] = lambda _: None

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe a picture."""
        self.before(len(self.requests) + 1)
        self.requests.append(request)
        self.pictures.append(picture)
        return Description(
            f"A tabby cat on a red sofa, number {len(self.requests)}.",
            self.name,
            self.model,
            "medium",
            {"objects": ["cat"]},
        )

    def probe(self) -> str:
        """Return a line."""
        return "fake"

    def close(self) -> None:
        """Hold nothing."""


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

    def draft(self, post: Post, text: str = "A red bicycle leans on a wall.") -> list[Draft]:
        """Write a draft for each picture of a post, as a task does."""
        with self.database.write() as session:
            drafting.save_posts(session, self.account.id, [post])
            for media in post.media:
                seen = drafting.target(session, self.account.id, post.remote_id, media.remote_id)
                assert seen is not None
                drafting.store_draft(
                    session,
                    seen,
                    Description(text, "fake", "fake-1", "high"),
                    None,
                    user_id=self.user.id,
                    task_id="task-1",
                )
        found = self.drafts.find(self.user.id, limit=200).drafts
        return [one for one in found if one.post.remote_id == post.remote_id]


def make_world(database: Database, platform: FakePlatform | None = None) -> World:
    """Return a world with the user anna and her account."""
    server = platform or FakePlatform()
    box = Box(FERNET_KEY)
    users = UserStore(database)
    accounts = AccountStore(database, box, lambda _platform, _url, _token: server)
    user = users.create("anna", "correct horse")
    account = accounts.add(user.id, "mastodon", "https://social.example", "token-of-anna")
    return World(database, server, box, users, accounts, DraftStore(database), user, account)
