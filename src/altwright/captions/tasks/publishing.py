"""Publishing: writes approved alt texts into the posts that they belong to.

A draft stays approved until its post's turn, is "publishing" while its server is asked, and is
given back on every way out that isn't success: approved where trying again may help, to review
where a person has to look, skipped where its post or picture is gone. A killed worker leaves its
drafts in "publishing" until the task's next attempt; should there be none (it was cancelled), then
until the user publishes something else to that account: of each account's publishing tasks one is
active at a time, so that whatever stands in "publishing" when one begins was left behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from altwright import interrupts
from altwright.accounts.connections import AccountStore
from altwright.accounts.servers import ServerStore
from altwright.captions.drafts import draft_writes
from altwright.captions.drafts.draft import Draft
from altwright.captions.drafts.draft_store import IDS_MOST, DraftStore, check_ids
from altwright.captions.drafts.draft_writes import Standing
from altwright.captions.tasks.account_access import open_account, post_gone, probe_platform
from altwright.captions.tasks.labels import post_label, tally
from altwright.db.tables import ID_MOST
from altwright.domain.caption import DECIDED
from altwright.domain.counting import counted
from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.errors import (
    ActiveTaskExists,
    Category,
    Conflict,
    InvalidInput,
    PermanentError,
    PlatformRefused,
)
from altwright.platforms.port import Platform
from altwright.platforms.publishing.outcomes import PostLeftAlone, Publication, VisibilityWidened
from altwright.platforms.publishing.text_comparison import AltText
from altwright.platforms.refusals import PlatformGone
from altwright.tasks.error_classification import Source
from altwright.tasks.queue_manager import RQQueueManager
from altwright.tasks.store.items import Planned, Worked
from altwright.tasks.task import Item, Task
from altwright.tasks.task_kind import Run, TaskKind, Work
from altwright.text import clean_line

#: Seconds that the edit of a post gets when its task is cancelled or stopped meanwhile: what has
#: been written should be looked at too.
WRITE_S = 2.0
#: Ids that a refusal names at most.
NAMED = 20
#: Characters of a text on the server that a sentence quotes.
QUOTED_CHARACTERS = 200
_REMOVED = "The picture isn't in its post any more."
_UNSEEN = (
    "The picture has got another alt text on its server meanwhile: “{}”. It was left as it is; "
    "approve this text again to replace it."
)
_CUT = (
    "The server has taken the text and shows another: “{}”. Change your text so that it fits, "
    "and approve it again."
)
_NOT_SHOWN = "The server has taken the text and doesn't show it. Publish it again later."
_CHANGED = (
    "The text is published, but the server has changed something else: {}. "
    "Please look at the post: {}"
)


@dataclass(frozen=True, slots=True)
class Started:
    """What a request to publish has begun: a task for each account.

    ``busy`` are accounts to which a task of before is still publishing; their drafts stay approved.
    """

    tasks: tuple[Task, ...]
    busy: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the REST API shows: the first task, and all of them."""
        return self.tasks[0].to_json() | {
            "tasks": [task.to_json() for task in self.tasks],
            "busy_accounts": list(self.busy),
        }


def start_publishing(
    drafts: DraftStore,
    queue: RQQueueManager,
    user: UserRef,
    ids: Collection[int],
    request_key: str | None = None,
) -> Started:
    """Submit the publishing of approved drafts, of any of the user's accounts.

    The drafts themselves are not touched before their turn: a submit that fails, or a crash right
    after it, leaves nothing to be mended. A repeated request submits what the first one couldn't.

    Raises:
        Conflict: some aren't approved, or aren't the user's; it names them.
        ActiveTaskExists: tasks are publishing to all of these accounts already.
        InvalidInput: no ids, or too many.
    """
    wanted = sorted(set(ids))
    if not wanted:
        raise InvalidInput("There is nothing to publish.", {"ids": "should name drafts"})
    check_ids(wanted)
    known = queue.submitted(user, request_key) if request_key is not None else None
    if known and (known.account_id is None or known.settings.get("draft_ids") == wanted):
        return Started((known,))
    with drafts.database.read() as session:
        found = draft_writes.standings(session, user.id, wanted)
    of_accounts: dict[int, list[Standing]] = {}
    for draft in sorted(found, key=lambda one: one.account_id):
        of_accounts.setdefault(draft.account_id, []).append(draft)
    keys = _request_keys(request_key, list(of_accounts))
    known_tasks = {
        account_id: task
        for account_id, key in keys.items()
        if key is not None and (task := queue.submitted(user, key))
    }
    left = [draft for draft in found if draft.account_id not in known_tasks]
    _check_ready(left, set(wanted) - {draft.id for draft in found})
    tasks: list[Task] = []
    busy: dict[int, ActiveTaskExists] = {}
    for account_id, theirs in of_accounts.items():
        if account_id in known_tasks:
            tasks.append(known_tasks[account_id])
            continue
        try:
            tasks.append(
                queue.submit(
                    Publishing.name,
                    user=user,
                    account_id=account_id,
                    settings={"draft_ids": sorted(draft.id for draft in theirs)},
                    request_key=keys[account_id],
                )
            )
        except ActiveTaskExists as error:
            busy[account_id] = error
    if not tasks:
        raise next(iter(busy.values()))
    return Started(tuple(tasks), tuple(busy))


def _request_keys(key: str | None, account_ids: Sequence[int]) -> dict[int, str | None]:
    """Return a key for each account's task: the request's own for the first of them."""
    if key is None:
        return dict.fromkeys(account_ids)
    return {
        account_id: hashlib.sha256(f"{key} {account_id}".encode()).hexdigest() if at else key
        for at, account_id in enumerate(account_ids)
    }


def _check_ready(drafts: Sequence[Standing], unknown: Collection[int]) -> None:
    unready = sorted({one.id for one in drafts if one.status not in DECIDED}.union(unknown))
    if unready:
        named = ", ".join(map(str, unready[:NAMED])) + (" …" if len(unready) > NAMED else "")
        raise Conflict(f"Not approved, so they can't be published: {named}.")


class Publishing(TaskKind):
    """The kind of task that publishes; one of them per account at a time."""

    name = "publishing"
    default_priority = Priority.NORMAL

    def __init__(self, accounts: AccountStore, drafts: DraftStore) -> None:
        self.accounts = accounts
        self.drafts = drafts
        self.servers = ServerStore(drafts.database)

    def checked(self, settings: Mapping[str, Any], user: UserRef | None) -> dict[str, Any]:
        """Return {"draft_ids"}. Raises InvalidInput."""
        ids = settings.get("draft_ids")
        is_list = isinstance(ids, list) and 0 < len(ids) <= IDS_MOST
        if not is_list or not all(type(one) is int and 0 < one <= ID_MOST for one in ids or ()):
            raise InvalidInput(
                "These drafts can't be published.",
                {"draft_ids": f"should be a list of 1 to {IDS_MOST:,} ids"},
            )
        if set(settings) != {"draft_ids"}:
            unknown = sorted(set(map(str, settings)) - {"draft_ids"})
            raise InvalidInput(
                "These settings can't be used.",
                dict.fromkeys(unknown, "is no setting of this task"),
            )
        return {"draft_ids": sorted(set(ids or ()))}

    def exclusive_key(self, user: UserRef | None, account_id: int | None = None) -> str | None:
        """Return the key that lets each account have one such task, beside one that describes.

        An account that waits for its server's rate limit keeps nobody from publishing to another.
        """
        if user is None:
            return None
        return f"publish:{user.id}" if account_id is None else f"publish:{user.id}:{account_id}"

    def open(self, run: Run) -> PublishingWork:
        """Take back what an attempt before this one has left. Raises PermanentError."""
        user_id = run.task.user_id
        if user_id is None:
            raise PermanentError("Publishing is done for a user, and this task has none.")
        with self.drafts.database.write() as session:
            draft_writes.give_back_all(session, user_id, run.task.account_id)
        return PublishingWork(self, run, user_id)


class PublishingWork(Work):
    """One attempt at a publishing task."""

    def __init__(self, kind: Publishing, run: Run, user_id: int) -> None:
        """Take the kind with its stores; accounts are opened as their posts come."""
        self._accounts = kind.accounts
        self._servers = kind.servers
        self._database = kind.drafts.database
        self._run = run
        self._user_id = user_id
        self._ids: list[int] = run.task.settings["draft_ids"]
        self._platforms: dict[int, Platform] = {}
        #: The account of the post in hand; before the first, of all (tasks of before have several).
        self._account_id: int | None = run.task.account_id

    def plan(self) -> Iterator[Planned]:
        """Yield the posts, newest first: all texts of a post make one edit."""
        with self._database.read() as session:
            drafts = draft_writes.drafts_with(session, self._user_id, self._ids)
        for draft in {draft.post.id: draft for draft in drafts}.values():
            label = post_label(draft.post.text, draft.post.posted_at)
            yield Planned(str(draft.post.id), label[0].upper() + label[1:])

    def item(self, item: Item) -> Worked:
        """Publish the texts of one post."""
        self._run.step(f"Publishing to the {item.label[0].lower()}{item.label[1:]}")
        with self._database.write() as session:
            drafts = draft_writes.begin_publishing(session, self._user_id, int(item.key), self._ids)
        if not drafts:
            return Worked(ItemStatus.SKIPPED, "None of its texts is approved any more.")
        is_taken_back = False
        self._account_id = drafts[0].account_id
        try:
            worked = self._worked(drafts)
            is_taken_back = True
        except VisibilityWidened as error:
            problem = f"{item.label}: {error}"
            with self._database.write() as session:
                for draft in drafts:
                    draft_writes.review_again(session, draft, None, problem)
            is_taken_back = True
            raise PublishingEnded(problem) from error
        except PermanentError as error:
            problem = str(error)
            self._write(lambda session: draft_writes.give_back(session, _ids(drafts), problem))
            is_taken_back = True
            raise
        finally:
            if not is_taken_back:
                self._write(lambda session: draft_writes.give_back(session, _ids(drafts), None))
        return worked

    def probe(self, source: Source) -> None:
        """Ask the server of the post in hand, or before the first the task's, how it is."""
        if source is Source.PLATFORM and self._account_id is not None:
            platform = self._platform(self._account_id)
            probe_platform(self._accounts, self._account_id, platform)

    def failed(self, item: Item, reason: str) -> Callable[[Session], None]:
        """Return what tells on the drafts why their post failed, after its last try."""

        def effect(session: Session) -> None:
            draft_writes.note_problem(session, self._user_id, int(item.key), self._ids, reason)

        return effect

    def _write(self, write: Callable[[Session], None]) -> None:
        with self._database.write() as session:
            write(session)

    def _worked(self, drafts: Sequence[Draft]) -> Worked:
        """Publish a post's drafts; return what became of them, with what is to be written."""
        try:
            with interrupts.deferred(WRITE_S):
                found = self._publish(drafts)
        except PlatformGone:
            return post_gone(drafts[0].account_id, drafts[0].post.remote_id)
        except PostLeftAlone as error:
            return _set_aside(drafts, str(error))
        return _ended(drafts, found)

    def _publish(self, drafts: Sequence[Draft]) -> Publication:
        post = drafts[0].post
        texts = {
            draft.picture.remote_id: AltText(draft.text, draft.picture.published_text)
            for draft in drafts
        }
        platform = self._platform(drafts[0].account_id)
        return platform.publish_alt_texts(
            post.remote_id, texts, self._servers, visibility=post.visibility
        )

    def _platform(self, account_id: int) -> Platform:
        if account_id not in self._platforms:
            _, platform = open_account(self._accounts, account_id, self._user_id)
            self._platforms[account_id] = platform
        return self._platforms[account_id]

    def summary(self, task: Task) -> str:
        """Return to how many posts was published."""
        if not task.items_total:
            return "There was nothing to publish."
        return tally(
            f"Published the alt texts of {task.items_done:,}",
            task.items_total,
            "post",
            skipped=task.items_skipped,
            failed=task.items_failed,
        )


class PublishingEnded(PlatformRefused):
    """A server did what no later post may be exposed to; the task has failed."""

    ends_task = True


def _ended(drafts: Sequence[Draft], found: Publication) -> Worked:
    """Return the end of a post's item: each draft goes where its text went."""
    by_media = {draft.picture.remote_id: draft for draft in drafts}
    published = [by_media[media_id] for media_id in by_media if media_id in found.published]
    gone = [by_media[media_id] for media_id in by_media if media_id in found.missing]
    others = {key: (text, _UNSEEN) for key, text in found.theirs.items()}
    others |= {key: (text, _CUT) for key, text in found.unkept.items() if text}
    review = [
        (by_media[key], text, sentence.format(clean_line(text, QUOTED_CHARACTERS)))
        for key, (text, sentence) in others.items()
    ]
    unshown = [by_media[key] for key, text in found.unkept.items() if not text]
    problem = ""
    if found.changed:
        problem = _CHANGED.format(", ".join(found.changed), drafts[0].post.url)

    def effect(session: Session) -> None:
        draft_writes.published(session, published, problem)
        for draft, text, why in review:
            draft_writes.review_again(session, draft, text, why)
        draft_writes.set_aside(session, _ids(gone), _REMOVED)
        draft_writes.give_back(session, _ids(unshown), _NOT_SHOWN)

    faults = (
        [why for _, _, why in review] + [_NOT_SHOWN] * bool(unshown) + [problem] * bool(problem)
    )
    reasons = [*faults, _REMOVED] if gone else faults
    if published and len(published) < len(drafts):
        reasons.insert(0, f"Published {len(published)} of {counted(len(drafts), 'text')}.")
    if faults:
        return Worked(ItemStatus.FAILED, " ".join(reasons), Category.REVIEW, effect=effect)
    status = ItemStatus.DONE if published else ItemStatus.SKIPPED
    return Worked(status, " ".join(reasons), effect=effect)


def _set_aside(drafts: Sequence[Draft], reason: str) -> Worked:
    def effect(session: Session) -> None:
        draft_writes.set_aside(session, _ids(drafts), reason)

    return Worked(ItemStatus.SKIPPED, reason, effect=effect)


def _ids(drafts: Sequence[Draft]) -> list[int]:
    return [draft.id for draft in drafts]
