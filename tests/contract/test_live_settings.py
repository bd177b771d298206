"""Settings that change while all runs: by page, REST API and command, in every process."""

from __future__ import annotations

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests import support_web
from tests.contract.test_worker_administration import long_ago, running
from tests.support_web import Caller, Web

from altwright import bootstrap
from altwright.config import Settings
from altwright.db import migrate
from altwright.db.session import Database, make_engine
from altwright.domain.caption import Role
from altwright.domain.task import Priority
from altwright.domain.user import UserRef
from altwright.errors import DatabaseUnavailable, InvalidInput
from altwright.tasks.audit_log import Audit
from altwright.tasks.cluster.live_settings import CHANGED, NAMES, ROW, LiveSettings

web = support_web.web
API, PAGE = "/api/v1/admin/settings", "/admin/settings"


def post(who: Caller, path: str, **form: str) -> str:
    """Send a form as its page would, follow, and return the page that comes."""
    data = {"csrf_token": who.headers["X-CSRFToken"], **form}
    return who.post(path, data=data, follow_redirects=True).text


def shown(who: Caller, name: str) -> dict[str, Any]:
    """Return a setting as the API shows it."""
    answer = who.get(API)
    assert answer.status_code == 200
    return next(one for one in answer.get_json()["settings"] if one["name"] == name)


@pytest.fixture
def other(web: Web) -> Any:
    """Return another process of the same service."""
    services = bootstrap.build(web.services.settings)
    yield services
    services.close()


def test_every_name_is_a_setting() -> None:
    """A name that is no field would be found when somebody looks at the page only."""
    assert Settings.model_fields.keys() >= NAMES


@pytest.mark.req("8.2", "change while it runs")
def test_a_change_counts_in_another_process(web: Web, other: bootstrap.Services) -> None:
    """Each reader goes by it once that process has looked, and by the environment's again."""
    root = web.by_session(web.root)
    changes = {
        "RQ_MAX_RETRIES": 7,
        "DISPATCH_WINDOW": 12,
        "ALERT_BACKLOG_TASKS": 5,
        "TASK_RETENTION_DAYS": 3,
        "DESCRIBER": "ollama",
        "OLLAMA_MODEL": "moondream",
    }
    answer = root.call("PATCH", API, json=changes)
    assert answer.status_code == 200, answer.text
    assert shown(root, "RQ_MAX_RETRIES") | {"description": ""} == {
        "name": "RQ_MAX_RETRIES",
        "value": 7,
        "origin": "page",
        "environment": 3,
        "default": 3,
        "group": "Tasks",
        "description": "",
    }
    other.live.follow()
    assert other.queue.max_retries == 7
    assert other.queue.jobs.window == 12
    assert other.describer.model == "moondream"
    assert other.live.current.alert_backlog_tasks == 5
    root.call("PATCH", API, json=dict.fromkeys(changes))
    other.live.follow()
    assert other.queue.max_retries == 3
    assert other.queue.jobs.window == 1000
    assert other.describer.name == "offline"
    assert shown(root, "RQ_MAX_RETRIES")["origin"] == "default"


def test_the_page_shows_who_is_asked_and_what_they_can(web: Web) -> None:
    """In their order; a fallback that lacks its settings is refused, and none is a choice."""
    change = web.services.live.change
    change({"DESCRIBER": "ollama", "DESCRIBER_FALLBACKS": " Offline,"}, by=web.root.ref)
    assert list(web.services.live.current.describers) == ["ollama", "offline"]
    page = web.by_session(web.root).get(PAGE).text
    asked = re.findall(r"<li><strong>(\w+)</strong> \(", page)
    assert asked == ["ollama", "offline"]
    assert "The built-in describer knows English only" in page
    for wrong in ("gpt", "openai", "offline,none", "offline,ollama", "offline,offline"):
        with pytest.raises(InvalidInput):
            change({"DESCRIBER_FALLBACKS": wrong}, by=web.root.ref)
    change({"DESCRIBER_FALLBACKS": "none"}, by=web.root.ref)
    assert list(web.services.live.current.describers) == ["ollama"]


def test_how_long_a_task_may_stand_still_counts_on_pages_too(web: Web) -> None:
    """What pages call stuck is what the alert calls so."""
    task = running(web)
    long_ago(web, task["id"])
    found = web.services.worker_administration.running_task
    assert found(task["id"]).is_stuck  # type: ignore[union-attr]
    web.services.live.change({"ALERT_STUCK_TASK": 7200}, by=web.root.ref)
    assert not found(task["id"]).is_stuck  # type: ignore[union-attr]


def test_new_tasks_begin_with_the_retries_that_count_now(web: Web) -> None:
    """As they are submitted."""
    web.services.live.change({"RQ_MAX_RETRIES": 0}, by=web.root.ref)
    assert web.services.store.get(web.submit()["id"], None).max_retries == 0


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("ALERT_QUIET_HOURS", "at night", "should be like"),
        ("ALERT_FAILURE_SHARE", 1.5, "should be 1 or less"),
        ("ALERT_FAILURE_SHARE", "NaN", "should be"),
        ("DESCRIBER", "gpt", "should be 'offline', 'model', 'ollama' or 'openai'"),
        ("DESCRIBER", "openai", "missing"),
        ("OLLAMA_MODEL", "a\0b", "printable"),
        ("OLLAMA_MODEL", "m" * 256, "printable"),
        ("REDIS_URL", "redis://elsewhere", "can't be changed while all runs"),
        ("RQ_MAX_RETRYS", 3, "is no setting"),
        ("RQ_MAX_RETRIES", "many", "should be a whole number"),
        ("RQ_MAX_RETRIES", 21, "should be 20 or less"),
        ("TASK_SLICE", 7, "should be 60 or more"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(
    web: Web, name: str, value: object, fault: str
) -> None:
    """Bounds, kinds and what has to go together are those of the environment's settings."""
    root = web.by_session(web.root)
    answer = root.call("PATCH", API, json={name: value, "DISPATCH_WINDOW": 50})
    assert answer.status_code == 422
    assert fault in str(answer.get_json()["fields"])
    assert shown(root, "DISPATCH_WINDOW")["value"] == 1000
    assert web.services.audit.recent() == []


@pytest.mark.req("7.5", "audit log")
def test_the_page_changes_and_sets_back(web: Web) -> None:
    """With a form for each group; the history says who changed what from where."""
    root = web.by_session(web.root)
    page = post(root, PAGE, RQ_MAX_RETRIES="5", TASK_SLICE="300", RQ_RETRY_BASE_DELAY="60")
    assert "1 setting changed, in every process within 2 seconds: RQ_MAX_RETRIES." in page
    assert re.search(r'id="RQ_MAX_RETRIES" name="RQ_MAX_RETRIES" value="5"', page)
    assert "Back to 3" in page
    [entry] = web.services.audit.recent()
    assert (entry.action, entry.subject) == ("setting changed", "RQ_MAX_RETRIES")
    assert (entry.before, entry.after) == ("3", "5")
    assert (entry.actor, entry.address) == ("root", "127.0.0.1")
    assert "1 setting changed" in post(root, f"{PAGE}/reset", name="RQ_MAX_RETRIES")
    assert "Nothing was changed." in post(root, PAGE, RQ_MAX_RETRIES="3")
    assert "Back to 3" not in root.get(PAGE).text
    refused = post(root, PAGE, RQ_MAX_RETRIES="99")
    assert 'value="99"' in refused
    assert "Should be 20 or less." in refused


def test_an_empty_field_is_the_environments_again(web: Web) -> None:
    """As an empty variable is none."""
    root = web.by_session(web.root)
    post(root, PAGE, OLLAMA_MODEL="moondream")
    post(root, PAGE, OLLAMA_MODEL="")
    assert shown(root, "OLLAMA_MODEL")["value"] == "llava:7b"


def test_what_a_form_left_as_it_was_stays_somebody_elses_change(web: Web) -> None:
    """Two administrators with the same page open don't undo each other's changes."""
    root = web.by_session(web.root)
    post(root, PAGE, RQ_MAX_RETRIES="5")
    form = {"was:RQ_MAX_RETRIES": "3", "RQ_MAX_RETRIES": "3"}
    post(root, PAGE, **form, TASK_SLICE="90", **{"was:TASK_SLICE": "300"})
    assert shown(root, "RQ_MAX_RETRIES")["value"] == 5
    assert shown(root, "TASK_SLICE")["value"] == 90


def test_moderators_see_and_change_nothing(web: Web) -> None:
    """The page has no button for them, and their requests are refused."""
    mona = web.services.users.create("mona", support_web.PASSWORD, role=Role.MODERATOR)
    who = web.by_session(mona)
    page = who.get(PAGE).text
    assert "RQ_MAX_RETRIES" in page
    assert ">Save" not in page
    assert who.call("PATCH", API, json={"RQ_MAX_RETRIES": 1}).status_code == 403


@pytest.mark.req("8.5", "per priority")
def test_limits_of_priorities_are_changed_there_too(web: Web) -> None:
    """They have one form; nonsense changes nothing."""
    root, limits = web.by_session(web.root), web.services.engine.limits
    assert "limits hold now" in post(root, f"{PAGE}/limits", most_low="2", kept_urgent="1")
    assert limits.current().most == {Priority.LOW: 2}
    assert limits.current().kept == {Priority.URGENT: 1}
    assert "whole number from 0 to 1000" in post(root, f"{PAGE}/limits", most_low="-1")
    assert limits.current().most == {Priority.LOW: 2}
    assert "environment again" in post(root, f"{PAGE}/limits", reset="yes")
    assert not limits.current()


def test_what_cant_be_used_is_told_and_ignored(
    web: Web, other: bootstrap.Services, caplog: pytest.LogCaptureFixture
) -> None:
    """Another version's settings stay for it; a damaged row is no row."""
    state, root = web.services.engine.state, web.by_session(web.root)
    kept = {"from_tomorrow": 1, "rq_max_retries": "lots", "dispatch_window": 9, "describer": 1}
    state.set(ROW, kept)
    with caplog.at_level(logging.ERROR):
        other.live.follow()
    assert other.queue.jobs.window == 9
    assert other.queue.max_retries == 3
    assert "RQ_MAX_RETRIES that was set while all runs is ignored" in caplog.text
    web.services.live.follow()
    assert "FROM_TOMORROW: isn" in root.get(PAGE).text
    root.call("PATCH", API, json={"DISPATCH_WINDOW": 10})
    assert state.get(ROW) == kept | {"dispatch_window": 10}
    odds: tuple[Any, ...] = (7, [], {"task_slice": 1})
    for odd in odds:
        state.set(ROW, odd)
        other.live.follow()
        assert other.queue.jobs.window == 1000


def test_what_the_environment_no_longer_goes_with_is_ignored(web: Web) -> None:
    """OPENAI_BASE_URL was there when it was set."""
    with pytest.raises(InvalidInput):
        web.services.live.change({"DESCRIBER": "openai", "OPENAI_MODEL": "gpt"}, by=web.root.ref)
    web.services.engine.state.set(ROW, {"describer": "openai", "dispatch_window": 9})
    web.services.live.follow()
    assert web.services.live.current.describer == "offline"
    assert "DESCRIBER" in web.services.live.ignored


def test_check_asks_the_describer_that_counts(web: Web) -> None:
    """Not the one of the environment."""
    web.services.live.change({"DESCRIBER": "ollama"}, by=web.root.ref)
    done = web.command("check", "--json", OLLAMA_URL="http://127.0.0.1:9")
    [row] = [one for one in json.loads(done.stdout) if one["what"] == "DESCRIBER"]
    assert row["found"].startswith("Ollama can't be reached")


@pytest.mark.every_database
def test_changes_at_the_same_time_are_all_kept(database: Database) -> None:
    """Each administrator's own setting, though they share one row."""
    root = UserRef(1, "root", is_admin=True)
    processes = [
        LiveSettings(database, Settings(_env_file=None), lambda _: None)  # type: ignore[call-arg]
        for _ in range(4)
    ]
    names = ["RQ_MAX_RETRIES", "DISPATCH_WINDOW", "ALERT_DEAD_LETTERS", "TASK_RETENTION_DAYS"]
    wanted = dict.fromkeys(names, 7)
    with ThreadPoolExecutor(len(names)) as pool:
        changes = [
            pool.submit(one.change, {name: 7}, by=root)
            for one, name in zip(processes, names, strict=True)
        ]
        assert [change.result() for change in changes] == [[name] for name in names]
    for one in processes:
        one.follow()
        assert {each.name: each.value for each in one.all() if each.origin == "page"} == wanted
    assert len(Audit(database).recent(actor="root", action=CHANGED)) == len(names)


def test_while_the_database_is_away_what_was_known_counts(tmp_path: Path) -> None:
    """Nothing goes back to the environment's value for an outage."""
    path = tmp_path / "some.db"
    database = Database(make_engine(f"sqlite:///{path}"))
    migrate.upgrade(database.engine)
    adopted: list[Settings] = []
    live = LiveSettings(database, Settings(_env_file=None), adopted.append)  # type: ignore[call-arg]
    live.change({"RQ_MAX_RETRIES": 7}, by=UserRef(1, "root", is_admin=True))
    database.close()
    path.unlink()
    path.mkdir()
    with pytest.raises(DatabaseUnavailable):
        live.follow()
    assert live.current.rq_max_retries == 7
    assert len(adopted) == 1
