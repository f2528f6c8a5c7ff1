"""Stock httpx with a transport for each connection, so that its pool never holds more than one.

httpcore's pool looks through all its connections for each request and at each end of one, and under
load it has left requests waiting though there was room (encode/httpcore, issue 1110).
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from operator import methodcaller
from typing import Any, cast

import anyio
import httpx

from emissary_transport.httpx_words import origin_of
from emissary_transport.idle import Idle, Lease, alet_in, is_readable, let_in

ONE = httpx.Limits(max_connections=1, keepalive_expiry=None)
"""Of each of httpx's transports; those here see to the rest."""


class StockTransport(httpx.BaseTransport):
    """HTTP/1.1 by httpx's own transports, synchronously and from any thread.

    Args:
        make: Makes one of them, for one connection.
        limits: Requests at once; idle connections kept for an origin, and for how many seconds.
    """

    def __init__(self, make: Callable[[], httpx.BaseTransport], limits: httpx.Limits) -> None:
        self._make = make
        self._room = threading.Semaphore(limits.max_connections or 1)
        self._idle: Idle[httpx.BaseTransport] = Idle(limits, close=methodcaller("close"))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came.
        """
        let_in(self._room, request.extensions["timeout"]["pool"])
        origin = origin_of(request.url)
        lease = Lease(self._idle, origin, self._room.release)
        try:
            transport = lease.connection = self._idle.take(origin) or self._make()
            response = transport.handle_request(request)
        except BaseException:
            lease.end(is_fit=False)
            raise
        response.stream = _Body(response, lease)
        return response

    def close(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._idle.close()


class _Body(httpx.SyncByteStream):
    """What comes in answer to one request; its connection may serve another after it."""

    def __init__(self, response: httpx.Response, lease: Lease[httpx.BaseTransport]) -> None:
        self._stream = cast("httpx.SyncByteStream", response.stream)
        self._network = response.extensions.get("network_stream")
        self._lease = lease

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        """Give the connection back."""
        is_fit = False
        try:
            self._stream.close()
            is_fit = _is_fit(self._network)
        finally:
            self._lease.end(is_fit=is_fit)


def _is_fit(network: Any) -> bool:
    """Whether httpcore has not hung up, as it does after what did not come whole."""
    sock = network and network.get_extra_info("socket")
    return sock is None or (sock.fileno() >= 0 and not is_readable(sock))


class AsyncStockTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 by httpx's own transports, asynchronously; see `StockTransport`."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport], limits: httpx.Limits) -> None:
        self._make = make
        self._room = anyio.Semaphore(limits.max_connections or 1)
        self._ended: list[httpx.AsyncBaseTransport] = []
        self._idle: Idle[httpx.AsyncBaseTransport] = Idle(limits, close=self._ended.append)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer; see `StockTransport`."""
        await alet_in(self._room, request.extensions["timeout"]["pool"])
        origin = origin_of(request.url)
        lease = Lease(self._idle, origin, self._room.release)
        try:
            transport = lease.connection = self._idle.take(origin) or self._make()
            await self.close_ended()
            response = await transport.handle_async_request(request)
        except BaseException:
            lease.end(is_fit=False)
            await self.close_ended()
            raise
        response.stream = _AsyncBody(response, lease, self.close_ended)
        return response

    async def close_ended(self) -> None:
        """Close the connections that are over, which `Idle` can't wait for."""
        while self._ended:
            await self._ended.pop().aclose()

    async def aclose(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._idle.close()
        await self.close_ended()


class _AsyncBody(httpx.AsyncByteStream):
    """What comes in answer to one request; see `_Body`."""

    def __init__(
        self,
        response: httpx.Response,
        lease: Lease[httpx.AsyncBaseTransport],
        close_ended: Callable[[], Awaitable[None]],
    ) -> None:
        self._stream = cast("httpx.AsyncByteStream", response.stream)
        self._network = response.extensions.get("network_stream")
        self._lease = lease
        self._close_ended = close_ended

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        """Give the connection back."""
        is_fit = False
        try:
            await self._stream.aclose()
            is_fit = _is_fit(self._network)
        finally:
            self._lease.end(is_fit=is_fit)
            await self._close_ended()
