"""The fast transport for async calls: aiohttp, under httpx's names.

Its pool costs the same for one connection as for hundreds, and its parser is compiled. What is
written here is how the two libraries' requests, answers, waits and faults correspond.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import math
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from weakref import WeakSet

import aiohttp
import anyio
import httpx
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from emissary_transport.secrecy import Secret

LONGEST_HEADER = 64 * 1024
PIECE = 64 * 1024
"""Bytes of a request that go out at once; what is longer has a limit to the time for each."""
FAULTS = (aiohttp.ClientError, HttpProcessingError, OSError)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Asynchronous HTTP/1.1 in the running event loop, which is asyncio's.

    Args:
        tls: For https.
        limits: Connections at most, and how many seconds an idle one is kept.
        proxy: An HTTP proxy by which all requests go.
    """

    def __init__(
        self, tls: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.max_connections or 0,
                keepalive_timeout=limits.keepalive_expiry,
                ssl=tls,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            proxy=_with_password(proxy) if proxy else None,
        )
        _open.add(self)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came; the classes are stock httpx's.
        """
        waits, fault = request.extensions["timeout"], None
        for _ in range(2):  # or a connection would be used that ended while the loop was blocked
            await asyncio.sleep(0)
        with anyio.CancelScope() as scope:
            try:
                answer = await self._session.request(
                    request.method,
                    _parsed(str(request.url)),
                    headers=_words(request.headers),
                    data=_data(request.read(), waits["write"], scope),
                    allow_redirects=False,
                    timeout=_timeout(waits["connect"], waits["read"], waits["pool"]),
                )
            except FAULTS as exc:
                fault = _before_an_answer(exc)
        if scope.cancelled_caught:
            fault = httpx.WriteTimeout("The request was not taken in time.")
        if fault:
            raise fault  # out here it does not lead to the request and the key in it
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer, waits["read"]),
            extensions={"reason_phrase": (answer.reason or "").encode("utf-8", "surrogateescape")},
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    def abandon(self) -> None:
        """Let go of the connections, after an event loop that was never shut down."""
        if self._loop.is_closed():
            with suppress(StopIteration):  # since there is nothing to wait for
                self.aclose().send(None)
        elif not (self._loop.is_running() or asyncio.all_tasks(self._loop)):
            self._loop.run_until_complete(self.aclose())


_open: WeakSet[AiohttpTransport] = WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open.clear)


@atexit.register
def _abandon_all() -> None:
    """Spare a program that closes nothing aiohttp's complaints at its end."""
    for transport in [*_open]:
        transport.abandon()


class _Body(httpx.AsyncByteStream):
    """A body as it comes, with a limit to the time that is waited for its next bytes."""

    def __init__(self, answer: aiohttp.ClientResponse, wait: float | None) -> None:
        self._answer = answer
        self._wait = wait
        self._broken: BaseException | None = None
        protocol = answer.connection.protocol if answer.connection else None
        if protocol is None:  # the whole body has come
            return
        protocol.read_timeout = None  # aiohttp's runs also while nobody waits
        protocol.start_timeout()
        if lost := protocol.closed:
            lost.add_done_callback(self._end)
        else:
            self._end()

    def _end(self, lost: asyncio.Future[None] | None = None) -> None:
        """End the body with its connection, which aiohttp forgets after a wrong chunk size."""
        content, told = self._answer.content, self._answer.headers
        cause = None if lost is None or lost.cancelled() else lost.exception()
        if cause and not ("Content-Length" in told or "Transfer-Encoding" in told):
            self._broken = cause  # which aiohttp takes for the end
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("The body can't be read."))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._answer.content
        fault: httpx.TransportError | None = None
        while fault is None:
            try:
                chunk = content.read_nowait() or await self._next()
            except FAULTS as exc:
                fault = _in_an_answer(exc)
                content.set_exception(None)  # type: ignore[arg-type]  # it hides what came before
                chunk = content.read_nowait()
            if chunk:
                yield chunk
            elif fault is None:
                break
        if fault is None and self._broken:
            fault = httpx.ReadError(str(self._broken))
        if fault:
            raise fault

    async def _next(self) -> bytes:
        """The next bytes, or none at the end."""
        with anyio.move_on_after(self._wait):
            try:
                return await self._answer.content.readany()
            except RuntimeError as exc:  # the connection is gone, and `_end` is about to say it
                raise aiohttp.ClientPayloadError("The body can't be read.") from exc
        raise aiohttp.SocketTimeoutError("Nothing came in time.")

    async def aclose(self) -> None:
        self._answer.close()


def _words(headers: httpx.Headers) -> list[tuple[str, str]]:
    """The headers as text, which no frame of aiohttp's shows."""
    return [(name.decode(), Secret(told.decode())) for name, told in headers.raw]


def _data(
    content: bytes, wait: float | None, scope: anyio.CancelScope
) -> bytes | AsyncIterator[bytes] | None:
    """The body; a long one is sent in pieces, and the scope ends if one is not taken in time."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), PIECE):
            scope.deadline = math.inf if wait is None else anyio.current_time() + wait
            yield content[start : start + PIECE]
        scope.deadline = math.inf

    return pieces() if len(content) > PIECE else content or None


def _with_password(proxy: httpx.Proxy) -> URL:
    url = URL(str(proxy.url))
    user, password = proxy.auth or (None, None)
    return url.with_user(user).with_password(password) if user else url


_parsed = functools.lru_cache(maxsize=256)(functools.partial(URL, encoded=True))


@functools.lru_cache(maxsize=64)
def _timeout(
    connect: float | None, read: float | None, pool: float | None
) -> aiohttp.ClientTimeout:
    """The waits in aiohttp's words, where that for the pool covers the making of a connection."""
    whole = None if connect is None else connect + (pool or 0)
    return aiohttp.ClientTimeout(connect=whole, sock_connect=connect, sock_read=read)


def _before_an_answer(exc: Exception) -> httpx.TransportError:
    """What stock httpx says of a request without an answer."""
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return httpx.ProxyError(f"{exc.status} {exc.message}")
    if isinstance(exc, (aiohttp.ClientResponseError, HttpProcessingError)):  # it is no HTTP
        return httpx.RemoteProtocolError(exc.message)
    if isinstance(exc, aiohttp.SocketTimeoutError):
        return httpx.ReadTimeout(str(exc))
    if isinstance(exc, asyncio.TimeoutError):
        return httpx.ConnectTimeout(str(exc))
    if isinstance(exc, aiohttp.ServerDisconnectedError):
        return httpx.RemoteProtocolError("Server disconnected without sending a response.")
    if isinstance(exc, (aiohttp.ClientConnectorError, aiohttp.ClientSSLError)):
        return httpx.ConnectError(str(exc))
    return httpx.ReadError(str(exc))


def _in_an_answer(exc: Exception) -> httpx.TransportError:
    """What stock httpx says of an answer that does not come whole."""
    if isinstance(exc, asyncio.TimeoutError):
        return httpx.ReadTimeout(str(exc))
    if isinstance(exc, (aiohttp.ClientPayloadError, HttpProcessingError)):
        return httpx.RemoteProtocolError(str(exc))
    return httpx.ReadError(str(exc))
