"""The way back to the caller: writes, waits, and breaks off when told to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

#: Where the app puts the server's own `send`, from which the socket can be reached.
RAW_SEND = "emissary_emulator.send"


class GoneError(Exception):
    """The caller left, or the server is stopping."""


class Connection:
    """The writing side of one request's connection; see `connected`."""

    def __init__(self, send: Send, raw: Any) -> None:
        self._send, self._raw = send, raw
        self._gone, self._left = asyncio.Event(), asyncio.Event()

    def leave(self) -> None:
        """Note that the caller has left."""
        self._left.set()
        self._gone.set()

    def close(self) -> None:
        """Note that the server is stopping."""
        self._gone.set()

    @property
    def gone(self) -> bool:
        """Whether there is no use in writing any more."""
        return self._gone.is_set()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers."""
        raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes, *, piece: int = 0) -> None:
        """Send some of the body, in pieces when a size is given."""
        for part in _cut(data, piece):
            if self.gone:
                raise GoneError
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            if piece:
                await asyncio.sleep(0)

    async def finish(self) -> None:
        """End the body well."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def pause(self, seconds: float | None) -> None:
        """Wait, for ever with None; raises when the caller leaves meanwhile."""
        if seconds == 0:
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._gone.wait(), seconds)
            raise GoneError

    async def drop(self, *, reset: bool = False) -> None:
        """Close the socket in the middle of things; with reset the caller sees just that."""
        if self._left.is_set():
            return
        transport = getattr(getattr(self._raw, "__self__", None), "transport", None)
        if transport is None:
            raise ConnectionAbortedError("broken off as asked")  # what any ASGI server understands
        if reset:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
        await self._left.wait()


@contextlib.asynccontextmanager
async def connected(scope: Scope, receive: Receive, send: Send) -> AsyncIterator[Connection]:
    """A connection that knows when the caller leaves."""
    connection = Connection(send, scope.get(RAW_SEND, send))

    async def until_left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        connection.leave()

    watcher = asyncio.create_task(until_left())
    try:
        yield connection
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


def _cut(data: bytes, piece: int) -> Iterable[bytes]:
    if not piece:
        return (data,)
    return (data[place : place + piece] for place in range(0, len(data), piece))
