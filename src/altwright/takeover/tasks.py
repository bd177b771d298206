"""Tasks: waiting, and ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, column, func
from sqlalchemy.orm import Session

from altwright.captions.tasks.generation import CaptionGenerationService
from altwright.crypto import Box
from altwright.db.session import Database
from altwright.domain.task import Status
from altwright.errors import InvalidInput
from altwright.takeover import fields as mapping
from altwright.takeover import links
from altwright.takeover.comparing import digests
from altwright.takeover.fields import Row, Unusable
from altwright.takeover.links import Link
from altwright.takeover.noun import Known
from altwright.takeover.old_database import BATCH, CLAIMED, OldDatabase
from altwright.takeover.people import old_id_of, read_each
from altwright.takeover.report import CHANGED, Report
from altwright.tasks.store import imported_tasks
from altwright.tasks.store.imported_tasks import Carried
from altwright.tasks.submission_rules import CaptionSecurityManager

#: What a task of the replaced system is here.
KIND = CaptionGenerationService.name
#: Noted of a task that ran there when it was taken: which run of it that was.
RUN = "run"
_ACTIVE = ("queued", "running")


class Tasks:
    """Tasks; those that are still to be done go over once the other side is ``stopped``.

    ``claims``: its workers go on, and those that wait are taken out of their hands one by one.
    """

    kind, table, whole = links.TASK, "caption_generation_tasks", True

    def __init__(
        self,
        database: Database,
        old: OldDatabase,
        known: Known,
        box: Box,
        *,
        stopped: bool,
        claims: bool = False,
    ) -> None:
        self._database = database
        self._old = old
        self._known = known
        self._box = box
        self._stopped = stopped
        self._claims = claims
        #: Old ids of users of whom a worker there works on a task.
        self._at_work: set[Any] = set()
        #: Whose task this run has queued, so that a dry run says what a run would do.
        self._busy: set[Any] = set()

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield what has ended by id, then what hasn't, oldest first."""
        status = func.lower(func.coalesce(column("status"), ""))
        yield from self._old.pages(self.table, status.not_in(_ACTIVE))
        self._at_work = self._old.users_at_work() if self._claims else set()
        active = self._old.active()
        for at in range(0, len(active), BATCH):
            wanted = active[at : at + BATCH]
            rows = {row["id"]: row for row in self._old.rows(self.table, "id", wanted)}
            yield [rows[one] for one in wanted if one in rows]

    def there(self, rows: Sequence[Mapping[str, Any]]) -> list[Row | Unusable]:
        """Read a batch of old rows."""
        users = {row.get("user_id") for row in rows} - {None}
        settings = {
            (one.get("user_id"), one.get("platform_connection_id")): one
            for one in self._old.rows("caption_generation_user_settings", "user_id", users)
        }

        def read(row: Mapping[str, Any]) -> Row:
            place = row.get("user_id"), row.get("platform_connection_id")
            made = mapping.task_there(row, settings.get(place))
            runs = mapping.word(row.get("status")) == "running"
            made.beside |= {
                "id": _checked(row["id"]),
                "user_id": self._known.user(place[0]),
                "old_user_id": place[0],
                "account_id": self._account(made, place[1]),
                "runs": runs,
                "is_claimed": runs and row.get("current_step") == CLAIMED,
            }
            made.beside |= digests({RUN: str(row.get("started_at"))})
            if runs and self._stopped:
                made.noted = {RUN: str(row.get("started_at"))}
            return made

        return read_each(rows, read)

    def _account(self, row: Row, old_id: Any) -> Any:
        """Return the account of a task; one that has ended may have lost it."""
        try:
            return self._known.account(old_id)
        except Unusable:
            if row.fields["status"] is Status.QUEUED:
                raise
            return None

    def here(self, session: Session, ids: Collection[Any]) -> dict[Any, dict[str, Any]]:
        """Return the fields of rows here."""
        tasks = imported_tasks.read(session, ids, self._box)
        return {task_id: _fields(task) for task_id, task in tasks.items()}

    def find(self, session: Session, row: Row) -> Any:
        """Return the id of the same one here. Raises Unusable."""
        task_id, user_id = row.beside["id"], row.beside["user_id"]
        if imported_tasks.read(session, [task_id], self._box):
            return task_id
        if row.fields["status"] is Status.QUEUED:
            may_claim = self._claims and (row.beside["is_claimed"] or not row.beside["runs"])
            if not (self._stopped or may_claim):
                raise Unusable(
                    "it runs there: the replaced system still works on it"
                    if row.beside["runs"]
                    else "it waits there: --stopped takes it, once nothing works on it there"
                )
            if row.beside["old_user_id"] in self._at_work:
                raise Unusable("its user has a task that runs there; run this again after it")
            if user_id in self._busy or imported_tasks.active_of(session, user_id):
                raise Unusable(
                    "its user has an active task here; run the import again when that has ended"
                )
            self._busy.add(user_id)
        return None

    def add(self, session: Session, row: Row) -> Any:
        """Add it and return its id."""
        task_id, user_id = row.beside["id"], row.beside["user_id"]
        is_ours = row.fields["status"] is not Status.QUEUED or row.beside["is_claimed"]
        if self._claims and not is_ours and not self._old.claim(task_id):
            raise Unusable("a worker there has just begun it")
        imported_tasks.add(
            session,
            task_id,
            KIND,
            row.fields,
            user_id=user_id,
            account_id=row.beside["account_id"],
            exclusive_key=f"user:{user_id}",
            settings=imported_tasks.sealed(row.beside["settings"], self._box),
            created_at=row.beside["created_at"],
            step=row.beside["step"],
            detail=row.beside["detail"],
        )
        return task_id

    def change(self, session: Session, row_id: Any, fields: Mapping[str, Any], row: Row) -> None:
        """Change its fields. Raises Unusable."""
        if not imported_tasks.follow(session, row_id, fields):
            raise Unusable("it has ended here, or a worker is at it")

    def new_here(self) -> Iterator[list[tuple[Any, dict[str, Any], dict[str, Any]]]]:
        """Yield what the old side doesn't have."""
        for tasks in imported_tasks.of_here(self._database, KIND, self._box):
            yield [
                (task.id, _fields(task), {"task": task, "settings": task.settings})
                for task in tasks
            ]

    def rests_there(self, link: Link, row: Row, ours: Mapping[str, Any]) -> bool:
        """Return whether to workers there it runs, though it was taken from them and waits here."""
        if not (self._stopped and row.beside["runs"] and ours["status"] is Status.QUEUED):
            return False
        return bool(row.beside["is_claimed"] or row.beside[RUN] == link.theirs.get(RUN))

    def hold(self, link: Link, row: Row, ours: Mapping[str, Any], *, dry_run: bool) -> bool:
        """Claim what is here already, and waits there for workers that go on (again).

        Return whether it did. Raises Unusable: one of them has begun it.
        """
        is_active = row.fields["status"] is Status.QUEUED
        if not self._claims or not is_active or row.beside["is_claimed"]:
            return False
        if row.beside["runs"]:
            if ours["status"] is Status.QUEUED and row.beside[RUN] != link.theirs.get(RUN):
                raise Unusable("it runs there and waits here: altwright task cancel ID")
            return False
        if not dry_run and not self._old.claim(link.old_id):
            raise Unusable("a worker there has just begun it")
        return True

    def release(self, connection: Connection, report: Report, *, dry_run: bool) -> None:
        """Let those wait there again that a run has claimed, and was ended before it took them."""
        for row in self._old.claimed(connection):
            with self._database.read() as session:
                if links.of(session, self.kind, [row["id"]]):
                    continue
            report.row(self.table, CHANGED)
            report.remark(self.table, row["id"], "claimed by a run that was ended; it waits again")
            if not dry_run:
                values = {"status": Status.QUEUED.name, "current_step": "", "started_at": None}
                self._old.write(connection, self.table, row["id"], values)

    def columns(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the old columns of fields."""
        return mapping.task_columns(fields)

    def find_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> Any:
        """Return the id of the same one there. Raises Unusable."""
        task: Carried = beside["task"]
        if fields["status"] is Status.QUEUED and not self._stopped:
            raise Unusable("it waits or runs here: it goes over with --stopped")
        if task.settings is None:
            raise Unusable("its settings can't be read")
        old_id_of(self._known.users, task.user_id, "user")
        old_id_of(self._known.accounts, task.account_id, "account")
        return task.id if self._old.rows(self.table, "id", [task.id], connection) else None

    def add_there(
        self, connection: Connection, fields: Mapping[str, Any], beside: Mapping[str, Any]
    ) -> tuple[Any, str]:
        """Add it there. Raises Unusable."""
        task: Carried = beside["task"]
        user_id = old_id_of(self._known.users, task.user_id, "user")
        created = str(mapping.stored(task.created_at))
        columns = self.columns(fields) | {
            "id": task.id,
            "user_id": user_id,
            "platform_connection_id": old_id_of(self._known.accounts, task.account_id, "account"),
            "settings_json": mapping.settings_column(task.settings or {}),
            "created_at": created,
            "current_step": task.step,
        }
        columns.setdefault("progress_percent", 0)
        return self._old.add(connection, self.table, columns, created), ""


def _checked(task_id: Any) -> str:
    try:
        return CaptionSecurityManager().checked_task_id(str(task_id))
    except InvalidInput:
        raise Unusable("its id is no UUID of version 4") from None


def _fields(task: Carried) -> dict[str, Any]:
    """Return what both sides have; one that runs here counts as queued, as there."""
    status = Status.QUEUED if task.status is Status.RUNNING else task.status
    is_over = status is not Status.QUEUED
    return {
        "status": status,
        "priority": task.priority,
        "failures": task.failures,
        "max_retries": task.max_retries,
        "started_at": _second(task.started_at) if is_over else None,
        "finished_at": _second(task.finished_at) if is_over else None,
        "error": task.error.strip() if is_over else "",
    }


def _second(at: Any) -> Any:
    return at and at.replace(microsecond=0)
