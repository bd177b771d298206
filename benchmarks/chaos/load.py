"""The users of a chaos run: they submit over HTTP, again when an answer is lost, and twice."""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests
from sqlalchemy import func, select

from altwright.db.session import Database
from altwright.db.task_tables import TaskRow
from altwright.domain.task import ACTIVE
from altwright.errors import DatabaseUnavailable
from benchmarks.chaos.kind import ITEM_S, ITEMS
from benchmarks.chaos.world import Person

_log = logging.getLogger(__name__)

CLIENTS = 24
#: Shares of submits that are sent two or three times at once: with one key, and with several.
SAME_KEY, OTHER_KEYS = 0.07, 0.03
#: Seconds: to connect, for an answer, and before a submit is sent again.
CONNECT_S, ANSWER_S, AGAIN_S = 2.0, 12.0, (0.1, 0.5)
#: Seconds after which a submit that nobody has answered counts as lost.
GIVE_UP_S = 240.0
#: Seconds between two looks at who has an active task.
LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class Submit:
    """One submit, under one key, until it has an answer that counts."""

    user_id: int
    key: str
    task_id: str | None = None
    refused: bool = False
    sent: int = 0
    took_s: float = 0.0

    @property
    def answered(self) -> bool:
        """Say whether an answer that counts came."""
        return self.refused or self.task_id is not None


@dataclass
class Load:
    """Users at work; ``rate`` is how many tasks they submit in a second at most."""

    url: str
    database: Database
    users: list[Person]
    rate: float
    submits: list[Submit] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    #: Broken promises that were seen while it ran.
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take everybody for idle."""
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._accepted: set[str] = set()
        self._idle: list[Person] = list(self.users)
        #: When a user's last submit was answered; those not here have one under way.
        self._settled: dict[int, float] = {}
        self._by_id = {user.id: user for user in self.users}
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._threads: list[threading.Thread] = []
        self._twins = ThreadPoolExecutor(CLIENTS, "twin")
        self._turns = self._paced()

    @property
    def accepted(self) -> int:
        """Return how many tasks were accepted."""
        return len(self._accepted)

    def start(self) -> None:
        """Let the users begin."""
        jobs: list[Callable[[], None]] = [self._client] * CLIENTS
        for number, job in enumerate([*jobs, self._watch]):
            thread = threading.Thread(target=job, name=f"load {number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let the users end what they have under way, and wait for that."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._twins.shutdown()

    def close(self) -> None:
        """Stop, and close every connection."""
        self.stop()
        for session in self._sessions:
            session.close()

    def last_submits(self, within_s: float) -> list[Submit]:
        """Let each user submit once more, after ``stop``; nobody may be locked out."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            last = list(pool.map(lambda user: self._submit(user, _new_key(), within_s), self.users))
        self.broken += [
            f"user {one.user_id} is locked out: the last submit was "
            + ("refused" if one.refused else "never answered")
            for one in last
            if one.task_id is None
        ]
        return last

    def _client(self) -> None:
        while not self._stop.is_set():
            try:
                user = self._next_user()
                if user is not None:
                    self._cycle(user)
            except Exception:  # noqa: BLE001 - recorded, and the loop goes on
                _log.exception("a client of the load met a fault of the run itself")
                self.broken.append("the run itself is at fault: see its log")

    def _next_user(self) -> Person | None:
        with self._lock:
            due_at = next(self._turns)
        if self._stop.wait(max(0.0, due_at - time.monotonic())):
            return None
        while not self._stop.wait(0.02):
            with self._lock:
                if self._idle:
                    return self._idle.pop(random.randrange(len(self._idle)))  # noqa: S311 - no secret
        return None

    def _paced(self) -> Iterator[float]:
        began = time.monotonic()
        for number in itertools.count():
            # Who is late isn't made to hurry: the pace goes on from now.
            began = max(began, time.monotonic() - (number + 1) / self.rate)
            yield began + number / self.rate

    def _cycle(self, user: Person) -> None:
        chance = random.random()  # noqa: S311 - no secret
        twins = random.randint(1, 2) if chance < SAME_KEY + OTHER_KEYS else 0  # noqa: S311 - no secret
        keys = [_new_key()] * (twins + 1)
        if chance < OTHER_KEYS:
            keys = [_new_key() for _ in keys]
        others = [self._twins.submit(self._submit, user, key) for key in keys[1:]]
        together = [self._submit(user, keys[0]), *(other.result() for other in others)]
        if len(set(keys)) == 1:
            ids = {one.task_id for one in together if one.task_id}
            if len(ids) > 1:
                self.broken.append(f"one request key gave several tasks: {sorted(ids)}")
        with self._lock:
            self._settled[user.id] = time.monotonic()

    def _submit(self, user: Person, key: str, within_s: float = GIVE_UP_S) -> Submit:
        submit = Submit(user.id, key)
        began = time.monotonic()
        while not submit.answered and time.monotonic() - began < within_s:
            if submit.sent:
                time.sleep(random.uniform(*AGAIN_S))  # noqa: S311 - no secret
            submit.sent += 1
            self._send(user, submit)
        submit.took_s = time.monotonic() - began
        with self._lock:
            self.submits.append(submit)
            if submit.task_id is not None:
                self._accepted.add(submit.task_id)
        return submit

    def _send(self, user: Person, submit: Submit) -> None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._sessions.append(self._local.session)
        session: requests.Session = self._local.session
        try:
            response = session.post(
                f"{self.url}/api/v1/tasks",
                json={
                    "account_id": user.account_id,
                    "settings": {"items": ITEMS, "item_s": ITEM_S},
                },
                headers={"Authorization": f"Bearer {user.token}", "Idempotency-Key": submit.key},
                timeout=(CONNECT_S, ANSWER_S),
            )
            answer = response.json()
        except (requests.RequestException, ValueError) as error:
            self._count(f"none ({type(error).__name__})")
            return
        self._count(str(response.status_code))
        match response.status_code:
            case 202:
                submit.task_id = answer["id"]
            case 409 if "task_id" in answer:
                submit.refused = True
            case 409 | 503:
                pass
            case status:
                self.broken.append(f"a submit was answered with {status}: {response.text[:200]}")

    def _count(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] += 1

    def _watch(self) -> None:
        """Find out whose task has ended, and that nobody has two."""
        active = (
            select(TaskRow.user_id, func.count())
            .where(TaskRow.status.in_(ACTIVE))
            .group_by(TaskRow.user_id)
        )
        while not self._stop.wait(LOOK_EVERY_S):
            looked_at = time.monotonic()
            try:
                with self.database.read() as session:
                    counts = {row[0]: row[1] for row in session.execute(active)}
            except DatabaseUnavailable:
                continue
            self.broken += [
                f"user {user_id} had {count} active tasks at a time"
                for user_id, count in counts.items()
                if count > 1
            ]
            with self._lock:
                free = [
                    user_id
                    for user_id, at in self._settled.items()
                    if at < looked_at and user_id not in counts
                ]
                for user_id in free:
                    del self._settled[user_id]
                    self._idle.append(self._by_id[user_id])


def _new_key() -> str:
    return uuid.uuid4().hex
