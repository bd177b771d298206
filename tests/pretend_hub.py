"""A pretend model hub with one tiny model, which states and sends what a test wants it to."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support_leaves import Exchange, LocalServer, serving
from tests.tiny_model import write_pair

REPOSITORY, NAME, REVISION = "tests/Tiny-Vision-GGUF", "tiny-vision", "5" * 40


@dataclass
class PretendHub:
    """``files`` are what it sends; what it states of them is true unless ``stated`` says else."""

    files: dict[str, bytes]
    server: LocalServer | None = None
    #: What stands in the metadata in the place of the truth, by a file's name.
    stated: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Bytes of an answer after which the connection is cut, or nothing more comes.
    breaks_after: int | None = None
    stalls_after: int | None = None
    #: Whether it goes on from the middle of a file.
    has_ranges: bool = True
    #: Answers with this instead.
    status: int | None = None
    #: Bytes that were asked for, by a file's name.
    ranges: list[tuple[str, str]] = field(default_factory=list)
    #: Set once a download stalls.
    stalled: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Return its address."""
        assert self.server is not None
        return self.server.url

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(map(len, self.files.values()))

    def respond(self, exchange: Exchange) -> None:
        """Answer a call."""
        path = exchange.path.partition("?")[0]
        if self.status is not None:
            exchange.answer(self.status)
        elif path == "/":
            exchange.answer(200, b"a hub")
        elif path == f"/api/models/{REPOSITORY}/revision/main":
            exchange.answer(200, self._metadata())
        elif (name := path.removeprefix(f"/{REPOSITORY}/resolve/{REVISION}/")) in self.files:
            self._send(exchange, name)
        else:
            exchange.answer(404, {"error": "Repository not found"})

    def _metadata(self) -> dict[str, Any]:
        siblings = []
        for name, data in self.files.items():
            lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            siblings.append({"rfilename": name, "lfs": lfs | self.stated.get(name, {})})
        siblings.append({"rfilename": "README.md"})
        card = {"license": "apache-2.0", "language": ["en"]}
        return {"sha": REVISION, "cardData": card, "siblings": siblings}

    def _send(self, exchange: Exchange, name: str) -> None:
        data = self.files[name]
        asked = exchange.headers.get("Range", "")
        self.ranges.append((name, asked))
        found = re.fullmatch(r"bytes=(\d+)-", asked) if self.has_ranges else None
        start = int(found[1]) if found else 0
        exchange.send_response(206 if found else 200)
        exchange.send_header("Content-Length", str(len(data) - start))
        if found:
            exchange.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        exchange.end_headers()
        limits = [end for end in (self.breaks_after, self.stalls_after) if end is not None]
        end = min([len(data) - start, *limits])
        exchange.wfile.write(data[start : start + end])
        exchange.wfile.flush()
        if self.stalls_after is not None:
            self.stalled.set()
            exchange.wait_for_end()
        elif self.breaks_after is not None:
            exchange.drop()


@contextlib.contextmanager
def pretend_hub(folder: Path) -> Iterator[PretendHub]:
    """Run a hub with the tiny model for the length of a block."""
    folder.mkdir()
    weights, projector = write_pair(folder)
    made = PretendHub({path.name: path.read_bytes() for path in (weights, projector)})
    with serving(made.respond) as server:
        made.server = server
        yield made
