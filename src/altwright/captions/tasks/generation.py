"""CaptionGenerationService: finds an account's pictures without alt text and drafts one for each.

Three rules: nobody waits for a network or a describer inside a transaction; a person's text is
never overwritten; a picture that can't be described gets no text at all.
"""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from altwright import interrupts
from altwright.accounts.connections import Account
from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import DEFAULT_LANGUAGE
from altwright.captions.drafts.draft_writes import Target
from altwright.captions.pictures.picture_fetch import shown
from altwright.captions.tasks.account_access import open_account, post_gone, refusals_noted
from altwright.captions.tasks.describing import DescribingKind, DescribingWork
from altwright.captions.tasks.known_texts import KnownTexts
from altwright.captions.tasks.labels import day_words, picture_label, tally
from altwright.captions.tasks.looking_ahead import LookAhead, Wanted
from altwright.captions.tasks.settings import CaptionSettings
from altwright.describers.port import Request
from altwright.domain.caption import DECIDED, DraftStatus
from altwright.domain.counting import counted, listed
from altwright.domain.task import ItemStatus
from altwright.domain.user import UserRef
from altwright.errors import Category, InvalidInput, PermanentError, PlatformUnavailable
from altwright.platforms.port import Media, Platform, Post, Unreadable
from altwright.platforms.refusals import PlatformGone
from altwright.tasks.error_classification import Source
from altwright.tasks.store.items import READ_BATCH, Planned, PlannedUpTo, Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run

#: Posts written in one transaction while planning: what Mastodon sends on a page by default.
POSTS_PER_WRITE = 20
#: Posts with pictures that a run looks at when nobody says how many: more than any account has.
ALL_POSTS = 200_000
#: Seconds after which a waiting task looks whether it should still wait.
PAUSE_SLICE_S = 0.2
#: As Reached writes it; without what was passed over, as versions before this one did.
_REACHED = re.compile(r"(\d+)(?::(\d+):(\d+):(\d+))? (\d+) (?P<cursor>.*)", re.DOTALL)


class CaptionGenerationService(DescribingKind):
    """The kind of task that drafts alt texts; one of them per user at a time."""

    name = "captions"
    is_rationed = True

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return complete settings. Raises InvalidInput."""
        wanted = CaptionSettings.parse(settings)
        if faults := wanted.beyond(self.describer):
            raise InvalidInput("These settings can't be used.", faults)
        return wanted.to_json()

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return the key that lets each user have one such task (requirement 4.3)."""
        return f"user:{user.id}" if user else None

    def open(self, run: Run) -> CaptionWork:
        """Open the task's account. Raises PermanentError."""
        account, platform = open_account(self.accounts, run.task.account_id, run.task.user_id)
        try:
            settings = CaptionSettings.parse(run.task.settings)
        except InvalidInput as error:
            # Written by another version; whoever submits again gets the fields named.
            raise PermanentError(f"{error} Start a new run.") from error
        return CaptionWork(self, run, settings, account, platform)


class CaptionWork(DescribingWork):
    """One attempt at a captions task."""

    def __init__(
        self,
        kind: CaptionGenerationService,
        run: Run,
        settings: CaptionSettings,
        account: Account,
        platform: Platform,
    ) -> None:
        super().__init__(kind, run, account, platform)
        self._database = kind.drafts.database
        self._settings = settings
        self._total = run.task.items_total
        self._begun = run.task.items_finished
        self._has_worked = False
        self._last_post: Post | None = None
        #: Whether the item in hand ends as a blank, which isn't written when the task is summed up.
        self._is_blank = False
        # Who wants pictures described again wants no text that is there.
        contexts = {} if settings.reprocess_existing else self.contexts
        known = KnownTexts(self._database, account.user_id, account.id, contexts)
        name = f"ahead-{run.task.id}"
        self._ahead = LookAhead(kind.source, kind.describer, kind.parallel, name, known.of)
        self._coming: deque[Item] = deque()
        self._all_known = False

    def plan(self) -> Iterator[Planned | PlannedUpTo]:
        """Yield a picture after the other that needs an alt text, newest post first.

        Goes on where an attempt before this one has stopped.
        """
        reached = Reached.read(self._run.task.plan_cursor)
        if reached.is_end:
            yield PlannedUpTo(str(reached))
            return
        limit = self._settings.max_posts_per_run or ALL_POSTS
        with refusals_noted(self._kind.accounts, self._account.id):
            try:
                for page in self._platform.pages(reached.cursor):
                    self._run.checkpoint()
                    posts = page.posts[: limit - reached.seen]
                    for at in range(0, len(posts), POSTS_PER_WRITE):
                        some = posts[at : at + POSTS_PER_WRITE]
                        planned = self._planned(some)
                        reached = reached.further(len(some), len(planned))
                        reached = reached.past(self._passed_over(some))
                        yield from planned
                        self._run.checkpoint()
                        self._run.step(reached.in_words())
                    unread = page.unreadable[: limit - reached.seen]
                    reached = reached.further(len(unread), 0)
                    yield from (_unread(one) for one in unread)
                    if page.next_cursor is None or reached.seen >= limit:
                        break
                    reached = replace(reached, cursor=page.next_cursor)
                    yield PlannedUpTo(str(reached))
                    self._run.step(reached.in_words())
            except PlatformUnavailable as error:
                if reached.cursor is None or self._run.task.failures < self._run.task.max_retries:
                    raise
                # Nobody can say which post is in the way, so none can be asked for behind it; what
                # stands before it shall not wait for that. A server that is down says so here.
                self.probe(Source.PLATFORM)
                yield _unlisted(reached, error)
        self._total = reached.found
        if self._account.problem:
            self._kind.accounts.set_problem(self._account.id, "")
        if any(reached.passed):
            yield PlannedUpTo(str(replace(reached, cursor=Reached.END)))

    def _planned(self, posts: Sequence[Post]) -> list[Planned]:
        """Write posts and pictures, and return those that are to be described."""
        posts = [
            post
            for post in posts
            if any(self._wants(media, None) for media in draft_writes.pictures_of(post))
        ]
        if not posts:
            return []
        with self._database.write() as session:
            statuses = draft_writes.save_posts(session, self._account.id, posts)
            post_ids = [post.remote_id for post in posts]
            failed = draft_writes.failed_before(session, self._account.id, post_ids)
        planned = []
        for post in posts:
            pictures = draft_writes.pictures_of(post)
            for position, media in enumerate(pictures, 1):
                key = post.remote_id, media.remote_id
                if self._wants(media, statuses[key]):
                    label = picture_label(post.text, post.created_at, position, len(pictures))
                    planned.append(planned_picture(key, label, failed.get(key)))
        return planned

    def _passed_over(self, posts: Sequence[Post]) -> Counter[str]:
        """Return how many media of which kind could use a text and get none from a describer."""
        media = [one for post in posts for one in post.media if not one.is_picture]
        return Counter(one.kind for one in media if self._wants(one, None))

    def _wants(self, media: Media, status: DraftStatus | None) -> bool:
        if self._settings.reprocess_existing:
            return status not in DECIDED
        # A skipped draft counts too: somebody decided that the picture stays without a text.
        return not media.description.strip() and status is None

    def item(self, item: Item) -> Worked:
        """Describe one picture, if it still is there and still needs a text."""
        self._pause()
        self._is_blank = False
        self._run.step(self._step())
        self._ahead.expect(item.position)
        try:
            self._look_ahead(item)
            return self._worked(item)
        finally:
            self._ahead.drop(item.position)

    def close(self) -> None:
        """End what looks ahead."""
        self._ahead.close()

    def _look_ahead(self, item: Item) -> None:
        """Begin with pictures that come after this one, as far as they are known here.

        Not if the user wants pauses between pictures, nor among those that were tried before: one
        at which its worker dies has to be the one in hand, so that no other is blamed.
        """
        if self._settings.processing_delay or item.tries:
            return
        while self._ahead.room > 0:
            if not self._coming:
                if self._all_known:
                    return
                coming = self._run.upcoming(READ_BATCH)
                self._coming.extend(one for one in coming if not one.tries)
                self._all_known = len(self._coming) < READ_BATCH
                if all(self._is_begun(one, item) for one in self._coming):
                    return
            one = self._coming.popleft()
            if not self._is_begun(one, item):
                self._begin(one)

    def _is_begun(self, one: Item, in_hand: Item) -> bool:
        return one.position <= in_hand.position or self._ahead.is_begun(one.position)

    def _begin(self, item: Item) -> None:
        """Look at a picture as it is known here; its own turn finds out whether it still is so."""
        post_id, _, media_id = item.key.partition(":")
        with self._database.read() as session:
            seen = draft_writes.target(session, self._account.id, post_id, media_id)
            known = draft_writes.known(session, seen.picture_id) if seen else None
        if seen is None or known is None or seen.is_written:
            return
        if seen.status in DECIDED if self._settings.reprocess_existing else seen.status is not None:
            return
        request = self._request(known.language, known.text)
        self._ahead.begin(Wanted(item.position, seen.picture_id, known.url, request))

    def _worked(self, item: Item) -> Worked:
        post_id, _, media_id = item.key.partition(":")
        with self._database.read() as session:
            seen = draft_writes.target(session, self._account.id, post_id, media_id)
        if seen is None:
            return _skipped("The picture isn't known any more.")
        try:
            post = self._post(post_id)
        except PlatformGone:
            return post_gone(self._account.id, post_id)
        media = next((one for one in post.media if one.remote_id == media_id), None)
        if media is None:
            return _skipped("The picture isn't in its post any more.")
        if not self._wants(media, seen.status):
            return self._needless(media, seen)
        if seen.is_written:
            return _skipped("You have written its text; only “Describe again” replaces it.")
        return self._describe(item, post, media, seen)

    def failed(self, item: Item, reason: str) -> Callable[[Session], None]:
        """Return what lets the next run begin with others."""

        def effect(session: Session) -> None:
            post_id, _, media_id = item.key.partition(":")
            seen = draft_writes.target(session, self._account.id, post_id, media_id)
            if seen is not None:
                draft_writes.note_failure(session, seen.picture_id)

        return effect

    def _step(self) -> str:
        self._begun += 1
        total = max(self._total or 0, self._begun)
        return f"Describing picture {self._begun:,} of {total:,}"

    def _pause(self) -> None:
        """Wait between two pictures as long as the user wants; a stop or cancel ends it."""
        until = time.monotonic() + (self._settings.processing_delay if self._has_worked else 0)
        self._has_worked = True
        while (left_s := until - time.monotonic()) > 0:
            self._run.checkpoint()
            interrupts.current().wait(min(left_s, PAUSE_SLICE_S))

    def _post(self, remote_id: str) -> Post:
        """Return a post as it is now; its pictures are items in a row, so it is asked for once."""
        if self._last_post is None or self._last_post.remote_id != remote_id:
            self._last_post = self._platform.post(remote_id)
        return self._last_post

    def _needless(self, media: Media, seen: Target) -> Worked:
        if not media.description.strip() or seen.status in DECIDED:
            return _skipped("It has got a draft meanwhile.")

        def effect(session: Session) -> None:
            draft_writes.note_published(session, seen.picture_id, media.description)

        reason = "It has got an alt text on its server meanwhile."
        return Worked(ItemStatus.SKIPPED, reason, effect=effect)

    def _request(self, language: str | None, post_text: str) -> Request:
        asked = self._settings.language or language or DEFAULT_LANGUAGE
        return self.request(self._settings, language=asked, post_text=post_text)

    def _describe(self, item: Item, post: Post, media: Media, target: Target) -> Worked:
        request = self._request(post.language, post.text)
        wanted = Wanted(item.position, target.picture_id, media.picture_url, request)
        seen = self._ahead.seen(wanted, self._run.checkpoint)
        if media.description.strip():
            target = replace(target, has_text=True)
        self._is_blank = not (seen.description.text or target.has_text)
        return self.described(
            shown(seen.prepared, media),
            seen.description,
            self._kind.source.keep(seen.prepared),
            target,
            request,
            post_text=post.text,
            replaces=media.description,
            took_s=seen.took_s,
        )

    def summary(self, task: Task) -> str:
        """Return how many pictures were described, what is left to a person, what passed over."""
        passed = Reached.read(task.plan_cursor).passed_in_words()
        if not task.items_total:
            return f"Found no new picture without an alt text.{passed}"
        blanks = self._kind.drafts.count_blanks(task.id, task.user_id or 0) + self._is_blank
        described = tally(
            f"Described {task.items_done - blanks:,}",
            task.items_total,
            "picture",
            skipped=task.items_skipped,
            failed=task.items_failed,
        )
        if blanks:
            waits = "waits" if blanks == 1 else "wait"
            described = f"{described} {blanks:,} {waits} for a sentence of yours."
        return f"{described}{passed}"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a plan has come: the page to come, posts seen and pictures found.

    ``passed`` counts what can't be described: videos, audio files, and other attachments.
    """

    #: The cursor of a plan that is complete; no platform has it.
    END: ClassVar[str] = ""

    cursor: str | None = None
    seen: int = 0
    found: int = 0
    passed: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def read(cls, written: str | None) -> Reached:
        """Return what ``str()`` wrote; what wasn't written by it begins at the newest post."""
        match = _REACHED.fullmatch(written or "")
        if match is None:
            return cls()
        seen, videos, sounds, others, found = (int(number or 0) for number in match.groups()[:-1])
        return cls(match["cursor"], seen, found, (videos, sounds, others))

    def __str__(self) -> str:
        passed = ":".join(map(str, self.passed)) if any(self.passed) else ""
        return f"{self.seen}{passed and f':{passed}'} {self.found} {self.cursor}"

    @property
    def is_end(self) -> bool:
        """Return whether nothing is left to plan."""
        return self.cursor == self.END

    def further(self, seen: int, found: int) -> Reached:
        """Return it with more posts and pictures."""
        return replace(self, seen=self.seen + seen, found=self.found + found)

    def past(self, kinds: Counter[str]) -> Reached:
        """Return it with more media that were passed over, by their kinds."""
        videos, sounds = kinds["video"] + kinds["gifv"], kinds["audio"]
        more = (videos, sounds, kinds.total() - videos - sounds)
        counts = [before + new for before, new in zip(self.passed, more, strict=True)]
        return replace(self, passed=(counts[0], counts[1], counts[2]))

    def passed_in_words(self) -> str:
        """Return a sentence with a space before it, or "" if nothing was passed over."""
        nouns = ("video", "audio file", "other attachment")
        counts = [
            counted(count, noun) for count, noun in zip(self.passed, nouns, strict=True) if count
        ]
        if not counts:
            return ""
        were = "was" if sum(self.passed) == 1 else "were"
        return f" {listed(counts)} {were} passed over: only pictures and animations are described."

    def in_words(self) -> str:
        """Return the step that people see."""
        return (
            f"Looking for pictures: {counted(self.seen, 'post')} seen, "
            f"{counted(self.found, 'picture')} found"
        )


def _unread(one: Unreadable) -> Planned:
    """Return an item that says which post is left out, and why."""
    ended = Worked(ItemStatus.SKIPPED, one.reason, Category.BAD_INPUT)
    label = "A post without an id" if one.is_unnamed else f"Post {one.remote_id}"
    return Planned(f"unreadable:{one.remote_id}", label, ended=ended)


def _unlisted(reached: Reached, error: PlatformUnavailable) -> Planned:
    """Return an item that says how far the server's list of posts could be read, and why."""
    reason = (
        f"The server listed {counted(reached.seen, 'post')} with pictures, which this run covers, "
        f"and fails at those before them: {error}"
    )
    ended = Worked(ItemStatus.FAILED, reason, error.category)
    return Planned("unlisted", "All older posts", ended=ended)


def planned_picture(key: tuple[str, str], label: str, failed_at: datetime | None) -> Planned:
    """Return a picture's item; one that earlier runs couldn't describe comes last, and says so."""
    whole_key = f"{key[0]}:{key[1]}"
    if failed_at is None:
        return Planned(whole_key, label)
    return Planned(whole_key, f"{label} (failed before, since {day_words(failed_at)})", last=True)


def _skipped(reason: str) -> Worked:
    return Worked(ItemStatus.SKIPPED, reason)
