"""Traces: where time goes, from a request to other servers' answers; off unless they are asked for.

A task's trace has the task's id as its own, so that nothing has to be kept for it: whoever works on
the task later, wherever that is, adds to the same trace. The request that submitted it has a trace
of its own, to which the task's first span is linked.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from altwright import installed
from altwright.errors import ConfigError

#: Milliseconds that the last spans have to be taken when a process ends.
FLUSH_MS = 2_000
_NOTHING: AbstractContextManager[None] = nullcontext()
#: What the next root span is called by: of its trace and itself.
_next_ids: ContextVar[tuple[int, int] | None] = ContextVar("altwright_next_ids", default=None)


class _Off:
    """No tracer: each span costs a call that does nothing."""

    def span(self, _name: str, **_: Any) -> AbstractContextManager[None]:
        return _NOTHING

    def submitted(self, _task_id: str, **_: Any) -> AbstractContextManager[None]:
        return _NOTHING

    def of_task(self, _task_id: str, _name: str, **_: Any) -> AbstractContextManager[None]:
        return _NOTHING

    def note(self, **_: Any) -> None:
        return

    def flush(self) -> None:
        return

    def close(self) -> None:
        return


class _On:
    """OpenTelemetry's SDK, which sends spans in a thread of its own, over OTLP on HTTP."""

    def __init__(self, endpoint: str, headers: str) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra, which few have
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import Decision  # noqa: PLC0415

        class Ids(RandomIdGenerator):
            """Random ids, but for the span that is a task's first."""

            def generate_trace_id(self) -> int:
                given = _next_ids.get()
                return given[0] if given else super().generate_trace_id()

            def generate_span_id(self) -> int:
                given = _next_ids.get()
                return given[1] if given else super().generate_span_id()

        pairs = (one.partition("=") for one in headers.split(",") if one.strip())
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            headers={name.strip(): value.strip() for name, _, value in pairs},
        )
        self._api = trace
        self._sampled = Decision.RECORD_AND_SAMPLE
        named = OTELResourceDetector()  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "altwright"}).merge(named.detect()),
            id_generator=Ids(),
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("altwright")

    @contextmanager
    def span(
        self, name: str, *, context: Any = None, links: Any = (), **facts: Any
    ) -> Iterator[None]:
        # Messages of errors may hold what users wrote: the type says enough.
        with self._tracer.start_as_current_span(
            name,
            context,
            links=links,
            attributes={key: value for key, value in facts.items() if value is not None},
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            try:
                yield
            except BaseException as error:
                made.set_status(self._api.StatusCode.ERROR, type(error).__name__)
                raise

    @contextmanager
    def submitted(self, task_id: str, **facts: Any) -> Iterator[None]:
        here = self._api.get_current_span().get_span_context()
        links = [self._api.Link(here)] if here.is_valid else []
        nowhere = self._api.set_span_in_context(self._api.INVALID_SPAN)
        given = _next_ids.set(_ids(task_id))
        try:
            span = self.span("submit", context=nowhere, links=links, **facts)
            span.__enter__()
        finally:
            _next_ids.reset(given)
        with _left(span):
            yield

    def of_task(self, task_id: str, name: str, **facts: Any) -> AbstractContextManager[None]:
        trace_id, span_id = _ids(task_id)
        found = self._provider.sampler.should_sample(None, trace_id, name)
        sampled = found.decision is self._sampled
        flags = self._api.TraceFlags(self._api.TraceFlags.SAMPLED if sampled else 0)
        first = self._api.SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)
        context = self._api.set_span_in_context(self._api.NonRecordingSpan(first))
        return self.span(name, context=context, **facts)

    def note(self, **facts: Any) -> None:
        self._api.get_current_span().set_attributes(facts)

    def flush(self) -> None:
        self._provider.force_flush(FLUSH_MS)

    def close(self) -> None:
        self.flush()
        self._provider.shutdown()


@contextmanager
def _left(entered: AbstractContextManager[None]) -> Iterator[None]:
    """Leave a context manager that was entered before."""
    try:
        yield
    except BaseException as error:
        entered.__exit__(type(error), error, error.__traceback__)
        raise
    entered.__exit__(None, None, None)


def _ids(task_id: str) -> tuple[int, int]:
    """Return the ids of a task's trace and of its first span."""
    try:
        number = uuid.UUID(task_id).int
    except ValueError:  # a damaged row's; `altwright task repair` deals with it
        number = uuid.uuid5(uuid.NAMESPACE_OID, task_id).int
    return number, number & 0xFFFF_FFFF_FFFF_FFFF


_tracer: _Off | _On = _Off()


def configure(endpoint: str, headers: str = "") -> None:
    """Send traces to an OTLP collector from now on; "": to nobody.

    Raises:
        ConfigError: the packages that it takes aren't installed.
    """
    global _tracer  # noqa: PLW0603 - as OpenTelemetry has it: one for a process
    _tracer.close()
    _tracer = _Off()
    if not endpoint:
        return
    try:
        _tracer = _On(endpoint, headers)
    except ImportError as error:
        missing = installed.without_extra("otel") or str(error)
        raise ConfigError([f"OTEL_EXPORTER_OTLP_ENDPOINT: {missing}"]) from error


def span(name: str, **facts: Any) -> AbstractContextManager[None]:
    """Return a span inside the current one; ``facts`` hold nothing that users wrote."""
    return _tracer.span(name, **facts)


def submitted(task_id: str, **facts: Any) -> AbstractContextManager[None]:
    """Return the first span of a task's trace, linked to the current one."""
    return _tracer.submitted(task_id, **facts)


def of_task(task_id: str, name: str, **facts: Any) -> AbstractContextManager[None]:
    """Return a span of a task's trace, below its first one."""
    return _tracer.of_task(task_id, name, **facts)


def note(**facts: Any) -> None:
    """Add facts to the current span."""
    _tracer.note(**facts)


def flush() -> None:
    """Send what is left, as far as that takes no more than FLUSH_MS."""
    _tracer.flush()
