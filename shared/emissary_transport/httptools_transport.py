"""The fast transport for sync calls: httpcore's sockets and httptools' parser, as httpx has it.

httpcore connects, does TLS and limits each wait, as it does for stock httpx. What is written here
is who has which connection.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeAlias, cast

import httpcore
import httpx
from httptools import HttpParserError

from emissary_transport.httptools_answer import Answer
from emissary_transport.lingering import Timed

Origin: TypeAlias = tuple[str, bytes, int | None]

PIECE = 64 * 1024
"""Bytes that are read at once, at most."""
FAULTS = (httpcore.NetworkError, httpcore.TimeoutException, HttpParserError)


class HttptoolsTransport(httpx.BaseTransport):
    """Synchronous HTTP/1.1, from any thread.

    Args:
        tls: For https.
        limits: Requests at once; idle connections kept for one origin, and for how many seconds.
    """

    def __init__(self, tls: ssl.SSLContext, limits: httpx.Limits) -> None:
        self._tls = tls
        self._room = threading.Semaphore(limits.max_connections or 1)
        self._most_idle = limits.max_keepalive_connections or 0
        self._longest_idle = limits.keepalive_expiry or 0.0
        self._network = httpcore.SyncBackend()
        self._idle: dict[Origin, deque[tuple[float, httpcore.NetworkStream]]] = defaultdict(deque)
        self._is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came; the classes are stock httpx's.
        """
        waits, url, fault = request.extensions["timeout"], request.url, None
        if not self._room.acquire(timeout=waits["pool"]):
            raise httpx.PoolTimeout("No connection came free in time.")
        body = Body(self, (url.scheme, url.raw_host, url.port), waits["read"])
        try:
            body.begin(request, waits["connect"], waits["write"])
        except FAULTS as exc:
            fault = _in_httpx_words(exc)
        finally:
            if not body.answer.has_head:
                body.close()
        if fault:
            raise fault  # out here it does not lead to the request and the key in it
        return httpx.Response(
            body.answer.status,
            headers=body.answer.headers,
            stream=body,
            extensions={"reason_phrase": body.answer.reason},
        )

    def connection(self, origin: Origin, wait: float | None) -> httpcore.NetworkStream:
        """A connection for one request: an idle one, the last used first, or a new one."""
        idle, oldest = self._idle[origin], time.monotonic() - self._longest_idle
        with suppress(IndexError):  # there is none left
            while True:
                since, stream = idle.pop()
                if since > oldest and not stream.get_extra_info("is_readable"):
                    return stream
                stream.close()  # as the other side has done, or is about to
        scheme, host, port = origin[0], origin[1].decode(), origin[2]
        if scheme == "http":
            return self._network.connect_tcp(host, port or 80, wait)
        return self._network.connect_tcp(host, port or 443, wait).start_tls(self._tls, host, wait)

    def take_back(self, origin: Origin, stream: httpcore.NetworkStream | None) -> None:
        """Keep a connection that can serve again, if there is one, and let the next request in."""
        if stream:
            idle = self._idle[origin]
            idle.append((time.monotonic(), stream))
            with suppress(IndexError):
                while self._is_closed or len(idle) > self._most_idle:
                    idle.popleft()[1].close()
        self._room.release()

    def close(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._is_closed = True
        for idle in [*self._idle.values()]:
            with suppress(IndexError):
                while True:
                    idle.pop()[1].close()


class Body(Timed):
    """What comes over a connection in answer to one request."""

    def __init__(self, transport: HttptoolsTransport, origin: Origin, wait: float | None) -> None:
        self.answer = Answer()
        self.wait = wait
        self._transport = transport
        self._origin = origin
        self._stream: httpcore.NetworkStream | None = None
        self._is_closed = False

    def begin(self, request: httpx.Request, connect: float | None, write: float | None) -> None:
        """Send the request and read on until the head of the answer has come."""
        self._stream = self._transport.connection(self._origin, connect)
        with suppress(httpcore.WriteError):  # there may be an answer that says why
            self._stream.write(_written(request), write)
        while not self.answer.has_head:
            self._read()

    def __iter__(self) -> Iterator[bytes]:
        fault: httpx.TransportError | None = None
        while True:
            if came := self.answer.taken():
                yield came
            if fault:
                raise fault
            if self.answer.is_whole:
                return
            try:
                self._read()
            except FAULTS as exc:
                fault = _in_httpx_words(exc)

    def close(self) -> None:
        """Give the connection back, or hang up if the answer has not come whole."""
        if self._is_closed:
            return
        self._is_closed = True
        stream = self._stream
        if stream and not self.answer.can_another_follow:
            stream.close()
            stream = None
        self._transport.take_back(self._origin, stream)

    def _read(self) -> None:
        stream = cast("httpcore.NetworkStream", self._stream)
        self.answer.feed(stream.read(PIECE, self.wait))


def _written(request: httpx.Request) -> bytes:
    """A request as it is sent."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    return b"%s\r\n\r\n%s" % (b"\r\n".join(lines), request.read())


def _in_httpx_words(exc: Exception) -> httpx.TransportError:
    """A fault as stock httpx calls it, which takes httpcore's names."""
    cls = getattr(httpx, type(exc).__name__, httpx.RemoteProtocolError)
    return cast("httpx.TransportError", cls(str(exc)))
