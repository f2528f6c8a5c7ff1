"""The fast transport for async calls: asyncio's connections and httptools' parser.

What comes over a connection is parsed as it comes, then its reader is woken.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import sys
from collections.abc import Iterator
from contextvars import Context
from typing import cast

import anyio
import httpx
from httptools import HttpParserError

from emissary_transport.http_answer import Answer
from emissary_transport.httpx_words import Origin, origin_of, place_of, response_of, written
from emissary_transport.idle import Idle, Lease, alet_in, is_readable

PIECE = 64 * 1024
"""Bytes of a request that are to be taken within the time for writing."""
MOST_UNREAD = 1024 * 1024
"""Bytes of an answer that are taken in while its reader is away."""
MOST_HELD = 64 * MOST_UNREAD
"""The same where reading can't be paused, so that the answer has to break off."""


class AsyncFastTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 in the running event loop, which is asyncio's.

    Args:
        tls: For https.
        limits: Requests at once; idle connections kept for an origin, and for how many seconds.
    """

    def __init__(self, tls: ssl.SSLContext, limits: httpx.Limits) -> None:
        self._tls = tls
        self._room = anyio.Semaphore(limits.max_connections or 1)
        self._idle: Idle[Connection] = Idle(limits, Connection.close, Connection.is_silent)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came; the classes are stock httpx's.
        """
        waits = request.extensions["timeout"]
        await alet_in(self._room, waits["pool"])
        origin = origin_of(request.url)
        lease = Lease(self._idle, origin, self._room.release)
        body = Body(lease, waits["read"])
        try:
            found = self._idle.take(origin)
            lease.connection = found or await self._opened(origin, waits["connect"])
            await body.begin(request, waits["write"])
            return response_of(body.answer, body)
        except httpx.TransportError as exc:
            fault = exc.with_traceback(None)
        except BaseException:
            body.close()
            raise
        body.close()
        raise fault  # out here it does not lead to the request and the key in it

    async def _opened(self, origin: Origin, wait: float | None) -> Connection:
        (host, port), loop = place_of(origin), asyncio.get_running_loop()
        is_https = origin[0] == "https"
        try:
            with anyio.fail_after(wait):
                _, connection = await loop.create_connection(
                    Connection,
                    host,
                    port,
                    ssl=self._tls if is_https else None,
                    server_hostname=host if is_https else None,
                )
                return connection
        except TimeoutError as exc:
            raise httpx.ConnectTimeout(str(exc)) from None
        except OSError as exc:
            raise httpx.ConnectError(str(exc)) from None

    async def aclose(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._idle.close()
        await asyncio.sleep(0)  # in which the event loop closes their sockets


class Body(httpx.AsyncByteStream):
    """What comes over a connection in answer to one request."""

    def __init__(self, lease: Lease[Connection], wait: float | None) -> None:
        self.answer = Answer()
        self._wait = wait
        self._lease = lease

    async def begin(self, request: httpx.Request, wait: float | None) -> None:
        """Send the request and read on until the head of the answer has come."""
        connection = cast("Connection", self._lease.connection)
        await connection.ask(_pieces(written(request)), self.answer, wait)
        while not self.answer.has_head:
            await connection.more(self._wait)

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        while not (came := self.answer.taken()):
            if self.answer.is_whole:
                raise StopAsyncIteration
            await cast("Connection", self._lease.connection).more(self._wait)
        return came

    async def aclose(self) -> None:
        """Give the connection back; see `close`."""
        self.close()

    def close(self) -> None:
        """Give the connection back, or hang up if the answer has not come whole."""
        if not self._lease.is_over:
            connection = self._lease.connection
            is_in_order = connection is not None and connection.rest()
            self._lease.end(is_fit=is_in_order and self.answer.can_another_follow)
            self.answer.close()


class Connection(asyncio.Protocol):
    """A connection, and the answer that is awaited over it."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._answer: Answer | None = None
        self._fault: httpx.TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._late: type[httpx.TransportError] = httpx.ReadTimeout
        self._until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._unread = 0
        self._is_full = False
        self._is_sent = True

    async def ask(self, pieces: Iterator[bytes], answer: Answer, wait: float | None) -> None:
        """Send a request and have its answer read, which may be there before all was sent.

        Raises:
            httpx.WriteTimeout: A piece of it was not taken in time.
        """
        self._answer, self._is_sent = answer, False
        while self._write(next(pieces, b"")):
            while self._is_full and not self._fault:
                if answer.is_whole:
                    return
                await self._news(wait, httpx.WriteTimeout)
        self._is_sent = True

    async def more(self, wait: float | None) -> None:
        """Wait until more has come.

        Raises:
            httpx.TransportError: No more will, or none came in time.
        """
        if self._fault:
            raise self._fault
        self._read_on()
        await self._news(wait, httpx.ReadTimeout)

    def rest(self) -> bool:
        """Await nothing from now on; tells whether it is in order."""
        self._answer = None
        self._read_on()
        return self._is_sent and self._fault is None

    def is_silent(self) -> bool:
        """Whether it is open and nothing has come while it rested, not even unseen as yet."""
        if self._fault or self._transport.is_closing():
            return False
        return not is_readable(self._transport.get_extra_info("socket"))

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def _write(self, piece: bytes) -> bool:
        """Whether there was anything to write, and anyone to write it to."""
        if piece and not (self._fault or self._transport.is_closing()):
            self._transport.write(piece)
            return True
        return False

    def _read_on(self) -> None:
        if self._unread > MOST_UNREAD and self._pauses and not self._transport.is_closing():
            self._transport.resume_reading()
        self._unread = 0

    async def _news(self, wait: float | None, late: type[httpx.TransportError]) -> None:
        """Wait until something happens."""
        loop = asyncio.get_running_loop()
        self._late, self._until = late, math.inf if wait is None else loop.time() + wait
        if wait is not None and (self._alarm is None or self._rings_at > self._until):
            self._set_alarm(loop)
        self._waiter = loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_alarm(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the clock when the wait is over; one alarm serves many waits, which are short."""
        if self._alarm:
            self._alarm.cancel()
        self._rings_at = self._until
        # In a context of its own, since it outlives the call, whose context may hold much.
        self._alarm = loop.call_at(self._until, self._give_up, loop, context=Context())

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = None
        if self._waiter is None or self._waiter.done() or self._until == math.inf:
            return
        if loop.time() < self._until:
            self._set_alarm(loop)
        else:
            self._waiter.set_exception(self._late("Nothing happened in time."))

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    # --- what asyncio tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._pauses = _can_pause(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes have come; none are the end."""
        if self._answer is None:
            self._fault = httpx.RemoteProtocolError("More came than was asked for.")
            return
        try:
            self._answer.feed(data)
        except HttpParserError as exc:
            self._fault = httpx.RemoteProtocolError(str(exc))
        self._unread += len(data)
        if self._unread > MOST_UNREAD and self._pauses:
            self._transport.pause_reading()
        elif self._unread > MOST_HELD:
            self._fault = httpx.ReadError("More came than can be held for a reader who is away.")
            self.close()
        self._wake()

    def eof_received(self) -> None:
        """The other side will send no more."""
        self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, which not every event loop tells with `eof_received` before."""
        if self._alarm:
            self._alarm.cancel()
        if self._fault is None and exc:
            self._fault = httpx.ReadError(str(exc))
        elif self._fault is None:
            self.data_received(b"")
        self._wake()

    def pause_writing(self) -> None:
        """What was written is to be taken first."""
        self._is_full = True

    def resume_writing(self) -> None:
        """It was taken."""
        self._is_full = False
        self._wake()


def _pieces(data: bytes) -> Iterator[bytes]:
    """A request in pieces; while one is awaited to be taken, no frame shows the key in it."""
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def _can_pause(transport: asyncio.BaseTransport) -> bool:
    """Whether reading can be paused: over TLS, others lose the end of what came, or fail."""
    is_sound = sys.version_info >= (3, 11) and type(transport).__module__.startswith("asyncio.")
    return is_sound or transport.get_extra_info("sslcontext") is None
