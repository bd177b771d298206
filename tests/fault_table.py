"""Faults of the world, as data: what goes wrong, where; and a run of the real thing over each.

`python -m tests.fault_table` runs all and writes docs/reference/faults.md.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support_pretend import (
    Fault,
    Misbehaviour,
    PretendWorld,
    answers,
    breaks_off,
    dribbles,
    drops,
    hangs,
    pretend_world,
    status,
)

from altwright.config import Settings
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.domain.caption import DraftStatus
from altwright.domain.task import ItemStatus, Status
from altwright.tasks.task import Item, Task

DOC = Path(__file__).parent.parent / "docs" / "reference" / "faults.md"
#: Posts of the account, of one picture each; and the one with which something goes wrong.
POSTS, BAD = (11, 12, 13, 14, 15), 13
#: Attempts after which a task that waits isn't looked at any longer.
ATTEMPTS = 12
#: Seconds that servers are given: where one never answers, and elsewhere, so that a slow machine
#: is no fault.
SHORT_S, LONG_S = 2.0, 60.0

LISTING, POST = r"/accounts/7/statuses/?(\?|$)", rf"/api/v1/statuses/{BAD}/?$"
FILE, SOURCE = rf"/files/{BAD}-", rf"/api/v1/statuses/{BAD}/source"
PROBE, TAGS = r"/verify_credentials", r"/api/(version|tags)"
ANY_POST = r"/api/v1/statuses/"
#: Attempts after which what was to pass has passed.
MENDED_AFTER = 2
#: What makes something go wrong.
Put = Callable[[PretendWorld], None]
HTML = b"<html><title>Just a moment</title></html>"
OUT_OF_SCOPE = {"error": "This action is outside the authorized scopes"}


@dataclass(frozen=True)
class Case:
    """One row: ``put`` makes something go wrong; ``mended``: it passes after two attempts."""

    where: str
    what: str
    put: Callable[[PretendWorld], None]
    mended: bool = False
    publishes: bool = False

    @property
    def name(self) -> str:
        """Return what tests call it."""
        return f"{self.where}: {self.what}"

    @property
    def timeout_s(self) -> float:
        """Return the seconds that servers are given."""
        return SHORT_S if re.search("no answer in time|now and then", self.what) else LONG_S


@dataclass(frozen=True)
class Outcome:
    """What came of a case: states of the item that was bad, and of the rest; and the words."""

    task: Task
    bad: Item | None
    rest: list[Item]
    waited: bool

    def row(self, case: Case) -> str:
        """Return the table's row."""
        item = "not found" if self.bad is None else self.bad.status.value
        done = sum(one.status is ItemStatus.DONE for one in self.rest)
        ends = "waits" if self.task.status is Status.QUEUED else self.task.status.value
        if self.waited and self.task.status is not Status.QUEUED:
            ends += ", after waiting"
        reason = self.bad.reason if self.bad and self.bad.status is not ItemStatus.DONE else ""
        words = self.task.error or reason
        words = re.sub(r"127\.0\.0\.1(:\d+)?", "social.example", words).replace("|", "/")
        # What a reader's server would say, whose time-out isn't the tests'.
        timeout_s = Settings.model_fields["ollama_timeout"].default
        words = words.replace(f"{case.timeout_s:g} seconds.", f"{timeout_s:g} seconds.")
        return f"| {case.what} | {item} | {done} of {len(POSTS) - 1} done | {ends} | {words} |"


def at_fediverse(path: str, fault: Fault, method: str = "GET", times: int | None = None) -> Put:
    """Let the Fediverse server go wrong there."""

    def put(world: PretendWorld) -> None:
        world.fediverse.wrong.append(Misbehaviour(path, fault, method, times))

    return put


def at_model(fault: Fault, *, body: str = f"Words of post {BAD}", times: int | None = None) -> Put:
    """Let the model server go wrong for one picture; ``body`` "": for all."""

    def put(world: PretendWorld) -> None:
        world.model.wrong.append(Misbehaviour("/api/chat", fault, "POST", times, body=body))

    return put


def both(*puts: Put) -> Put:
    """Let several things go wrong."""

    def put(world: PretendWorld) -> None:
        for one in puts:
            one(world)

    return put


def at_tags(fault: Fault) -> Put:
    """Let the model server go wrong when it is asked how it is."""

    def put(world: PretendWorld) -> None:
        world.model.wrong.append(Misbehaviour(TAGS, fault))

    return put


def during_the_run(fault: Fault) -> Put:
    """Let every call of the Fediverse server's API go wrong once the posts are listed."""

    def put(world: PretendWorld) -> None:
        world.fediverse.wrong.append(Misbehaviour(ANY_POST, fault))
        world.fediverse.wrong.append(Misbehaviour(PROBE, fault, after=1))

    return put


def said(text: str) -> Fault:
    """Return a model's answer."""
    message = {"role": "assistant", "content": text}
    return answers({"message": message, "done": True, "done_reason": "stop"})


_F, _M = at_fediverse, at_model
OVERLOADED = status(503, {"error": "overloaded"})


def _cases(where: str, *rows: tuple[str, Put], **options: bool) -> list[Case]:
    return [Case(where, what, put, **options) for what, put in rows]


LISTED = "The list of posts"
READ = "One post"
PICTURE = "One picture's file"
DESCRIBED = "The model server, on one picture"
MODEL = "The model server, on all"
WHOLE = "The Fediverse server, as a whole"
WRITTEN = "Publishing to one post"
WRITING = "Publishing, on all"

CASES: list[Case] = [
    *_cases(
        LISTED,
        ("500 once", _F(LISTING, status(500), times=1)),
        ("a bot protection's page instead of JSON, once", _F(LISTING, answers(HTML), times=1)),
        ("the connection is closed without an answer, once", _F(LISTING, drops, times=1)),
        ("the connection breaks off half-way, once", _F(LISTING, breaks_off, times=1)),
        ("no answer in time, once", _F(LISTING, hangs, times=1)),
        ("a byte now and then, without end, once", _F(LISTING, dribbles, times=1)),
        ("429 with Retry-After, once", _F(LISTING, status(429, Retry_After="30"), times=1)),
        ("500 for good, while the token is accepted", _F(LISTING, status(500))),
        ("403 for good, while the token is accepted", _F(LISTING, status(403, OUT_OF_SCOPE))),
        ("403 with a firewall's page", _F(LISTING, status(403, HTML, Content_Type="text/html"))),
    ),
    *_cases(
        READ,
        ("500", _F(POST, status(500))),
        ("503 with Retry-After", _F(POST, status(503, Retry_After="20"))),
        ("404: deleted meanwhile", _F(POST, status(404))),
        ("410: gone", _F(POST, status(410))),
        ("401, while the token is accepted elsewhere", _F(POST, status(401))),
        ("403", _F(POST, status(403, {"error": "Not yours"}))),
        ("422", _F(POST, status(422, {"error": "Odd"}))),
        ("400", _F(POST, status(400))),
        ("no answer in time", _F(POST, hangs)),
        ("a byte now and then, without end", _F(POST, dribbles)),
        ("the connection is closed without an answer", _F(POST, drops)),
        ("the connection breaks off half-way", _F(POST, breaks_off)),
        ("a bot protection's page instead of JSON", _F(POST, answers(HTML))),
        ("a list instead of a post", _F(POST, answers([]))),
        ("500 once", _F(POST, status(500), times=1)),
        ("429 once", _F(POST, status(429, Retry_After="30"), times=1)),
        ("redirects in a circle", _F(POST, status(302, Location=f"/api/v1/statuses/{BAD}"))),
        ("redirects to a private address", _F(POST, status(302, Location="http://10.0.0.1/"))),
    ),
    *_cases(
        PICTURE,
        ("404", _F(FILE, status(404))),
        ("410", _F(FILE, status(410))),
        ("403", _F(FILE, status(403))),
        ("500", _F(FILE, status(500))),
        ("503", _F(FILE, OVERLOADED)),
        ("503 once", _F(FILE, OVERLOADED, times=1)),
        ("429 once", _F(FILE, status(429, Retry_After="30"), times=1)),
        ("no answer in time", _F(FILE, hangs)),
        ("a byte now and then, without end", _F(FILE, dribbles)),
        ("the connection is closed without an answer", _F(FILE, drops)),
        ("a web page instead of a picture", _F(FILE, answers(HTML))),
        ("an empty file", _F(FILE, answers(b""))),
        ("a text that is labelled as a PNG", _F(FILE, answers(b"hello", Content_Type="image/png"))),
        ("larger than any picture may be", _F(FILE, status(200, Content_Length="99999999999"))),
        ("redirects to a private address", _F(FILE, status(302, Location="http://10.0.0.1/a.png"))),
        ("redirects in a circle", _F(FILE, status(302, Location=f"/files/{BAD}-0.png"))),
    ),
    *_cases(
        DESCRIBED,
        ("500", _M(status(500, {"error": "model runner has unexpectedly stopped"}))),
        ("500 once", _M(status(500, {"error": "busy"}), times=1)),
        ("503", _M(OVERLOADED)),
        ("no answer in time", _M(hangs)),
        ("the connection is closed without an answer", _M(drops)),
        ("the connection breaks off half-way", _M(breaks_off)),
        ("a web page instead of JSON", _M(answers(HTML))),
        ("a list instead of an answer", _M(answers([]))),
        ("an answer without a message", _M(answers({"done": True}))),
        ("403: moderated", _M(status(403, {"error": "flagged"}))),
        ("400: it refuses the picture", _M(status(400, {"error": "bad image"}))),
        ("413: too large", _M(status(413))),
        ("429 with Retry-After, once", _M(status(429, Retry_After="30"), times=1)),
        ("an empty answer", _M(said(""))),
        ("a refusal", _M(said("I'm sorry, but I can't help with that."))),
    ),
    *_cases(
        MODEL,
        ("no such model", _M(status(404, {"error": "model 'eyes' not found"}), body="")),
        ("the key is refused", both(_M(status(401), body=""), at_tags(status(401)))),
    ),
    *_cases(
        MODEL,
        ("500 for every picture for a while", _M(status(500), body="")),
        ("it can't be reached for a while", both(_M(drops, body=""), at_tags(drops))),
        ("it is overloaded for a while", both(_M(OVERLOADED, body=""), at_tags(OVERLOADED))),
        ("it asks to wait (429)", _M(status(429, Retry_After="30"), body="")),
        mended=True,
    ),
    *_cases(
        WHOLE,
        ("the token is revoked (401)", during_the_run(status(401))),
        ("the token is revoked, as Takahē says it (400)", during_the_run(status(400))),
        ("the token is revoked, as snac says it (422)", during_the_run(status(422))),
        ("500 for every post, while the token is accepted", _F(ANY_POST, status(500))),
        ("503 for every picture's file", _F("/files/", status(503))),
    ),
    *_cases(
        WHOLE,
        ("it can't be reached for a while", during_the_run(drops)),
        ("it is in trouble for a while (502)", during_the_run(status(502, HTML))),
        ("500 for every post for a while, the token is accepted", _F(ANY_POST, status(500))),
        ("it asks to wait (429)", _F(ANY_POST, status(429, Retry_After="300"))),
        mended=True,
    ),
    *_cases(
        WRITTEN,
        ("500", _F(POST, status(500), "PUT")),
        ("403", _F(POST, status(403, {"error": "Not yours"}), "PUT")),
        ("404", _F(POST, status(404), "PUT")),
        ("422", _F(POST, status(422, {"error": "Validation failed"}), "PUT")),
        ("401, while the token is accepted elsewhere", _F(POST, status(401), "PUT")),
        ("no answer in time", _F(POST, hangs, "PUT")),
        ("the connection is closed without an answer", _F(POST, drops, "PUT")),
        ("500 once", _F(POST, status(500), "PUT", times=1)),
        ("429 once", _F(POST, status(429, Retry_After="30"), "PUT", times=1)),
        ("the post can't be read: 404", _F(POST, status(404))),
        ("the post can't be read: 500", _F(POST, status(500))),
        ("its source can't be read: 500", _F(SOURCE, status(500))),
        publishes=True,
    ),
    *_cases(
        WRITING,
        ("the token may not write (403)", _F(ANY_POST, status(403, OUT_OF_SCOPE), "PUT")),
        ("the token is revoked (401)", both(_F(ANY_POST, status(401)), _F(PROBE, status(401)))),
        ("500 for every post, while the token is taken", _F(ANY_POST, status(500), "PUT")),
        publishes=True,
    ),
    *_cases(
        WRITING,
        ("it can't be reached for a while", both(_F(ANY_POST, drops), _F(PROBE, drops))),
        ("it asks to wait (429)", _F(ANY_POST, status(429, Retry_After="300"), "PUT")),
        ("500 for every post for a while", _F(ANY_POST, status(500), "PUT")),
        publishes=True,
        mended=True,
    ),
]


def run(case: Case, database: Database, folder: Path) -> tuple[Outcome, PretendWorld]:
    """Let something go wrong in a run of the real kinds of tasks, and see how it ends."""
    with pretend_world(database, folder, timeout_s=case.timeout_s) as world:
        for number in POSTS:
            world.fediverse.post(number)
        bench, account = world.bench, world.world.account
        if case.publishes:
            bench.captions()
            drafts = world.world.drafts
            ids = [one.id for one in drafts.find(world.world.user.id).drafts]
            for draft_id in ids:
                drafts.approve(draft_id, world.world.user.id)
            case.put(world)
            task = bench.submit("publishing", settings={"draft_ids": ids})
        else:
            case.put(world)
            settings = {"use_post_text": True}
            task = bench.submit("captions", account_id=account.id, settings=settings)
        for attempt in range(ATTEMPTS):
            if case.mended and attempt == MENDED_AFTER:
                world.fediverse.wrong.clear()
                world.model.wrong.clear()
            task = bench.attempt()
            if task.ended:
                break
        items = bench.store.items(task.id)
        bad = next((one for one in items if f"post {BAD}" in one.label), None)
        rest = [one for one in items if one is not bad]
        waited = any(one.event == "waiting" for one in bench.store.history(task.id))
        return Outcome(task, bad, rest, waited), world


def kept(case: Case, outcome: Outcome, world: PretendWorld) -> list[str]:
    """Return what was lost in a run: there has to be nothing."""
    lost = []
    drafts = world.world.drafts.find(world.world.user.id, limit=200).drafts
    done = sum(one.status is ItemStatus.DONE for one in (*outcome.rest, outcome.bad) if one)
    published = [one for one in drafts if one.status is DraftStatus.PUBLISHED]
    if case.publishes:
        if len(published) != done:
            lost.append(f"{done} posts done, {len(published)} drafts published")
        if sorted(one.text for one in published) != sorted(world.fediverse.texts()):
            lost.append("what is published isn't what stands on the server")
        is_failed = outcome.bad is not None and outcome.bad.status is ItemStatus.FAILED
        if is_failed and not any(one.problem for one in drafts):
            lost.append("no draft says why it wasn't published")
        if any(one.status is DraftStatus.PUBLISHING for one in drafts):
            lost.append("a draft was left in publishing")
    elif len(drafts) != done:
        lost.append(f"{done} pictures done, {len(drafts)} drafts")
    if outcome.task.status is Status.COMPLETED and outcome.bad is None:
        lost.append("an item is missing")
    return lost


HEAD = """\
# Faults

What a run does when something goes wrong. This page is made by running it:
`python -m tests.fault_table` lets a pretend Fediverse server and a pretend model server misbehave
over the real tasks, and a test compares. An account has five posts with a picture each; what goes
wrong concerns the third (the affected item), unless it says "all" or "whole"; "pending" is what a
task that has failed leaves to the next one. What was done before a fault stays done, and nothing
that is done is done twice."""


def page(rows: dict[str, list[str]]) -> str:
    """Return the reference page."""
    parts = [HEAD]
    for where, some in rows.items():
        parts += [f"\n## {where}\n", "| fault | affected item | the others | the task | message |"]
        parts += ["|---|---|---|---|---|", *some]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Run everything and write the page."""
    rows: dict[str, list[str]] = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(make_engine(f"sqlite:///{folder}/faults.db"))
            migrate.upgrade(database.engine)
            outcome, world = run(case, database, Path(folder))
            lost = kept(case, outcome, world)
            database.close()
        row = outcome.row(case)
        print(case.where, row, *lost)  # noqa: T201 - a command's output
        rows.setdefault(case.where, []).append(row)
    DOC.write_text(page(rows))


if __name__ == "__main__":
    main()
