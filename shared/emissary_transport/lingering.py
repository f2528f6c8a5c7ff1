"""After an end marker: let the body end by itself, so that its connection can serve again.

A body that does not end soon is left, and its connection with it: the answer is whole already.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import anyio
import httpx

SECONDS = 0.25


class Timed(httpx.SyncByteStream):
    """A body with a limit, in seconds, to each wait for its next bytes."""

    wait: float | None


def let_end(response: httpx.Response, chunks: Iterator[bytes]) -> None:
    """Read to the end of the body, for a moment at most."""
    if isinstance(response.stream, Timed):
        response.stream.wait = SECONDS
        until = time.monotonic() + SECONDS
        with suppress(httpx.RequestError):
            while time.monotonic() < until and next(chunks, None) is not None:
                pass
        return
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if not isinstance(connection, socket.socket):
        return  # nothing that could be interrupted, so nothing to wait for
    watchdog = threading.Timer(SECONDS, _cut, [connection])
    watchdog.daemon = True
    watchdog.start()
    try:
        with suppress(httpx.RequestError):
            for _ in chunks:
                pass
    finally:
        watchdog.cancel()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


async def alet_end(chunks: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, for a moment at most."""
    with anyio.move_on_after(SECONDS), suppress(httpx.RequestError):
        async for _ in chunks:
            pass
