"""Publishing: writes approved alt texts into the posts that they belong to.

A draft stays approved until its post's turn, is "publishing" while its server is asked, and is
given back on every way out that isn't success. A killed worker leaves its drafts in "publishing"
until the task's next attempt; should there be none (it was cancelled), then until the user
publishes something: of each user's publishing tasks one is active at a time, so that whatever
stands in "publishing" when one begins was left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.orm import Session

from altwright import interrupts
from altwright.accounts.connections import AccountStore
from altwright.captions import drafting
from altwright.captions.drafts import IDS_MOST, DraftStore, check_ids
from altwright.captions.opening import open_account, probe_platform
from altwright.captions.records import Draft
from altwright.captions.wording import post_label, tally
from altwright.db.tables import ID_MOST
from altwright.domain.caption import DraftStatus
from altwright.domain.task import ItemStatus, Priority
from altwright.domain.user import UserRef
from altwright.errors import Conflict, InvalidInput, PermanentError, PlatformRefused
from altwright.platforms.port import Platform, Post
from altwright.tasks.claims import Planned, Worked
from altwright.tasks.faults import Source
from altwright.tasks.kinds import Run, Work
from altwright.tasks.records import Item, Task

#: States from which a draft may be published; PUBLISHING: an attempt before this one was cut off.
PUBLISHABLE = (DraftStatus.APPROVED, DraftStatus.PUBLISHING)
#: Seconds that the edit of a post gets when its task is cancelled or stopped meanwhile: what has
#: been written should be looked at too.
WRITE_S = 2.0
#: Ids that a refusal names at most.
NAMED = 20


class Queue(Protocol):
    """What starting needs of a queue manager."""

    def submit(
        self,
        kind: str,
        *,
        user: UserRef | None,
        account_id: int | None = None,
        settings: Mapping[str, Any] | None = None,
        priority: str | None = None,
        request_key: str | None = None,
    ) -> Task:
        """Accept a task."""
        ...

    def submitted(self, user: UserRef, request_key: str) -> Task | None:
        """Return the task that a request has submitted before."""
        ...


def start_publishing(
    drafts: DraftStore,
    queue: Queue,
    user: UserRef,
    ids: Collection[int],
    request_key: str | None = None,
) -> Task:
    """Submit the publishing of approved drafts, of any of the user's accounts.

    The drafts themselves are not touched before their turn: a submit that fails, or a crash right
    after it, leaves nothing to be mended.

    Raises:
        Conflict: some aren't approved, or aren't the user's; it names them.
        ActiveTaskExists: the user is publishing already.
        InvalidInput: no ids, or too many.
    """
    if request_key is not None and (known := queue.submitted(user, request_key)):
        return known
    wanted = sorted(set(ids))
    if not wanted:
        raise InvalidInput("There is nothing to publish.", {"ids": "should name drafts"})
    check_ids(wanted)
    with drafts.database.read() as session:
        found = drafting.drafts_with(session, user.id, wanted)
    ready = [draft for draft in found if draft.status in PUBLISHABLE]
    unready = sorted(set(wanted) - {draft.id for draft in ready})
    if unready:
        named = ", ".join(map(str, unready[:NAMED])) + (" …" if len(unready) > NAMED else "")
        raise Conflict(f"Not approved, so they can't be published: {named}.")
    of_accounts = {draft.account_id for draft in ready}
    return queue.submit(
        Publishing.name,
        user=user,
        account_id=of_accounts.pop() if len(of_accounts) == 1 else None,
        settings={"draft_ids": wanted},
        request_key=request_key,
    )


class Publishing:
    """The kind of task that publishes; one of them per user at a time."""

    name = "publishing"
    default_priority = Priority.NORMAL

    def __init__(self, accounts: AccountStore, drafts: DraftStore) -> None:
        """Take the stores."""
        self.accounts = accounts
        self.drafts = drafts

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

    def exclusive_key(self, user: UserRef | None) -> str | None:
        """Return the key that lets each user have one such task, beside one that describes."""
        return f"publish:{user.id}" if user else None

    def open(self, run: Run) -> PublishingWork:
        """Take back what an attempt before this one has left. Raises PermanentError."""
        user_id = run.task.user_id
        if user_id is None:
            raise PermanentError("Publishing is done for a user, and this task has none.")
        with self.drafts.database.write() as session:
            drafting.give_back_all(session, user_id)
        return PublishingWork(self.accounts, self.drafts, run, user_id)


class PublishingWork(Work):
    """One attempt at a publishing task."""

    def __init__(self, accounts: AccountStore, drafts: DraftStore, run: Run, user_id: int) -> None:
        """Take the stores; accounts are opened as their posts come."""
        self._accounts = accounts
        self._database = drafts.database
        self._run = run
        self._user_id = user_id
        self._ids: list[int] = run.task.settings["draft_ids"]
        self._platforms: dict[int, Platform] = {}
        #: The account of the post in hand.
        self._account_id: int | None = None

    def plan(self) -> Iterator[Planned]:
        """Yield the posts, newest first: all texts of a post make one edit."""
        with self._database.read() as session:
            drafts = drafting.drafts_with(session, self._user_id, self._ids)
        for draft in {draft.post.id: draft for draft in drafts}.values():
            label = post_label(draft.post.text, draft.post.posted_at)
            yield Planned(str(draft.post.id), label[0].upper() + label[1:])

    def item(self, item: Item) -> Worked:
        """Publish the texts of one post."""
        self._run.step(f"Publishing to the {item.label[0].lower()}{item.label[1:]}")
        drafts = self._take(int(item.key))
        if not drafts:
            return Worked(ItemStatus.SKIPPED, "None of its texts is approved any more.")
        problem: str | None = None
        is_published = False
        self._account_id = drafts[0].account_id
        try:
            self._publish(drafts)
            is_published = True
        except PermanentError as error:
            problem = str(error)
            raise
        finally:
            if not is_published:
                self._give_back([draft.id for draft in drafts], problem)

        def effect(session: Session) -> None:
            drafting.published(session, drafts)

        return Worked(ItemStatus.DONE, effect=effect)

    def probe(self, source: Source) -> None:
        """Ask the server of the post in hand how it is."""
        if source is Source.PLATFORM and self._account_id is not None:
            platform = self._platform(self._account_id)
            probe_platform(self._accounts, self._account_id, platform)

    def failed(self, item: Item, reason: str) -> Callable[[Session], None]:
        """Return what lets the post's drafts say why they weren't published."""

        def effect(session: Session) -> None:
            ids = drafting.approved_of_post(session, self._user_id, int(item.key), self._ids)
            drafting.note_problem(session, ids, reason)

        return effect

    def _take(self, post_id: int) -> list[Draft]:
        with self._database.write() as session:
            return drafting.begin_publishing(session, self._user_id, post_id, self._ids)

    def _publish(self, drafts: Sequence[Draft]) -> None:
        """Write the texts, unless they are there already. Raises PermanentError."""
        platform = self._platform(drafts[0].account_id)
        remote_id = drafts[0].post.remote_id
        texts = {draft.picture.remote_id: draft.text for draft in drafts}
        before = _texts(platform.post(remote_id))
        if missing := set(texts) - set(before):
            raise PlatformRefused(
                f"The post doesn't have {len(missing)} of these pictures any more."
            )
        if all(before[media_id] == text for media_id, text in texts.items()):
            return  # an attempt that was cut off had got this far
        self._refuse_to_overwrite(drafts, before)
        with interrupts.deferred(WRITE_S):
            after = _texts(platform.publish_alt_texts(remote_id, texts))
        if any(after.get(media_id, "").strip() != text for media_id, text in texts.items()):
            raise PlatformRefused("The server has taken the texts, and shows others.")

    def _refuse_to_overwrite(self, drafts: Sequence[Draft], before: Mapping[str, str]) -> None:
        """Leave an alt text alone that nobody here has seen; the next time it is known."""
        unseen = [
            draft
            for draft in drafts
            if before[draft.picture.remote_id].strip()
            not in {"", draft.text, draft.picture.published_text.strip()}
        ]
        if not unseen:
            return
        with self._database.write() as session:
            for draft in unseen:
                drafting.note_published(session, draft.picture.id, before[draft.picture.remote_id])
        theirs = before[unseen[0].picture.remote_id]
        raise PermanentError(
            f"The picture has got another alt text on its server meanwhile: “{theirs[:200]}”. "
            "Publish again to replace it."
        )

    def _platform(self, account_id: int) -> Platform:
        if account_id not in self._platforms:
            _, platform = open_account(self._accounts, account_id, self._user_id)
            self._platforms[account_id] = platform
        return self._platforms[account_id]

    def _give_back(self, ids: Sequence[int], problem: str | None) -> None:
        with self._database.write() as session:
            drafting.give_back(session, ids, problem)

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


def _texts(post: Post) -> dict[str, str]:
    return {media.remote_id: media.description for media in post.media}
