"""Traces, from a request to the calls of other servers; and what log lines and reports tell."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from tests import support_web
from tests.support_collectors import collecting, reporting
from tests.support_engine import Rig
from tests.support_leaves import serving
from tests.support_models import ModelServerDouble, make
from tests.support_web import Web

from altwright import config, telemetry, tracing
from altwright.errors import ConfigError
from altwright.processes.preparation import configured
from altwright.tasks.task import Item
from altwright.tasks.task_kind import Run

web = support_web.web


@pytest.fixture
def _loggers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_task_has_one_trace_from_submit_to_the_calls_of_servers(rig: Rig) -> None:
    """Attempt, items and HTTP calls lie below the submit, whose trace is the task's id."""
    with serving(ModelServerDouble("ollama").respond) as server:
        describer = make("ollama", server.url)

        def meet(run: Run, item: Item) -> None:
            describer.probe()
            if item.position == 1:
                raise ValueError("a text of a user")

        rig.kind.meet = meet
        with collecting() as traces:
            task = rig.submit()
            rig.drain_database()
    submit = traces.of("submit")
    attempt = traces.of("attempt")
    items = [span for span in traces.spans if span.name == "item"]
    calls = [span for span in traces.spans if span.name == "GET 127.0.0.1"]
    assert submit.trace == task.id.replace("-", "")
    assert (submit.parent, attempt.parent) == ("", submit.id)
    assert submit.facts["kind"] == "counting"
    assert {item.parent for item in items} == {attempt.id}
    assert {item.facts["position"] for item in items} == {0, 1, 2}
    assert {call.parent for call in calls} <= {item.id for item in items}
    told = {"http.request.method": "GET", "server.address": "127.0.0.1"}
    for call in calls:
        assert call.facts == {**told, "http.response.status_code": 200}
    assert calls
    assert {span.trace for span in traces.spans} == {submit.trace}
    assert (attempt.facts["attempt"], attempt.facts["worker"]) == (1, "worker")
    assert set(traces.paths) == {"/v1/traces"}
    assert b"a text of a user" not in traces.raw


def test_a_request_is_linked_to_the_task_that_it_submits(web: Web) -> None:
    """It has a trace of its own, with its route and its answer."""
    with collecting("x-key=s3cret, x-more=1") as traces:
        task = web.submit()
    request = traces.of("POST /api/v1/tasks")
    submit = traces.of("submit")
    assert submit.links == [request.trace]
    assert submit.trace == task["id"].replace("-", "") != request.trace
    assert request.facts["http.response.status_code"] == 202
    assert request.facts["http.route"] == "/api/v1/tasks"
    assert traces.headers[0]["x-key"] == "s3cret"


def test_what_fails_says_its_kind_and_nothing_more() -> None:
    """Messages of errors may hold what users wrote."""
    with (
        collecting() as traces,
        pytest.raises(ValueError, match="a text"),
        tracing.span("outer", known=None),
    ):
        raise ValueError("a text")
    assert traces.of("outer").failed == "ValueError"
    assert b"a text" not in traces.raw


@pytest.mark.usefixtures("_loggers_as_before")
def test_settings_switch_traces_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """By OpenTelemetry's own names; without them nothing is sent, and nothing imported."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    configured()
    assert type(tracing._tracer).__name__ == "_On"  # noqa: SLF001 - nothing else shows it
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    configured()
    assert type(tracing._tracer).__name__ == "_Off"  # noqa: SLF001
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_ENDPOINT: should be an address"):
        config.load(OTEL_EXPORTER_OTLP_ENDPOINT="collector")


@pytest.mark.usefixtures("_loggers_as_before")
@pytest.mark.parametrize("shape", ["json", "console"])
def test_log_lines_say_where_they_come_from(
    rig: Rig, web: Web, capsys: pytest.CaptureFixture[str], shape: str
) -> None:
    """Task, attempt and worker while one works; the request, which its answer names too."""
    telemetry.configure("INFO", shape)
    log = logging.getLogger("altwright.test")
    rig.kind.meet = lambda _run, item: log.info("meets %s", item.position)
    task = rig.submit()
    rig.drain_database()
    log.info("afterwards")

    def speak() -> str:
        log.info("spoken")
        return "x"

    web.app.add_url_rule("/speak", view_func=speak)
    answer = web.anonymous().get("/speak")
    lines = {
        word: line
        for line in capsys.readouterr().err.splitlines()
        for word in ("meets 0", "afterwards", "spoken")
        if word in line
    }
    wanted = {"task": task.id, "attempt": 1, "worker": "worker"}
    request_id = answer.headers["X-Request-ID"]
    if shape == "json":
        assert json.loads(lines["meets 0"]).items() >= wanted.items()
        assert json.loads(lines["afterwards"]).keys().isdisjoint(wanted)
        assert json.loads(lines["spoken"])["request"] == request_id
    else:
        assert all(f"{name}={value}" in lines["meets 0"] for name, value in wanted.items())
        assert "task=" not in lines["afterwards"]
        assert f"request={request_id}" in lines["spoken"]


def test_a_request_is_called_as_a_trusted_proxy_calls_it(web: Web) -> None:
    """Nobody else names it."""
    answer = web.anonymous().get("/healthz", headers={"X-Request-ID": "mine"})
    assert answer.headers["X-Request-ID"] not in {"", "mine"}


def test_a_report_of_an_error_holds_nothing_of_users(rig: Rig) -> None:
    """Its type and where it happened, task and worker; no words, variables or settings."""
    secret = "a text of a user and token-of-anna"

    def meet(_run: Run, _item: Item) -> None:
        picture = secret.encode()
        raise ValueError(picture.decode())

    rig.kind.meet = meet
    with reporting() as ingest:
        task = rig.submit(settings={"items": 1})
        rig.drain_database()
    event = ingest.events[0]
    [raised] = event["exception"]["values"]
    assert raised["type"] == "ValueError"
    assert raised["stacktrace"]["frames"][-1]["function"] == "meet"
    assert event["tags"] == {"task": task.id, "attempt": "1", "worker": "worker"}
    assert event["logentry"] == {"message": "unexpected error in task %s %s"}
    assert (event["release"], event["environment"], event["server_name"]) == (
        "1.2",
        "test",
        "a-host",
    )
    for word in (b"a text", b"token-of-anna", b"picture = ", b"vars"):
        assert word not in ingest.raw, word


@pytest.mark.usefixtures("_loggers_as_before")
def test_a_wrong_address_of_reports_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, without the key that may be in it."""
    monkeypatch.setenv("SENTRY_DSN", "https://sentry.example/without-a-key")
    with pytest.raises(ConfigError, match="SENTRY_DSN: should be like"):
        configured()
