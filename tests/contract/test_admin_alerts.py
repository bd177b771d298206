"""Alerts where administrators are: page, REST API and command line, with a trial that is sent."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests import support_web
from tests.contract.test_admin_pages import post
from tests.servers import RedisServer
from tests.support_engine import ROOT, at_once
from tests.support_sinks import WebSink, an_alert, web_sink
from tests.support_web import Web, make_settings, make_web

from altwright import config
from altwright.bootstrap import channels_of
from altwright.db.session import Database
from altwright.db.task_tables import AlertRow, NoticeRow
from altwright.domain.quiet_hours import CHANNELS, QuietHours, QuietTimes
from altwright.errors import Conflict
from altwright.tasks.alerting.alerts import RAISED, REPEATED, RESOLVED, AlertBook
from altwright.tasks.alerting.notifications import Ntfy, Slack, line, what_to_do
from altwright.tasks.alerting.rules import REPEAT_S, Finding, Severity

web = support_web.web
DOWN = Finding("redis_down", Severity.CRITICAL, "Redis is away.")
OLD = Finding("backlog_old", Severity.WARNING, "The oldest task has waited for long.")


@pytest.fixture
def sink() -> Iterator[WebSink]:
    """Return a web server that alerts are sent to."""
    with web_sink() as made:
        yield made


@pytest.fixture
def told(tmp_path: Path, valkey: RedisServer, sink: WebSink) -> Iterator[Web]:
    """Return an application with two channels, of which one is nobody's."""
    made = make_web(
        make_settings(
            tmp_path,
            valkey.url,
            RQ_ALERT_WEBHOOK_URL=sink.url,
            ALERT_NTFY_URL="http://127.0.0.1:1/topic",
        )
    )
    yield made
    made.services.health.client.close()
    made.services.database.close()


@pytest.mark.req("7.4", "shown")
def test_alerts_are_shown(web: Web) -> None:
    """Those that are open and those that are over, with what they said; by what they are like."""
    root, book = web.by_session(web.root), web.services.alerts
    assert "None yet" in root.get("/admin/alerts").text
    book.raise_(DOWN)
    page = root.get("/admin/alerts").text
    assert "Redis is away." in page.partition('id="over-title"')[0]
    assert "<code>altwright redis use</code>" in page
    assert book.resolve("redis_down")
    book.raise_(OLD)
    book.resolve("backlog_old")
    page = root.get("/admin/alerts").text
    assert "No open alerts" in page
    assert "Redis is away." in page.partition('id="over-title"')[2]
    for query, found in (
        ("name=redis_down", {"redis_down"}),
        ("severity=warning", {"backlog_old"}),
        ("severity=odd", set()),
        ("name=odd", set()),
    ):
        page = root.get(f"/admin/alerts?{query}").text
        assert set(re.findall(r'<th scope="row">(\w+)', page)) == found, query
        assert ("There is no severity “odd”" in page) == (query == "severity=odd")
    assert "None is like that" in page
    assert "in the log only" in page


def test_alerts_are_paged(web: Web) -> None:
    """Each page begins where the one before ended, and keeps the filter."""
    root, book = web.by_session(web.root), web.services.alerts
    for _ in range(51):
        book.raise_(DOWN)
        book.resolve(DOWN.name)
    first = root.get("/admin/alerts?name=redis_down").text
    assert first.count('<th scope="row">') == 50
    [older] = re.findall(r'href="([^"]*after=[^"]*)"', first)
    second = root.get(html.unescape(older)).text
    assert "name=redis_down" in older
    assert second.count('<th scope="row">') == 1
    assert "Newest alerts" in second


def test_a_trial_is_sent_from_page_api_and_command(told: Web, sink: WebSink) -> None:
    """Each says by channel how it went, and is in the audit log."""
    root = told.by_session(told.root)
    page = post(root, "/admin/alerts/test")
    assert "webhook: sent." in page
    assert "ntfy: not sent: ConnectionError." in page
    answer = told.by_token(told.root).post("/api/v1/admin/alerts/test")
    assert answer.get_json() == {"problems": {"ntfy": "ConnectionError", "webhook": ""}}
    done = told.command("alert", "test", RQ_ALERT_WEBHOOK_URL=sink.url)
    assert (done.returncode, done.stdout) == (0, "webhook: sent\n")
    assert [one["alert"]["name"] for one in sink.posted] == ["trial"] * 3
    entries = told.services.audit.recent(action="alert tested")
    assert [one.actor for one in entries] == ["command line", "root", "root"]
    assert entries[-1].detail == "ntfy: ConnectionError, webhook: sent"


def test_a_trial_without_a_channel_says_so(web: Web) -> None:
    """No button, and a request without one gets an answer."""
    root = web.by_session(web.root)
    assert "Send a trial" not in root.get("/admin/alerts").text
    assert "No channel is configured" in post(root, "/admin/alerts/test")


def test_the_api_lists_them(web: Web) -> None:
    """With the same filters, page by page."""
    root, book = web.by_token(web.root), web.services.alerts
    for finding in (DOWN, OLD):
        book.raise_(finding)
    book.resolve(OLD.name)
    for query, found in (
        ("", ["backlog_old", "redis_down"]),
        ("?open=true", ["redis_down"]),
        ("?open=false", ["backlog_old"]),
        ("?severity=critical", ["redis_down"]),
        ("?name=backlog_old", ["backlog_old"]),
        ("?limit=1", ["backlog_old"]),
    ):
        alerts = root.get(f"/api/v1/admin/alerts{query}").get_json()["alerts"]
        assert [one["name"] for one in alerts] == found, query
    before = root.get(f"/api/v1/admin/alerts?before={alerts[0]['id']}").get_json()["alerts"]
    assert [one["name"] for one in before] == ["redis_down"]
    assert root.get("/api/v1/admin/alerts?odd=1").status_code == 422


def test_the_command_lists_them(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are open, or all, by rule and severity."""
    for finding in (DOWN, OLD):
        web.services.alerts.raise_(finding)
    web.services.alerts.resolve(OLD.name)
    for options, found in (
        ((), ["redis_down"]),
        (("--all",), ["backlog_old", "redis_down"]),
        (("--all", "--severity", "warning"), ["backlog_old"]),
        (("--name", "backlog_old"), []),
    ):
        done = web.command("alert", "list", "--json", *options)
        assert [one["name"] for one in json.loads(done.stdout)] == found, options


def test_phones_and_chats_get_what_they_show(sink: WebSink) -> None:
    """ntfy: a title, a priority that wakes; Slack: a text with nothing that begins markup."""
    Ntfy(sink.url, "tk_secret").send(RAISED, an_alert(DOWN.severity, "Redis is äway."))
    Ntfy(sink.url).send(RESOLVED, an_alert(DOWN.severity, "x."))
    (first, body), (second, _) = sink.taken
    assert (first["Title"], first["Priority"]) == ("[Altwright] raised: something", "5")
    assert first["Authorization"] == "Bearer tk_secret"
    assert body.decode().startswith("Redis is äway.\nWhat to do: docs/how-to/alerts.md#")
    assert (second["Priority"], second["Authorization"]) == ("3", None)
    Slack(sink.url).send(RAISED, an_alert(DOWN.severity, "<!channel> & more."))
    assert sink.posted[0].keys() == {"text"}
    known = replace(an_alert(), name="redis_down")
    assert "name another one with `altwright redis use`" in what_to_do(known)
    assert "&lt;!channel&gt; &amp; more." in sink.posted[0]["text"]


def notices(database: Database) -> list[tuple[str, float]]:
    """Return what is to be sent, and in how many seconds."""
    now = datetime.now(UTC)
    with database.read() as session:
        rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id))
        return [(row.event, round((row.due_at - now).total_seconds(), -2)) for row in rows]


@pytest.mark.every_database
def test_warnings_wait_in_quiet_hours_and_what_is_critical_does_not(database: Database) -> None:
    """A warning that is over by then is one message; the hours are told once they end."""
    book = AlertBook(database, ("webhook",), quiet_s=lambda _: 3600.0)
    book.raise_(DOWN)
    book.raise_(OLD)
    assert notices(database) == [(RAISED, 0.0), (RAISED, 3600.0)]
    book.resolve(OLD.name)
    book.resolve(DOWN.name)
    assert notices(database) == [(RAISED, 0.0), (RESOLVED, 3600.0), (RESOLVED, 0.0)]


def test_quiet_hours_go_by_the_clocks_of_their_place() -> None:
    """Past midnight, on the night that clocks are put forward, and outside."""
    berlin = QuietHours.read("22:00-07:00 Europe/Berlin")
    summer = datetime(2026, 7, 1, 20, 30, tzinfo=UTC)  # 22:30 there
    assert berlin.left_s(summer) == 8.5 * 3600
    assert berlin.left_s(summer - timedelta(hours=1)) == 0
    before_the_change = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # midnight; 2:00 becomes 3:00
    assert berlin.left_s(before_the_change) == 6 * 3600
    at_noon = QuietHours.read("12:00-13:00")
    assert at_noon.left_s(datetime(2026, 7, 1, 12, 0, tzinfo=UTC)) == 3600
    assert at_noon.left_s(datetime(2026, 7, 1, 13, 0, tzinfo=UTC)) == 0


@pytest.mark.every_database
def test_each_channel_may_have_quiet_hours_of_its_own(database: Database) -> None:
    """What wakes nobody is sent at once; what was held back and is over is one message there."""
    quiet = {"mail": 0.0, "ntfy": 3600.0}
    book = AlertBook(database, tuple(quiet), quiet_s=quiet.__getitem__)
    book.raise_(OLD)
    assert notices(database) == [(RAISED, 0.0), (RAISED, 3600.0)]
    book.resolve(OLD.name)
    assert notices(database) == [(RAISED, 0.0), (RESOLVED, 0.0), (RESOLVED, 3600.0)]


def test_quiet_times_name_channels() -> None:
    """Those without a name are for the others; nothing means never."""
    at = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)

    def left(text: str) -> list[float]:
        times = QuietTimes.read(text)
        return [times.left_s(channel, at) / 3600 for channel in CHANNELS]

    assert left(" ") == left("never") == [0, 0, 0, 0]
    assert left("20:00-22:00") == [1, 1, 1, 1]
    assert left("20:00-22:00, mail = never,slack=21:00-00:00") == [0, 1, 3, 1]
    assert left("ntfy=23:00-02:00 Europe/Berlin") == [0, 3, 0, 0]


def test_the_channels_that_may_have_quiet_hours_are_those_there_are() -> None:
    """Whoever adds one names it there, too."""
    settings = config.load(
        RQ_ALERT_WEBHOOK_URL="http://h.example",
        ALERT_SLACK_URL="http://h.example",
        ALERT_NTFY_URL="http://h.example/t",
        ALERT_EMAIL_TO="a@b.example",
        SMTP_URL="smtp://h.example",
        _ENV_FILE=None,
    )
    assert tuple(sorted(channels_of(settings))) == CHANNELS


@pytest.mark.parametrize(
    "text", ["22-7", "25:00-07:00", "22:00-22:00", "22:00-07:00 Nowhere/Here", "1:00-02:00 ../x"]
)
def test_quiet_hours_that_are_none_are_refused(text: str) -> None:
    """In a sentence that shows how they are written; so are they for a channel that is none."""
    for words in (text, f"mail={text}", f"21:00-22:00, {text}"):
        with pytest.raises(ValueError, match="should be like 22:00-07:00 Europe/Berlin"):
            QuietTimes.read(words)
    for words in ("phone=20:00-21:00", "=20:00-21:00"):
        with pytest.raises(ValueError, match="none of mail, ntfy, slack, webhook"):
            QuietTimes.read(words)


def opened(web: Web) -> int:
    """Raise an alert; return its id."""
    web.services.alerts.raise_(DOWN)
    return web.services.alerts.open()[0].id


@pytest.mark.req("7.5", "audit log")
def test_somebody_looks_after_an_alert(web: Web) -> None:
    """Once, with a word; it stays open, says who, and the audit log does, too."""
    root = web.by_session(web.root)
    number = opened(web)
    assert 'maxlength="500"' in root.get("/admin/alerts").text
    page = post(root, f"/admin/alerts/{number}/acknowledge", why="The host is\nrestarting.")
    assert "You look after redis_down" in page
    assert re.search(r"root looks after it since .*: The host is restarting\.", page, re.DOTALL)
    assert "I look after it" not in page
    page = post(root, f"/admin/alerts/{number}/acknowledge")
    assert "Nothing was done: This alert is over or acknowledged. root has" in page
    [entry] = web.services.audit.recent()
    assert (entry.actor, entry.action, entry.subject, entry.detail, entry.address) == (
        "root",
        "alert acknowledged",
        "redis_down",
        "The host is restarting.",
        "127.0.0.1",
    )
    assert root.post("/admin/alerts/99/acknowledge").status_code == 404


def test_the_api_and_the_command_acknowledge(web: Web) -> None:
    """The same, with the same refusals."""
    root, number = web.by_token(web.root), opened(web)
    path = f"/api/v1/admin/alerts/{number}/acknowledge"
    assert web.by_token(web.anna).post(path, json={}).status_code == 403
    assert root.post(path, json={"why": "x" * 501}).status_code == 422
    answer = root.post(path, json={"why": "known"}).get_json()
    assert (answer["acknowledged_by"], answer["acknowledged_why"]) == ("root", "known")
    assert answer["acknowledged_at"]
    assert root.post(path, json={}).status_code == 409
    done = web.command("alert", "acknowledge", str(number))
    assert done.returncode != 0
    assert "root has acknowledged it" in done.stderr
    web.services.alerts.resolve(DOWN.name)
    done = web.command("alert", "acknowledge", str(opened(web)), "--why", "known")
    assert done.stdout == "redis_down: acknowledged; it isn't told again.\n"
    assert web.services.alerts.open()[0].acknowledged_by == "command line"


@pytest.mark.every_database
def test_what_nobody_looks_after_is_told_again(database: Database) -> None:
    """What is critical after four hours, a warning after a day; once acknowledged, no more."""
    book = AlertBook(database, ("webhook",))
    book.raise_(DOWN)
    book.raise_(OLD)
    assert book.repeat() == 0
    told_before(database, REPEAT_S[Severity.CRITICAL])
    assert (book.repeat(), book.repeat()) == (1, 0)
    told_before(database, REPEAT_S[Severity.WARNING])
    assert (book.repeat(), book.repeat()) == (2, 0)
    down, old = book.open()
    assert [event for event, _ in notices(database)] == [RAISED, RAISED, *[REPEATED] * 3]
    book.acknowledge(down.id, by=ROOT)
    told_before(database, REPEAT_S[Severity.WARNING])
    assert book.repeat() == 1
    assert [event for event, _ in notices(database)] == [RAISED, REPEATED, REPEATED]
    book.resolve(OLD.name)
    assert line(REPEATED, old) == f"Still: {OLD.message}"
    with pytest.raises(Conflict):
        book.acknowledge(old.id, by=ROOT)


@pytest.mark.every_database
def test_of_two_that_repeat_one_does(database: Database) -> None:
    """One notice, however many look."""
    book = AlertBook(database, ("webhook",))
    book.raise_(DOWN)
    told_before(database, REPEAT_S[Severity.CRITICAL])
    assert sum(at_once(4, lambda _: book.repeat())) == 1


def told_before(database: Database, seconds: float) -> None:
    """Let time pass for what was told."""
    with database.write() as session:
        for row in session.scalars(select(AlertRow)):
            row.told_at = (row.told_at or row.raised_at) - timedelta(seconds=seconds + 1)
