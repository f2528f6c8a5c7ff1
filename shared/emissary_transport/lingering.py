"""After an end marker: let the body end by itself, so that its connection can serve again.

A body that does not end soon is left, and its connection with it: the answer is whole already.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import anyio
import httpx

SECONDS = 0.25


class Timed(httpx.SyncByteStream):
    """A body that can be told to end."""

    def hurry(self, seconds: float) -> None:
        """Let what is left come within so many seconds."""
        raise NotImplementedError


def let_end(response: httpx.Response, chunks: Iterator[bytes]) -> None:
    """Read to the end of the body, for a moment at most."""
    if isinstance(response.stream, Timed):
        response.stream.hurry(SECONDS)
        _drain(chunks)
        return
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if not isinstance(connection, socket.socket):
        return  # nothing that could be interrupted, so nothing to wait for
    watchdog = threading.Timer(SECONDS, _cut, [connection])
    watchdog.daemon = True
    watchdog.start()
    try:
        _drain(chunks)
    finally:
        watchdog.cancel()


def _drain(chunks: Iterator[bytes]) -> None:
    with suppress(httpx.RequestError):
        for _ in chunks:
            pass


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


async def alet_end(chunks: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, for a moment at most."""
    with anyio.move_on_after(SECONDS), suppress(httpx.RequestError):
        async for _ in chunks:
            pass
