"""A TCP proxy between the service and Redis that drops, delays, half-closes and cuts.

It runs in a process of its own, `python -m benchmarks.chaos.proxy PORT TARGET_PORT`, so that the
load generator's threads don't slow it down; modes come on its standard input, one a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from enum import StrEnum

#: Seconds that a piece of data is held back; RedisHealthMonitor waits half a second.
DELAY_S = (0.05, 0.7)
PIECE_BYTES = 65_536


class Mode(StrEnum):
    """What the proxy does to connections."""

    PASS = "pass"  # noqa: S105 - no password
    #: Nothing that is sent arrives; whoever waits for it, waits.
    DROP = "drop"
    DELAY = "delay"
    #: One direction of each connection ends, the other stays open.
    HALF_CLOSE = "half-close"
    #: Connections are reset, and new ones too.
    CUT = "cut"


class Proxy:
    """The running proxy, as the chaos run steers it."""

    def __init__(self, port: int, target_port: int) -> None:
        """Start it."""
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "benchmarks.chaos.proxy", str(port), str(target_port)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the run, which ends it in order
        )

    def set(self, mode: Mode) -> None:
        """Change what it does."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened above
        self._process.stdin.write(f"{mode}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened above
        self._process.stdin.close()
        self._process.wait(10)


class _Relay:
    """All connections of the proxy."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._mode = Mode.PASS
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        #: Connections out of which something was dropped: TCP would never go on after a hole.
        self._holed: set[asyncio.StreamWriter] = set()

    def set(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if before is Mode.DROP:
            for writer in self._holed:
                writer.transport.abort()
            self._holed.clear()
        for pair in list(self._pairs):
            if mode is Mode.CUT:
                _abort(pair)
            elif mode is Mode.HALF_CLOSE:
                _half_close(pair)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.CUT:
            writer.transport.abort()
            return
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, back_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(reader, back_writer, pair), self._pump(back_reader, writer, pair)
            )
        finally:
            self._pairs.discard(pair)
            self._holed.difference_update(pair)
            _abort(pair)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        try:
            while data := await reader.read(PIECE_BYTES):
                if self._mode is Mode.DROP or writer in self._holed:
                    self._holed.update(pair)
                    continue
                if self._mode is Mode.DELAY:
                    await asyncio.sleep(random.uniform(*DELAY_S))  # noqa: S311 - no secret
                writer.write(data)
                await writer.drain()
                if self._mode is Mode.HALF_CLOSE:
                    _half_close(pair)
        except (OSError, RuntimeError):  # asyncio's word for a direction that has ended
            _abort(pair)
        else:
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()


def _abort(pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
    for writer in pair:
        writer.transport.abort()


def _half_close(pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        random.choice(pair).write_eof()  # noqa: S311 - no secret


async def _serve(port: int, target_port: int) -> None:
    relay = _Relay(target_port)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", port)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():  # its end: the run has ended, however
        relay.set(Mode(line.decode("ascii").strip()))
    server.close()
    relay.set(Mode.CUT)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
