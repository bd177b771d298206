"""What alerts are sent to in tests: a web server and an SMTP server, real sockets, own threads."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from altwright.tasks.alerting.alerts import Alert
from altwright.tasks.alerting.rules import Severity


@dataclass
class WebSink:
    """A web server that keeps what is posted; ``status`` is what it answers.

    ``posted`` are the bodies that are JSON, ``taken`` all with their headers.
    """

    url: str = ""
    status: int = 204
    posted: list[dict[str, Any]] = field(default_factory=list)
    taken: list[tuple[Message, bytes]] = field(default_factory=list)


@dataclass
class MailSink:
    """An SMTP server that keeps the messages it takes; ``status`` is its answer to them."""

    url: str = ""
    status: int = 250
    taken: list[Message] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)


@contextmanager
def web_sink() -> Iterator[WebSink]:
    """Run a web server."""
    sink = WebSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if sink.status < 400:
                sink.taken.append((self.headers, body))
                if self.headers.get_content_type() == "application/json":
                    sink.posted.append(json.loads(body))
            self.send_response(sink.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server, _served(server):
        sink.url = f"http://127.0.0.1:{server.server_port}/hook/s3cret/"
        yield sink


class _MailServer(socketserver.TCPServer):
    sink: MailSink


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline():
            match line.decode().strip().upper().split(":")[0].split(" ")[0]:
                case "EHLO" | "HELO":
                    self._say("250 sink")
                case "MAIL":
                    self._say("250 ok")
                case "RCPT":
                    self._sink.receivers.append(line.decode().split("<")[1].split(">")[0])
                    self._say("250 ok")
                case "DATA":
                    self._say("354 go on")
                    self._take()
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _take(self) -> None:
        sink = self._sink
        lines = iter(self.rfile.readline, b".\r\n")
        message = message_from_bytes(b"".join(lines))
        if sink.status == 250:
            sink.taken.append(message)
        self._say(f"{sink.status} answered")

    @property
    def _sink(self) -> MailSink:
        server = self.server
        assert isinstance(server, _MailServer)
        return server.sink

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """Run an SMTP server (RFC 5321, as far as smtplib asks for it)."""
    sink = MailSink()

    with _MailServer(("127.0.0.1", 0), _MailHandler) as server, _served(server):
        server.sink = sink
        sink.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        yield sink


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def an_alert(severity: Severity = Severity.WARNING, message: str = "Something is wrong.") -> Alert:
    """Return an alert that nobody raised."""
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return Alert(1, "something", severity, message, at, None)
