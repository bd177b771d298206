"""docs/requirements.md: what is required, which module holds it, which tests prove it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MARK = re.compile(r'mark\.req\(((?:"[\d.]+"(?:, )?)+)\)')

#: Number → what must hold, and the modules (below src/altwright) that hold it.
REQUIRED = {
    "1.1": ("RQ works on the Redis that the rest of the app uses", "tasks/queue_manager.py"),
    "1.2": ("Four queues: urgent, high, normal, low", "domain/task.py"),
    "1.3": ("Connecting verifies the server and logs what it found", "tasks/rq/circuit_breaker.py"),
    "1.4": ("Redis away: the service goes on with the database", "tasks/queue_manager.py"),
    "1.5": ("A worker listens to its queues in priority order", "workers/integrated.py"),
    "2.1": ("A task goes to the queue of its priority", "tasks/queue_manager.py"),
    "2.2": ("Strict order, first in first out, fair between users", "tasks/store/claims.py"),
    "2.3": ("An administrator's task is high unless they say otherwise", "tasks/submission.py"),
    "2.4": ("A user's task is normal; no more than the role allows", "tasks/submission.py"),
    "2.5": ("System maintenance tasks are urgent", "tasks/task_kind.py"),
    "2.6": ("An unknown priority becomes normal; the REST API answers 422", "domain/task.py"),
    "3.1": ("Worker modes integrated, external, hybrid, off", "workers/manager.py"),
    "3.2": ("Submitting answers within 10 ms", "tasks/queue_manager.py"),
    "3.3": ("A Gunicorn reload, restart or recycle loses and doubles nothing", "wsgi.py"),
    "3.4": ("A stop lets work finish for a time, then hands it back", "workers/manager.py"),
    "3.5": ("No task is ever worked on by two workers at a time", "tasks/store/claims.py"),
    "3.6": ("A task runs inside a Flask app context", "workers/sessions.py"),
    "4.1": ("Tasks queued in the database move to RQ", "tasks/execution/dispatcher.py"),
    "4.2": (
        "Priority, user, settings, id, age and retries survive the move",
        "tasks/execution/dispatcher.py",
    ),
    "4.3": ("One active task per user, checked in Redis first", "tasks/rq/user_task_tracker.py"),
    "4.4": ("Both paths update the same rows; ids can't be guessed", "tasks/submission.py"),
    "4.5": ("Database workers and RQ workers run side by side", "workers/integrated.py"),
    "4.6": ("A second submit is refused, also 100 at once", "tasks/store/task_store.py"),
    "5.1": ("Progress reaches the browser over WebSocket", "web/realtime/threaded.py"),
    "5.2": ("Progress is kept in the database", "progress.py"),
    "5.3": ("A page that reconnects shows the current state at once", "web/realtime/threaded.py"),
    "5.4": ("A user sees their own tasks only", "tasks/store/task_store.py"),
    "5.5": ("The end is always pushed", "progress.py"),
    "6.1": ("A failed task is retried 3 times: at once, 1, 4, 16 minutes", "domain/retries.py"),
    "6.2": (
        "Retries used up: failed, a dead letter that can be requeued",
        "tasks/store/task_store.py",
    ),
    "6.3": (
        "A crashed worker's task goes on from its last finished item",
        "tasks/execution/dispatcher.py",
    ),
    "6.4": (
        "Redis gone: noticed and replaced (within 2 s: `make bench`)",
        "tasks/rq/circuit_breaker.py",
    ),
    "6.5": (
        "Redis back, also empty: tasks go back to RQ (within 5 s: `make bench`)",
        "tasks/execution/dispatcher.py",
    ),
    "6.6": ("Errors are stored with a category; sessions close", "tasks/execution/runner.py"),
    "6.7": ("Redis near its memory limit: alert, purge, tasks wait", "tasks/rq/circuit_breaker.py"),
    "6.8": ("Worker threads leak no database connection", "workers/sessions.py"),
    "7.1": ("Pending, running, failed, completed, by priority", "tasks/store/task_store.py"),
    "7.2": ("Times, success rate, throughput, workers, as charts", ""),
    "7.3": ("Database tasks and RQ tasks in one list", "tasks/store/task_store.py"),
    "7.4": ("Alerts: raised once, shown, sent, resolved", "tasks/alerting/alerts.py"),
    "7.5": ("Pause, resume, clear; manage workers and tasks; audit log", "tasks/queue_manager.py"),
    "8.1": ("Environment variables, checked at the start, named when wrong", "config.py"),
    "8.2": ("Queue settings change while it runs, in every process", "tasks/queue_manager.py"),
    "8.3": ("Profiles: development, staging, production", "config.py"),
    "8.4": ("A changed Redis address is taken up without a restart", "tasks/rq/client.py"),
    "8.5": ("Concurrency per priority", "tasks/store/claims.py"),
    "9.1": ("See 3.2", "tasks/queue_manager.py"),
    "9.2": ("A worker process over its memory limit is replaced", "workers/manager.py"),
    "9.3": ("Workers scale with the backlog", "processes/autoscale.py"),
    "9.4": ("Nothing grows with the number of finished tasks", "tasks/store/pending.py"),
    "9.5": ("Under load, tasks go before statistics", "tasks/alerting/monitor.py"),
    "10.1": ("The captioning workflow is the same in every mode", "captions/tasks/generation.py"),
    "10.2": ("So is the web page", "web/pages/views.py"),
    "10.3": ("API answers have one documented, versioned shape", "web/api/blueprint.py"),
    "10.4": ("A command says whether old workers may be switched off", ""),
    "10.5": ("One command goes back to database-only", ""),
    "11.1": ("See 4.4", "tasks/submission.py"),
    "11.2": ("What is sensitive is encrypted; keys rotate", "crypto.py"),
    "11.3": ("See 6.7", "tasks/rq/circuit_breaker.py"),
    "11.4": ("Old data is purged by age, references kept", "tasks/maintenance/pruning.py"),
    "11.5": ("Workers use their own database login where configured", ""),
    "11.6": ("Error texts carry no secret, path, address or stack", "errors.py"),
}


def proofs() -> dict[str, list[str]]:
    """Return the test files that are marked as proving each number."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for arguments in MARK.findall(path.read_text()):
            for number in re.findall(r"[\d.]+", arguments):
                found[number].add(str(path.relative_to(ROOT)))
    return {number: sorted(paths) for number, paths in found.items()}


def page() -> Iterator[str]:
    """Yield the page's lines."""
    shown = proofs()
    yield "# Requirements"
    yield ""
    yield "Each row's tests are marked with its number (`@pytest.mark.req`); `make test` fails if a"
    yield "row here was proved by no test that ran and passed. One row alone:"
    yield "`.venv/bin/python -m pytest FILE`. No test asserts on seconds: how soon something"
    yield "happens is measured by the command that its row names. Written by `make docs`."
    yield ""
    yield "| number | what holds | tests | module |"
    yield "|---|---|---|---|"
    for number, (what, module) in REQUIRED.items():
        if number in shown:
            tests = ", ".join(f"`{path}`" for path in shown[number])
            held = f"`{module}`" if module else ""
            yield f"| {number} | {what} | {tests} | {held} |"
    yield ""
    yield "Not shown by a test yet: " + ", ".join(n for n in REQUIRED if n not in shown) + "."
    yield ""
