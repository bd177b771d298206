"""Users over HTTP: they sign in, post, submit, watch, review and publish; every answer is kept."""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from benchmarks.staging.deployment import Person
from benchmarks.staging.fediverse import Fediverse

_log = logging.getLogger(__name__)

#: Seconds for an answer (nginx gives up after 60), before a call is made again, and until it counts
#: as never answered.
ANSWER_S, AGAIN_S, GIVE_UP_S = 90.0, 0.3, 240.0
#: Seconds between two looks at a task, and that a task may take at most.
LOOK_S, DONE_WITHIN_S = 1.0, 1800.0
#: Seconds that somebody pauses between two runs.
PAUSE_S = 1.0
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
_ENDED = {"completed", "failed", "cancelled"}
_OK, _FOUND, _ACCEPTED, _CONFLICT = 200, 302, 202, 409
#: From here on an answer is the service's fault.
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its sender saw it; status 0: there was no answer."""

    at: float
    took_s: float
    what: str
    status: int
    said: str = ""

    @property
    def failed(self) -> bool:
        """Say whether the service is to blame."""
        return self.status == 0 or self.status >= _SERVER_ERROR


class Gone(Exception):
    """The users are asked to stop."""


@dataclass
class People:
    """All users, of whom so many as there are ``clients`` do something at a time."""

    url: str
    certificate: Path
    people: Sequence[Person]
    tokens: dict[str, str]
    accounts: dict[str, int]
    fediverse: Fediverse
    clients: int
    calls: list[Call] = field(default_factory=list)
    #: Ids of tasks that were accepted, by their request key.
    accepted: dict[str, set[str]] = field(default_factory=dict)
    #: Promises that somebody saw broken.
    broken: list[str] = field(default_factory=list)
    published: int = 0
    #: Whether those may submit, too, who had tasks in the old deployment that waited.
    everybody: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Take everybody for idle, and nobody for signed in."""
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._idle = list(self.people)
        self._sessions: dict[str, requests.Session] = {}
        self._threads = [
            threading.Thread(target=self._client, name=f"user {number}", daemon=True)
            for number in range(self.clients)
        ]

    def start(self) -> None:
        """Let them begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them end what they have begun."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for session in self._sessions.values():
            session.close()

    def _client(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                person = self._idle.pop(0)
            try:
                self._visit(person)
            except Exception as error:  # noqa: BLE001 - recorded, and the others go on
                _log.exception("%s met a fault", person.name)
                self.broken.append(f"{person.name}: {error}")
            with self._lock:
                self._idle.append(person)
            self._stop.wait(PAUSE_S * self.clients / len(self.people))

    def _visit(self, person: Person) -> None:
        session = self._sessions.get(person.name) or self._sign_in(person)
        for page in ("/", "/tasks", "/review"):
            self._call(session, "GET", page, wanted={_OK})
        if person.waits and not self.everybody.is_set():
            return
        self._describe(session, person)
        self._review(session, person)

    def _sign_in(self, person: Person) -> requests.Session:
        """Sign in with the password of the old deployment; later calls have the API's token."""
        session = requests.Session()
        session.trust_env = False  # which may name other certificates
        session.verify = str(self.certificate)
        # Each user's requests come anew, as if from another machine.
        session.headers["Connection"] = "close"
        page = self._call(session, "GET", "/login", wanted={_OK})
        found = _CSRF.search(page.text)
        form = {
            "username": person.name,
            "password": person.password,
            "csrf_token": found[1] if found else "",
        }
        self._call(
            session,
            "POST",
            "/login",
            wanted={_FOUND},
            data=form,
            headers={"Referer": f"{self.url}/login"},
            allow_redirects=False,
        )
        self._sessions[person.name] = session
        return session

    def _describe(self, session: requests.Session, person: Person) -> None:
        self.fediverse.post(person.home)
        key = str(uuid.uuid4())
        answer = self._api(
            session,
            person,
            "POST",
            "/tasks",
            wanted={_ACCEPTED, _CONFLICT},
            json={"account_id": self.accounts[person.name], "settings": {"processing_delay": 0}},
            key=key,
        )
        said = answer.json()
        if answer.status_code == _CONFLICT:
            self._watch(session, person, said["task_id"])
            return
        with self._lock:
            self.accepted.setdefault(key, set()).add(said["id"])
        self._watch(session, person, said["id"])

    def _watch(self, session: requests.Session, person: Person, task_id: str) -> None:
        """Look at a task until it has ended, which it has to do well."""
        until = time.monotonic() + DONE_WITHIN_S
        while True:
            task = self._api(session, person, "GET", f"/tasks/{task_id}", wanted={_OK}).json()
            if task["status"] in _ENDED:
                break
            if time.monotonic() > until:
                self.broken.append(f"task {task_id} of {person.name} did not end: {task}")
                return
            time.sleep(LOOK_S)
        if task["status"] != "completed":
            self.broken.append(f"task {task_id} of {person.name} ended badly: {task}")

    def _review(self, session: requests.Session, person: Person) -> None:
        """Approve all that waits for it, one of them with other words, and publish it."""
        listed = self._api(
            session, person, "GET", "/drafts?status=draft,approved", wanted={_OK}
        ).json()
        drafts = listed["drafts"]
        if not drafts:
            return
        first = drafts[0]
        words = f"{first['text'].rstrip('.')}, as {person.name} sees it."
        path = f"/drafts/{first['id']}"
        self._api(session, person, "PATCH", path, wanted={_OK}, json={"text": words})
        ids = [one["id"] for one in drafts]
        body = {"ids": ids}
        self._api(session, person, "POST", "/drafts/approve", wanted={_OK}, json=body)
        answer = self._api(
            session,
            person,
            "POST",
            "/drafts/publish",
            wanted={_ACCEPTED},
            json=body,
            key=str(uuid.uuid4()),
        )
        for task in answer.json()["tasks"]:
            self._watch(session, person, task["id"])
        query = "".join(f"&ids={one}" for one in ids)
        path = f"/drafts?status=published{query}"
        found = self._api(session, person, "GET", path, wanted={_OK}).json()["drafts"]
        if {one["id"] for one in found} != set(ids):
            self.broken.append(f"{person.name} published {ids}, and {found} are published")
        if words not in person.home.texts():
            self.broken.append(f"{person.name} published “{words}”, which isn't on the server")
        with self._lock:
            self.published += len(found)

    def _api(
        self,
        session: requests.Session,
        person: Person,
        method: str,
        path: str,
        *,
        wanted: set[int],
        json: Any = None,
        key: str = "",
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens[person.name]}"}
        if key:
            headers["Idempotency-Key"] = key
        return self._call(
            session, method, f"/api/v1{path}", wanted=wanted, json=json, headers=headers
        )

    def _call(
        self, session: requests.Session, method: str, path: str, *, wanted: set[int], **options: Any
    ) -> requests.Response:
        """Make a call, again when nobody answers or the service says that it can't.

        Raises:
            AssertionError: the answer is another one than wanted.
        """
        what = f"{method} {_route(path)}"
        until = time.monotonic() + GIVE_UP_S
        while True:
            answer = self._once(
                what, lambda: session.request(method, self.url + path, timeout=ANSWER_S, **options)
            )
            if answer is not None and answer.status_code < _SERVER_ERROR:
                break
            assert time.monotonic() < until, f"{what} was never answered"
            time.sleep(AGAIN_S)
        status = answer.status_code
        assert status in wanted, f"{what} was answered with {status}: {answer.text[:300]}"
        return answer

    def _once(self, what: str, ask: Callable[[], requests.Response]) -> requests.Response | None:
        at, began = time.time(), time.monotonic()
        answer, status, said = None, 0, ""
        try:
            answer = ask()
            status = answer.status_code
            said = answer.text[:200] if status >= _SERVER_ERROR else ""
        except requests.RequestException as error:
            said = repr(error)
        with self._lock:
            self.calls.append(Call(at, time.monotonic() - began, what, status, said))
        return answer


def _route(path: str) -> str:
    """Return a path without what differs from call to call."""
    return re.sub(r"/(\d+|[\da-f]{8}-[\da-f-]{27})", "/…", path.partition("?")[0])
