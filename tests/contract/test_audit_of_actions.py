"""Every action of administrators is in the audit log: each route that changes something."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest
from tests import support_web
from tests.contract.test_worker_administration import long_ago, running, seen
from tests.support_many import KIND, Pretending
from tests.support_web import Web

from altwright.describers.local_models.catalogue import CATALOGUE, MAGIC
from altwright.describers.local_models.folder import ModelFolder
from altwright.domain.task import Priority, Status
from altwright.tasks.alerting.rules import Finding, Severity
from altwright.tasks.store.bulk_changes import BulkAction
from altwright.tasks.store.task_search import TaskFilter

web = support_web.web

WORKER = "here.a.1.1.integrated1"
POOL = {"kind": "pool", "host": "there"}


class Scene:
    """A service with something for every action."""

    def __init__(self, web: Web) -> None:
        """Let there be workers, one of which is at a task for an hour, and an alert."""
        self.web = web
        seen(web)
        self.running = running(web)["id"]
        long_ago(web, self.running)
        web.services.alerts.raise_(Finding("odd", Severity.WARNING, "Something is odd."))
        web.services.users.make_token(web.bert.id, "script")

    @cached_property
    def waiting(self) -> str:
        """Return a task that waits."""
        return self.web.tasks(1)[0]

    @cached_property
    def failed(self) -> str:
        """Return a task that has failed."""
        return self.web.tasks(1, Status.FAILED)[0]

    @cached_property
    def changed(self) -> str:
        """Return a change of priorities that can be taken back."""
        self.web.tasks(1)
        services = self.web.services
        wanted = TaskFilter(kind=KIND)
        administration = services.administration
        selection = administration.selection(BulkAction.PRIORITY, wanted, Priority.LOW)
        task = administration.change_many(selection, why="a test", by=self.web.root.ref)
        administration.pause(Priority.LOW, by=self.web.root.ref)
        assert self.web.work_on(task.id).status is Status.COMPLETED
        return task.id

    def keep_model(self, name: str) -> None:
        """Let there be a model on this host."""
        settings = self.web.services.settings
        file = settings.data_dir / "some.gguf"
        file.write_bytes(MAGIC)
        ModelFolder(settings.vision_models_dir).add(file, file, name, lambda _: None)

    def filled(self, rule: str) -> str:
        """Return the path of a rule, with what it is about."""
        [alert] = self.web.services.alerts.open()
        [token] = self.web.services.users.tokens(self.web.bert.id)
        task = "failed" if rule.endswith("requeue") else "waiting"
        task = "changed" if rule.endswith("undo") else task
        if rule.endswith("/resume"):
            self.web.services.administration.pause(Priority.LOW, by=self.web.anna.ref)
        values: dict[str, Callable[[], Any]] = {
            "<int:alert_id>": lambda: alert.id,
            "<int:token_id>": lambda: token.id,
            "<int:user_id>": lambda: self.web.bert.id,
            "<name>": lambda: "low",
            "<task_id>": lambda: getattr(self, task),
        }
        for name, value in values.items():
            if name in rule:
                rule = rule.replace(name, str(value()))
        return rule


SMALLEST = next(iter(CATALOGUE.values()))
MANY = {"action": "cancel", "kind": KIND, "why": "a test"}
#: What is sent to each route, where that isn't nothing.
BODIES: dict[str, dict[str, Any]] = {
    "POST /admin/alerts/<int:alert_id>/acknowledge": {"why": "seen"},
    "POST /admin/alerts/test": {},
    "POST /admin/models/get": {"name": SMALLEST.name, "revision": SMALLEST.revision},
    "POST /admin/models/ollama/pull": {"name": "llava"},
    "POST /admin/models/ollama/use": {"name": "llava"},
    "POST /admin/models/remove": {"name": "low"},
    "POST /admin/models/use": {"name": "low"},
    "POST /admin/queues/<name>/clear": {},
    "POST /admin/queues/<name>/pause": {},
    "POST /admin/queues/<name>/resume": {},
    "POST /admin/settings": {"RQ_MAX_RETRIES": "7"},
    "POST /admin/settings/limits": {"most_low": "2"},
    "POST /admin/settings/reset": {"name": "RQ_MAX_RETRIES"},
    "POST /admin/tasks/<task_id>/cancel": {},
    "POST /admin/tasks/<task_id>/priority": {"priority": "low"},
    "POST /admin/tasks/<task_id>/requeue": {},
    "POST /admin/tasks/<task_id>/undo": {"why": "a test"},
    "POST /admin/tasks/many": MANY,
    "POST /admin/users": {"username": "carla"},
    "POST /admin/users/<int:user_id>/active": {"active": "no"},
    "POST /admin/users/<int:user_id>/email": {"email": "b@example.org"},
    "POST /admin/users/<int:user_id>/limit": {"runs_per_day": "3"},
    "POST /admin/users/<int:user_id>/password": {},
    "POST /admin/users/<int:user_id>/role": {"role": "moderator"},
    "POST /admin/users/<int:user_id>/sessions/end": {},
    "POST /admin/users/<int:user_id>/tokens/<int:token_id>/revoke": {},
    "POST /admin/workers/reset": POOL,
    "POST /admin/workers/restart": POOL,
    "POST /admin/workers/scale": POOL | {"least": "1", "most": "2"},
    "POST /admin/workers/stack": {"worker": WORKER},
    "POST /admin/workers/stop": POOL,
    "POST /admin/workers/take-over": {"attempt": "1"},
    "DELETE /api/v1/admin/limits": {},
    "DELETE /api/v1/admin/models/<name>": {},
    "POST /api/v1/admin/models": {"name": SMALLEST.name},
    "POST /api/v1/admin/models/<name>/use": {},
    "DELETE /api/v1/admin/users/<int:user_id>/tokens/<int:token_id>": {},
    "PATCH /api/v1/admin/settings": {"RQ_MAX_RETRIES": 7},
    "PATCH /api/v1/admin/users/<int:user_id>": {"is_active": False},
    "PUT /api/v1/admin/limits": {"most": {"low": 2}, "kept": {}},
    "POST /api/v1/admin/alerts/<int:alert_id>/acknowledge": {"why": "seen"},
    "POST /api/v1/admin/alerts/test": {},
    "POST /api/v1/admin/queues/<name>/clear": {},
    "POST /api/v1/admin/queues/<name>/pause": {},
    "POST /api/v1/admin/queues/<name>/resume": {},
    "POST /api/v1/admin/tasks/<task_id>/cancel": {},
    "POST /api/v1/admin/tasks/<task_id>/priority": {"priority": "low"},
    "POST /api/v1/admin/tasks/<task_id>/requeue": {},
    "POST /api/v1/admin/tasks/<task_id>/undo": {"why": "a test"},
    "POST /api/v1/admin/tasks/many": MANY,
    "POST /api/v1/admin/users": {"username": "carla"},
    "POST /api/v1/admin/users/<int:user_id>/password": {},
    "POST /api/v1/admin/users/<int:user_id>/sign-out": {},
    "POST /api/v1/admin/workers/restart": POOL,
    "POST /api/v1/admin/workers/scale": POOL | {"least": 1, "most": 2},
    "POST /api/v1/admin/workers/stack": {"worker_id": WORKER},
    "POST /api/v1/admin/workers/stop": POOL,
    "POST /api/v1/admin/workers/take-over": {"attempt": 1},
}


def test_every_route_that_changes_something_is_below(web: Web) -> None:
    """A new one is added here with what it is sent."""
    there = {
        f"{method} {rule.rule}"
        for rule in web.app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith(("/admin", "/api/v1/admin")) and method not in {"GET", "HEAD"}
        if method != "OPTIONS"
    }
    assert there == BODIES.keys()


@pytest.mark.req("7.5", "audit log")
@pytest.mark.parametrize("action", sorted(BODIES))
def test_every_action_is_in_the_audit_log(
    web: Web, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """With who did it, and from where."""
    monkeypatch.setitem(web.services.engine.kinds, KIND, Pretending(is_mended=True))
    scene = Scene(web)
    method, _, rule = action.partition(" ")
    body = dict(BODIES[action])
    if rule.endswith("/take-over"):
        body["task_id"] = scene.running
    if rule.endswith("/many"):
        assert scene.waiting
    if rule.endswith("/workers/reset"):
        web.services.worker_administration.scale("pool", "there", 1, 1, by=web.anna.ref)
    if rule.endswith("/settings/reset"):
        web.services.live.change({"RQ_MAX_RETRIES": 9}, by=web.anna.ref)
    if "/models" in rule:
        scene.keep_model("low")
    path = scene.filled(rule)
    root = web.by_session(web.root)
    before = {one.id for one in web.services.audit.recent(1000)}
    if rule.startswith("/api"):
        answer = root.call(method, path, json=body)
        assert answer.status_code < 300, answer.text
    else:
        answer = root.post(path, data=body | {"csrf_token": root.headers["X-CSRFToken"]})
        assert answer.status_code == 303, answer.text
    written = [one for one in web.services.audit.recent(1000) if one.id not in before]
    assert written, f"{action} leaves no trace"
    assert {(one.actor, one.address) for one in written} == {("root", "127.0.0.1")}
    assert all(one.action for one in written)
