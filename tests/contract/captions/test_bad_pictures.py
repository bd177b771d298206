"""Bad pictures, one of each kind, in one task: each ends with a reason, and the others go on."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image
from tests.support_domain import Bench, World, drafted, jpeg, make_post, make_world

from altwright.captions.drafts.draft import Draft
from altwright.db.session import Database
from altwright.domain.task import Status

MEGABYTE = 1024 * 1024


def _bomb() -> bytes:
    """Return a PNG of 30 kB that unfolds to 400 megapixels."""
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _wide() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (20_000, 40)).save(buffer, "PNG")
    return buffer.getvalue()


#: What the server sends under each name, and words of the reason that a person reads.
BAD = {
    "pixel": (jpeg(1, 1), "nothing can be seen"),
    "truncated": (jpeg(400, 300)[:900], "damaged"),
    "empty": (b"", "empty"),
    "wide": (_wide(), "too large"),
    "bomb": (_bomb(), "too large"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "html": (b"<!doctype html><p>not here", "web page"),
    "huge": (None, "larger than"),
    "hangs": (None, "took too long"),
    "gone": (None, "isn't there"),
}


#: What looks bad and isn't: people see something, so it is described.
ODD = {"no-end": jpeg(400, 300)[:-2], "line": jpeg(3000, 2), "tall": jpeg(400, 12_000)}


class HostileHandler(BaseHTTPRequestHandler):
    """Serves the table above; a good JPEG under any other name."""

    released: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        """Answer."""
        name = self.path.strip("/").removesuffix(".jpg")
        if name == "gone":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        if name == "hangs":
            self.end_headers()
            self.wfile.write(b"\xff\xd8")
            self.released.wait(600)
            return
        if name == "huge":
            self.send_header("Content-Length", str(200 * MEGABYTE))
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side hangs up, as it should
                for _ in range(200):
                    self.wfile.write(bytes(MEGABYTE))
            return
        body, _ = BAD.get(name, (ODD.get(name, jpeg()), ""))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


class Hostile(ThreadingHTTPServer):
    """The server, on a free port."""

    daemon_threads = True

    @property
    def host(self) -> str:
        """Return host:port."""
        return f"127.0.0.1:{self.server_port}"


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """Run the hostile server."""
    server = Hostile(("127.0.0.1", 0), HostileHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    HostileHandler.released.clear()
    yield server
    HostileHandler.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def bench(database: Database, hostile: Hostile, tmp_path: Path) -> Bench:
    """Return a bench in a hurry, whose pictures come from the hostile server."""
    return Bench(make_world(database), hostile, tmp_path, timeout_s=3)


def codes(draft: Draft) -> set[str]:
    """Return what a reviewer is told of a draft."""
    return {warning.code for warning in draft.warnings}


def test_each_bad_picture_ends_with_a_reason_and_the_others_are_described(
    bench: Bench, world: World, hostile: Hostile
) -> None:
    """The task completes, says how many failed, and invents nothing."""
    host = hostile.host
    names = ["good", *BAD, *ODD, "better"]
    for number, name in enumerate(names, 1):
        post = make_post(number, "", host=host)
        shown = replace(post.media[0], url=f"http://{host}/{name}.jpg")
        world.platform.add(replace(post, media=(shown,)))
    task = bench.captions()
    assert task.status is Status.COMPLETED
    assert task.step == f"Described {2 + len(ODD)} of {len(names)} pictures; {len(BAD)} failed."
    reasons = {item.key: (item.status.value, item.reason) for item in bench.store.items(task.id)}
    for number, name in enumerate(names, 1):
        status, reason = reasons[f"p{number}:m{number}-0"]
        if name in BAD:
            assert status == "failed", name
            assert BAD[name][1] in reason, (name, reason)
            assert host not in reason
        else:
            assert status == "done", (name, reason)
    assert len(drafted(world)) == 2 + len(ODD)
    drafts = world.drafts.find(world.user.id, limit=200).drafts
    warned = {one.post.remote_id for one in drafts if "incomplete" in codes(one)}
    assert warned == {f"p{names.index('no-end') + 1}"}
