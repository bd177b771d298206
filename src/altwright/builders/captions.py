"""What describes and publishes pictures, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from altwright.accounts.connections import AccountStore
from altwright.captions.drafts.draft_store import DraftStore
from altwright.captions.pictures.picture_fetch import PictureLimits, PictureSource
from altwright.captions.pictures.picture_files import PictureStore
from altwright.captions.tasks.generation import CaptionGenerationService
from altwright.captions.tasks.publishing import Publishing
from altwright.captions.tasks.redescribe import DescribeAgain
from altwright.describers.port import Describer, Picture
from altwright.net.http import Outbound
from altwright.tasks.store.task_store import TaskStore
from altwright.tasks.task_kind import TaskKind


class Captions:
    """Drafts, and the kinds of tasks that make and publish them."""

    def __init__(
        self,
        tasks: TaskStore,
        accounts: AccountStore,
        pictures: PictureStore,
        outbound: Outbound,
        describer: Describer,
        limits: PictureLimits,
        longest: int,
        parallel: int = 1,
        read: Callable[[Picture], Any] = lambda _picture: None,
    ) -> None:
        """Take ``longest``, the most characters that a describer may write.

        ``parallel`` are the pictures of one task that it is given at a time; ``read`` returns the
        words in one, for texts whose describer doesn't say what it read.
        """
        self.drafts = DraftStore(tasks.database)
        self._source = PictureSource(outbound, pictures, limits)
        parts = (accounts, self.drafts, self._source, describer, longest, parallel, read)
        self._describing = (CaptionGenerationService(*parts), DescribeAgain(*parts, tasks))
        kinds: tuple[TaskKind, ...] = (*self._describing, Publishing(accounts, self.drafts))
        self.kinds = {kind.name: kind for kind in kinds}

    def adopt(self, limits: PictureLimits, longest: int, parallel: int) -> None:
        """Go by what administrators changed while all runs; ``parallel`` from the next task on."""
        self._source.limits = limits
        for kind in self._describing:
            kind.longest, kind.parallel = longest, parallel
