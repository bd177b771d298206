"""An account on a pretend server, to publish to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.pretend_servers import PretendServer
from tests.support_leaves import TOKEN, serving

from altwright.interrupts import Interrupt, interruptible
from altwright.net.http import Outbound
from altwright.platforms.connect import connect
from altwright.platforms.port import Platform
from altwright.platforms.publishing.outcomes import Learned, Publication
from altwright.platforms.publishing.text_comparison import AltText
from altwright.platforms.publishing.ways import Way

OUTBOUND = Outbound(frozenset({"127.0.0.1"}), timeout_s=60)


@dataclass
class Memory:
    """What was learned, as the database keeps it."""

    known: dict[str, Learned] = field(default_factory=dict)

    def recall(self, host: str) -> Learned | None:
        """Return it."""
        return self.known.get(host)

    def remember(self, host: str, learned: Learned) -> None:
        """Keep it."""
        self.known[host] = learned

    @property
    def way(self) -> Way | None:
        """Return the one server's way."""
        return next((one.way for one in self.known.values()), None)


class PassingTime(Interrupt):
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def wait(self, seconds: float) -> None:
        """Let it pass."""
        self.waited_s += seconds


@dataclass
class Ada:
    """An account on a pretend server."""

    server: PretendServer
    connect: Callable[[], Platform]
    time: PassingTime
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.platform = self.connect()

    def publish(self, post_id: str, *texts: str, seen: str = "") -> Publication:
        """Publish texts for the first pictures of a post."""
        media = self.server.media_ids(post_id)
        wanted = {one: AltText(text, seen) for one, text in zip(media, texts, strict=False)}
        return self.platform.publish_alt_texts(post_id, wanted, self.memory)

    def another_day(self) -> None:
        """Open the account anew; what was learned stays."""
        self.platform = self.connect()


@contextmanager
def ada_on(server: PretendServer, platform: str = "mastodon") -> Iterator[Ada]:
    """Connect to a pretend server, in a thread in which no waiting takes time."""
    passing = PassingTime()
    with serving(server.respond) as local, interruptible(passing):
        yield Ada(server, lambda: connect(platform, local.url, TOKEN, OUTBOUND), passing)
