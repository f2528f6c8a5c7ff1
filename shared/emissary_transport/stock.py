"""Stock httpx over httpcore's connections, without the pool that httpcore keeps before them.

That pool looks through all its connections for each request and at each end of one, and under load
it has left requests waiting though there was room (encode/httpcore, issue 1110).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import TypeAlias, cast

import anyio
import httpcore
import httpx

from emissary_transport.httpx_words import Origin, origin_of, place_of
from emissary_transport.idle import Idle, Lease, alet_in, let_in

_ONE = httpx.Limits(max_connections=1, keepalive_expiry=None)
_Connection: TypeAlias = httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface


class _Reusable:
    """Whether a transport's connection can serve again, where it is known."""

    connection: _Connection | None = None

    def is_idle(self) -> bool:
        """Whether the last answer came whole, so that another request can follow."""
        return self.connection is None or self.connection.is_idle()

    def is_open(self) -> bool:
        """Whether nobody has hung up since."""
        return self.connection is None or not self.connection.has_expired()


class OneConnection(_Reusable, httpx.HTTPTransport):
    """Stock httpx's transport over one connection; what fakes or records httpx sees it.

    Should httpx call its pool by another name one day, it keeps it: a pool of one.
    """

    def __init__(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None, origin: Origin) -> None:
        super().__init__(verify=tls, limits=_ONE, proxy=proxy)
        if pool := getattr(self, "_pool", None):
            self._pool = self.connection = pool.create_connection(_place(origin))


class AsyncOneConnection(_Reusable, httpx.AsyncHTTPTransport):
    """Stock httpx's async transport over one connection; see `OneConnection`."""

    def __init__(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None, origin: Origin) -> None:
        super().__init__(verify=tls, limits=_ONE, proxy=proxy)
        if pool := getattr(self, "_pool", None):
            self._pool = self.connection = pool.create_connection(_place(origin))


def _place(origin: Origin) -> httpcore.Origin:
    host, port = place_of(origin)
    return httpcore.Origin(origin[0].encode(), host.encode(), port)


class StockTransport(httpx.BaseTransport):
    """HTTP/1.1 by httpx's own transports, synchronously and from any thread.

    Args:
        tls: For https.
        limits: Requests at once; idle connections kept for an origin, and for how many seconds.
        proxy: Where requests go by.
    """

    def __init__(
        self, tls: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None = None
    ) -> None:
        self._make = partial(OneConnection, tls, proxy)
        self._room = threading.Semaphore(limits.max_connections or 1)
        self._idle: Idle[OneConnection] = Idle(limits, OneConnection.close, OneConnection.is_open)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came.
        """
        let_in(self._room, request.extensions["timeout"]["pool"])
        origin = origin_of(request.url)
        lease = Lease(self._idle, origin, self._room.release)
        try:
            transport = lease.connection = self._idle.take(origin) or self._make(origin)
            response = transport.handle_request(request)
        except BaseException:
            lease.end(is_fit=False)
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        response.stream = _Body(stream, transport, lease)
        return response

    def close(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._idle.close()


class _Body(httpx.SyncByteStream):
    """What comes in answer to one request."""

    def __init__(
        self,
        stream: httpx.SyncByteStream,
        transport: OneConnection,
        lease: Lease[OneConnection],
    ) -> None:
        self._stream = stream
        self._transport = transport
        self._lease = lease

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        """Give the connection back."""
        is_fit = False
        try:
            self._stream.close()
            is_fit = self._transport.is_idle()
        finally:
            self._lease.end(is_fit=is_fit)


class AsyncStockTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 by httpx's own transports, asynchronously; see `StockTransport`."""

    def __init__(
        self, tls: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None = None
    ) -> None:
        self._make = partial(AsyncOneConnection, tls, proxy)
        self._room = anyio.Semaphore(limits.max_connections or 1)
        self._ended: list[AsyncOneConnection] = []
        self._idle: Idle[AsyncOneConnection] = Idle(
            limits, self._ended.append, AsyncOneConnection.is_open
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer; see `StockTransport`."""
        await alet_in(self._room, request.extensions["timeout"]["pool"])
        origin = origin_of(request.url)
        lease = Lease(self._idle, origin, self._room.release)
        try:
            transport = lease.connection = self._idle.take(origin) or self._make(origin)
            await self.close_ended()
            response = await transport.handle_async_request(request)
        except BaseException:
            lease.end(is_fit=False)
            await self.close_ended()
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _AsyncBody(stream, transport, lease, self.close_ended)
        return response

    async def close_ended(self) -> None:
        """Close the connections that are over, which `Idle` can't wait for, come what may."""
        if self._ended:
            with anyio.CancelScope(shield=True):
                while self._ended:
                    await self._ended.pop().aclose()

    async def aclose(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._idle.close()
        await self.close_ended()


class _AsyncBody(httpx.AsyncByteStream):
    """What comes in answer to one request."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        transport: AsyncOneConnection,
        lease: Lease[AsyncOneConnection],
        close_ended: Callable[[], Awaitable[None]],
    ) -> None:
        self._stream = stream
        self._transport = transport
        self._lease = lease
        self._close_ended = close_ended

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        """Give the connection back."""
        is_fit = False
        try:
            await self._stream.aclose()
            is_fit = self._transport.is_idle()
        finally:
            self._lease.end(is_fit=is_fit)
            await self._close_ended()
