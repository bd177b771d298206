"""Retention of what tasks leave: copies of pictures, published drafts, files that nobody names."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.pictures.picture_files import PictureStore
from altwright.db.session import again_after_deadlock, changed
from altwright.db.tables import DraftRow, DraftTextRow, PictureRow, PostRow
from altwright.db.types import now
from altwright.domain.caption import DraftStatus
from altwright.tasks.store.retention import BATCH, DAY_S, Ages, Checkpoint

#: Seconds that a file is left alone, whoever names it: it is kept before its row is written.
FILE_AGE_S = 86_400.0
#: Drafts that nobody works on any more; their pictures' copies may go.
_SETTLED = (DraftStatus.PUBLISHED, DraftStatus.SKIPPED)


class ContentRetention:
    """Deletes by age; a reviewer's open drafts keep everything."""

    def __init__(self, drafts: DraftStore, pictures: PictureStore, ages: Ages) -> None:
        self._drafts = drafts
        self._database = drafts.database
        self._pictures = pictures
        self.ages = ages

    def forget_tasks(self, session: Session, task_ids: Sequence[str]) -> None:
        """Let drafts and their texts name none of these tasks, which are about to be deleted."""
        changed(
            session,
            update(DraftRow)
            .where(DraftRow.task_id.in_(task_ids))
            .values(task_id=None, updated_at=DraftRow.updated_at),
        )
        of_tasks = DraftTextRow.task_id.in_(task_ids)
        changed(session, update(DraftTextRow).where(of_tasks).values(task_id=None))

    def prune_drafts(self, checkpoint: Checkpoint) -> int:
        """Delete drafts published long ago, with their pictures, and posts without any left.

        Their pictures have a text on the server, so no run takes them up again.
        """
        removed = 0
        while self.ages.drafts and (count := self._prune_drafts_batch()):
            removed += count
            checkpoint()
        return removed

    @again_after_deadlock
    def _prune_drafts_batch(self) -> int:
        query = (
            select(DraftRow.picture_id, PictureRow.post_id)
            .join(PictureRow, PictureRow.id == DraftRow.picture_id)
            .where(
                DraftRow.status == DraftStatus.PUBLISHED,
                DraftRow.published_at < now(-self.ages.drafts * DAY_S),
            )
            .limit(BATCH)
        )
        with self._database.write() as session:
            rows = session.execute(query).all()
            pictures = {row.picture_id for row in rows}
            posts = {row.post_id for row in rows}
            changed(session, delete(PictureRow).where(PictureRow.id.in_(pictures)))
            empty = ~exists().where(PictureRow.post_id == PostRow.id)
            changed(session, delete(PostRow).where(PostRow.id.in_(posts), empty))
            return len(rows)

    def release_pictures(self, checkpoint: Checkpoint) -> int:
        """Give up the copies of pictures whose draft was settled long ago; return how many.

        Their files go when nobody names them any more. One that is described again is fetched.
        """
        removed = 0
        while self.ages.pictures and (count := self._release_batch()):
            removed += count
            checkpoint()
        return removed

    @again_after_deadlock
    def _release_batch(self) -> int:
        query = (
            select(PictureRow.id)
            .join(DraftRow, DraftRow.picture_id == PictureRow.id)
            .where(
                DraftRow.status.in_(_SETTLED),
                DraftRow.updated_at < now(-self.ages.pictures * DAY_S),
                PictureRow.file != "",
            )
            .limit(BATCH)
        )
        with self._database.write() as session:
            ids = session.scalars(query).all()
            statement = update(PictureRow).where(PictureRow.id.in_(ids))
            return changed(session, statement.values(file="", thumbnail="")) if ids else 0

    def prune_files(self, checkpoint: Checkpoint) -> int:
        """Delete files that belong to no picture any more; return how many."""
        removed = self._pictures.tidy(FILE_AGE_S)
        batch: list[str] = []
        for name in self._pictures.older_than(FILE_AGE_S):
            batch.append(name)
            if len(batch) == BATCH:
                removed += self._prune_files(batch)
                checkpoint()
                batch = []
        return removed + self._prune_files(batch)

    def _prune_files(self, names: Sequence[str]) -> int:
        nobodys = sorted(self._drafts.unreferenced_files(names)) if names else []
        return sum(self._pictures.delete_older(name, FILE_AGE_S) for name in nobodys)
