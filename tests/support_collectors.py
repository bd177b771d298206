"""What traces and reports of errors are sent to in tests: servers on loopback that keep them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sentry_sdk
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support_leaves import Exchange, serving

from altwright import error_reports, tracing


@dataclass
class Span:
    """A span as the collector got it; ``links`` are the ids of traces."""

    name: str
    trace: str
    id: str
    parent: str
    links: list[str]
    facts: dict[str, Any]
    failed: str


@dataclass
class Collector:
    """An OTLP collector; ``paths`` and ``headers`` are those of its requests."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: bytes = b""

    def respond(self, exchange: Exchange) -> None:
        """Keep what comes."""
        call = exchange.call
        body = call.body
        if call.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.raw += body
        self.paths.append(exchange.path)
        self.headers.append(dict(call.headers))
        request = ExportTraceServiceRequest.FromString(body)
        for one in request.resource_spans:
            for scope in one.scope_spans:
                self.spans += [_span(span) for span in scope.spans]
        exchange.answer(200, b"")

    def of(self, name: str) -> Span:
        """Return the span called so."""
        [found] = [span for span in self.spans if span.name == name]
        return found


def _span(span: Any) -> Span:
    return Span(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        [link.trace_id.hex() for link in span.links],
        {one.key: _value(one.value) for one in span.attributes},
        span.status.message if span.status.code == 2 else "",
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


@contextmanager
def collecting(headers: str = "") -> Iterator[Collector]:
    """Send this process's traces to a collector; they are all there at the end."""
    collector = Collector()
    with serving(collector.respond) as server:
        collector.url = server.url
        tracing.configure(server.url, headers)
        try:
            yield collector
        finally:
            tracing.configure("")


@contextmanager
def reporting() -> Iterator[Ingest]:
    """Send this process's reports of errors to a pretend Sentry; they are there at the end."""
    ingest = Ingest()
    with serving(ingest.respond) as server:
        ingest.dsn = f"http://public@127.0.0.1:{server.port}/1"
        error_reports.configure(ingest.dsn, release="1.2", environment="test", host="a-host")
        yield ingest
        sentry_sdk.get_client().close(timeout=10)
        sentry_sdk.get_global_scope().set_client(None)


@dataclass
class Ingest:
    """A pretend Sentry: ``events`` are what it was sent, ``raw`` is all of it as it came."""

    dsn: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    raw: bytes = b""

    def respond(self, exchange: Exchange) -> None:
        """Keep what comes: an envelope of JSON lines."""
        body = exchange.call.body
        if exchange.call.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.raw += body
        lines = body.splitlines()
        self.events += [
            json.loads(item)
            for header, item in zip(lines[1::2], lines[2::2], strict=False)
            if json.loads(header).get("type") == "event"
        ]
        exchange.answer(200, {})
