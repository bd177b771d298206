"""Many pages in one process: raw WebSockets that speak as much Socket.IO as they need."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import time
from dataclasses import dataclass, field

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


@dataclass
class Pages:
    """The pages of a run, and what they saw."""

    port: int
    delays_ms: list[float] = field(default_factory=list)
    connected: int = 0
    refused: int = 0
    lost: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def open(self, cookies: list[str]) -> None:
        """Open a page for each cookie, some at a time, and wait until each is in or refused."""
        gate = asyncio.Semaphore(50)
        waiting = [asyncio.get_running_loop().create_future() for _ in cookies]
        for cookie, known in zip(cookies, waiting, strict=True):
            self._tasks.append(asyncio.create_task(self._page(cookie, gate, known)))
        await asyncio.gather(*waiting)

    async def close(self) -> None:
        """Close them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _page(
        self, cookie: str, gate: asyncio.Semaphore, known: asyncio.Future[None]
    ) -> None:
        writer = None
        try:
            async with gate:
                reader, writer = await asyncio.wait_for(self._shake(cookie), 60)
                writer.write(_frame("40"))
            while True:
                text = await _message(reader, writer)
                if text == "2":
                    writer.write(_frame("3"))
                elif text.startswith("40") and not known.done():
                    self.connected += 1
                    known.set_result(None)
                elif text.startswith("42"):
                    sent_at = json.loads(text[2:])[1].get("sent_at")
                    if sent_at is not None:
                        self.delays_ms.append((time.time() - sent_at) * 1000)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            if known.done():
                self.lost += 1
            else:
                self.refused += 1
                known.set_result(None)
        finally:
            if writer is not None:
                writer.close()

    async def _shake(self, cookie: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**16)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Cookie: {cookie}",
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            writer.close()
            raise ConnectionRefusedError(answer.split(b"\r\n", 1)[0].decode())
        return reader, writer


async def _message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Return the next text; pings are answered (RFC 6455, 5.2)."""
    while True:
        head = await reader.readexactly(2)
        length = head[1] & 127
        if length == 126:  # noqa: PLR2004 - two more bytes hold the length
            (length,) = struct.unpack("!H", await reader.readexactly(2))
        elif length == 127:  # noqa: PLR2004 - eight more bytes
            (length,) = struct.unpack("!Q", await reader.readexactly(8))
        body = await reader.readexactly(length)
        match head[0] & 15:
            case 1:
                return body.decode()
            case 8:
                raise ConnectionResetError
            case 9:
                writer.write(_frame(body.decode(), _PONG))


def _frame(text: str, opcode: int = _TEXT) -> bytes:
    body = text.encode()
    mask = b"\0\0\0\0"  # a mask of zeros: allowed, and costs the client nothing
    return bytes([128 | opcode, 128 | len(body)]) + mask + body
