"""The fast transport for async calls: aiohttp, under httpx's names.

Its pool costs the same for one connection as for hundreds, and its parser is compiled. What is
written here is how the two libraries' requests, answers and faults correspond.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from io import BytesIO
from weakref import WeakSet

import aiohttp
import httpx
from yarl import URL

LONGEST_HEADER = 64 * 1024
ONE_PIECE = 1024 * 1024


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
        wait = request.extensions["timeout"]
        try:
            answer = await self._session.request(
                request.method,
                _parsed(str(request.url)),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=_data(request.read()),
                allow_redirects=False,
                timeout=_timeout(wait["connect"], wait["read"], wait["pool"]),
            )
        except (aiohttp.ClientError, OSError) as exc:
            fault = _before_an_answer(exc)
        else:
            return httpx.Response(
                answer.status,
                headers=answer.raw_headers,
                stream=_Body(answer),
                extensions={"reason_phrase": (answer.reason or "").encode()},
            )
        raise fault  # out here it does not lead to the request and the key in it

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    def abandon(self) -> None:
        """Close what an event loop that was never shut down has left."""
        if self._loop.is_closed():
            with suppress(StopIteration):  # since there is nothing to wait for
                self.aclose().send(None)
        elif not self._loop.is_running():
            self._loop.run_until_complete(self.aclose())


_open: WeakSet[AiohttpTransport] = WeakSet()


@atexit.register
def _abandon_all() -> None:
    """Spare a program that closes nothing aiohttp's complaints at its end."""
    for transport in [*_open]:
        transport.abandon()


class _Body(httpx.AsyncByteStream):
    """A body as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        protocol = answer.connection.protocol if answer.connection else None
        if protocol is None:  # the whole body has come
            return
        if lost := protocol.closed:
            lost.add_done_callback(self._end)
        else:
            self._end()

    def _end(self, lost: asyncio.Future[None] | None = None) -> None:
        """End the body with its connection, which aiohttp forgets after a wrong chunk size."""
        if lost and not lost.cancelled():
            lost.exception()  # or asyncio logs that nobody asked for it
        content = self._answer.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("The body can't be read."))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._answer.content
        try:
            while chunk := await content.readany():
                yield chunk
            return
        except (aiohttp.ClientError, OSError) as exc:
            fault = _in_an_answer(exc)
        raise fault

    async def aclose(self) -> None:
        self._answer.close()


def _data(content: bytes) -> bytes | BytesIO | None:
    """The body, as aiohttp wants it without a warning: one of more than a megabyte as a file."""
    return BytesIO(content) if len(content) > ONE_PIECE else content or None


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
    whole = None if pool is None or connect is None else pool + connect
    return aiohttp.ClientTimeout(connect=whole, sock_connect=connect, sock_read=read)


def _before_an_answer(exc: Exception) -> httpx.TransportError:
    """What stock httpx says of a request without an answer."""
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return httpx.ProxyError(f"{exc.status} {exc.message}")
    if isinstance(exc, aiohttp.ClientResponseError):  # what came is no HTTP
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
    if isinstance(exc, aiohttp.ClientPayloadError):
        return httpx.RemoteProtocolError(str(exc))
    return httpx.ReadError(str(exc))
