"""The service that all clients ask, on loopback and in a process of its own.

It understands as little as it can: a request ends where its length says, its prompt says which
ready-made answer it wants, and connections are counted.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import answers
from benchmarks.machine import ROOT, pin

PACE = 0.005
HIGH_WATER = 256 * 1024
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_IS_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")


class Count:
    """Connections that clients opened."""

    accepted = 0

    def told(self) -> bytes:
        """The count since the last time, without the connection that asks."""
        accepted, self.accepted = self.accepted - 1, 0
        return answers.json_answer({"accepted": accepted})


class Connection(asyncio.Protocol):
    """Requests in, ready-made answers out, one after the other."""

    transport: asyncio.Transport

    def __init__(self, count: Count) -> None:
        self._count = count
        self._came = b""
        self._room = asyncio.Event()
        self._room.set()
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(HIGH_WATER)
        self._count.accepted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._room.set()
        if self._answering:
            self._answering.cancel()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, ended, body = self._came.partition(b"\r\n\r\n")
        if not ended:
            return
        length = _LENGTH.search(head)
        if length and len(body) < int(length[1]):
            return
        if _IS_CHUNKED.search(head) and not body.endswith(b"0\r\n\r\n"):
            return
        self._came = b""
        self._answer(head.split(b" ", 2)[1], body)

    def _answer(self, path: bytes, body: bytes) -> None:
        if path == b"/connections":
            self.transport.write(self._count.told())
            return
        wish = answers.WISH.search(body) or answers.WISH.search(path)
        kind, count = (wish[1].decode(), int(wish[2])) if wish else ("whole", 1)
        if kind == "whole":
            self.transport.write(answers.whole(bare=b"/deployments/" in path))
            return
        marked = not path.startswith(b"/atoma")  # which never sends an end marker
        writes = self._paced(count, marked) if kind == "paced" else self._flat(kind, count, marked)
        self._answering = asyncio.get_running_loop().create_task(writes)

    async def _flat(self, kind: str, count: int, marked: bool) -> None:
        """A stream as fast as it is read, taking turns with the other ones."""
        self.transport.write(answers.STREAM_HEAD)
        for part in answers.stream(kind, count, marked=marked):
            await self._room.wait()
            self.transport.write(part)
            await asyncio.sleep(0)

    async def _paced(self, count: int, marked: bool) -> None:
        """A stream of the times at which its events were sent, one every 5 ms."""
        self.transport.write(answers.STREAM_HEAD)
        for _ in range(count):
            await asyncio.sleep(PACE)
            said = answers.event({"content": str(time.monotonic_ns())})
            self.transport.write(answers.http_chunk(said))
        self.transport.write(b"".join(answers.closing("stop", marked=marked)))


async def serve() -> None:
    """Serve on a free port, which is told on standard output, until standard input ends."""
    count = Count()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(count), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def running(core: int | None = None) -> Iterator[str]:
    """The address of a server in a process of its own, and on a core of its own."""
    command = [sys.executable, "-m", "benchmarks.server", *([] if core is None else [str(core)])]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.communicate("")


if __name__ == "__main__":
    pin(int(sys.argv[1]) if sys.argv[1:] else None)
    asyncio.run(serve())
