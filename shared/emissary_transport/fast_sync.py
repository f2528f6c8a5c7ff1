"""The fast transport for sync calls: httpcore's sockets and httptools' parser under httpx's names.

httpcore connects, does TLS and limits each wait, as it does for stock httpx.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from operator import methodcaller
from typing import cast

import httpcore
import httpx
from httptools import HttpParserError

from emissary_transport.http_answer import Answer
from emissary_transport.httpx_words import Origin, origin_of, place_of, response_of, written
from emissary_transport.idle import Idle
from emissary_transport.lingering import Timed

PIECE = 64 * 1024
"""Bytes that are read at once, at most."""
FAULTS = (httpcore.NetworkError, httpcore.TimeoutException, HttpParserError)


class FastTransport(httpx.BaseTransport):
    """HTTP/1.1, synchronously and from any thread.

    Args:
        tls: For https.
        limits: Requests at once; idle connections kept for an origin, and for how many seconds.
    """

    def __init__(self, tls: ssl.SSLContext, limits: httpx.Limits) -> None:
        self._tls = tls
        self._network = httpcore.SyncBackend()
        self._room = threading.Semaphore(limits.max_connections or 1)
        self._idle: Idle[httpcore.NetworkStream] = Idle(limits, methodcaller("close"), _is_silent)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came; the classes are stock httpx's.
        """
        waits = request.extensions["timeout"]
        if not self._room.acquire(timeout=waits["pool"]):
            raise httpx.PoolTimeout("No connection came free in time.")
        body = Body(self, origin_of(request.url), waits["read"])
        try:
            body.begin(request, waits["connect"], waits["write"])
            return response_of(body.answer, body)
        except FAULTS as exc:
            fault = _in_httpx_words(exc)
        except httpx.TransportError as exc:
            fault = exc.with_traceback(None)
        except BaseException:
            body.close()
            raise
        body.close()
        raise fault  # out here it does not lead to the request and the key in it

    def connection(self, origin: Origin, wait: float | None) -> httpcore.NetworkStream:
        """A connection for one request."""
        stream = self._idle.take(origin)
        if stream:
            return stream
        host, port = place_of(origin)
        stream = self._network.connect_tcp(host, port, wait)
        return stream.start_tls(self._tls, host, wait) if origin[0] == "https" else stream

    def take_back(self, origin: Origin, stream: httpcore.NetworkStream | None) -> None:
        """Keep a connection that can serve again, if there is one, and let the next request in."""
        if stream:
            self._idle.put(origin, stream)
        self._room.release()

    def close(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._idle.close()


class Body(Timed):
    """What comes over a connection in answer to one request."""

    def __init__(self, transport: FastTransport, origin: Origin, wait: float | None) -> None:
        self.answer = Answer()
        self._wait = wait
        self._until: float | None = None
        self._fault: httpx.TransportError | None = None
        self._transport = transport
        self._origin = origin
        self._stream: httpcore.NetworkStream | None = None
        self._is_closed = False

    def begin(self, request: httpx.Request, connect: float | None, write: float | None) -> None:
        """Send the request and read on until the head of the answer has come."""
        self._stream = self._transport.connection(self._origin, connect)
        with suppress(httpcore.WriteError):  # there may be an answer that says why
            self._stream.write(written(request), write)
        while not self.answer.has_head:
            self._read()
            if self._fault and not self.answer.has_head:
                raise self._fault

    def __iter__(self) -> Iterator[bytes]:
        while True:
            if came := self.answer.taken():
                yield came
            elif self.answer.is_whole:
                return
            elif self._fault:
                raise self._fault
            else:
                self._read()

    def hurry(self, seconds: float) -> None:
        """Let what is left come within so many seconds."""
        self._until = time.monotonic() + seconds

    def close(self) -> None:
        """Give the connection back, or hang up if the answer has not come whole."""
        if self._is_closed:
            return
        self._is_closed = True
        stream = self._stream
        self.answer.close()
        if stream and not self.answer.can_another_follow:
            stream.close()
            stream = None
        self._transport.take_back(self._origin, stream)

    def _read(self) -> None:
        """Read on; a fault is kept until all that came before it is handed over."""
        stream, wait = cast("httpcore.NetworkStream", self._stream), self._wait
        if self._until is not None:
            wait = max(self._until - time.monotonic(), 0.001)
        try:
            self.answer.feed(stream.read(PIECE, wait))
            if self._until is not None and time.monotonic() > self._until:
                raise httpcore.ReadTimeout("It did not end in time.")
        except FAULTS as exc:
            self._fault = _in_httpx_words(exc)


def _is_silent(stream: httpcore.NetworkStream) -> bool:
    """Whether nothing came over an idle connection, which could only be its end."""
    return not stream.get_extra_info("is_readable")


def _in_httpx_words(exc: Exception) -> httpx.TransportError:
    """A fault as stock httpx calls it, which takes httpcore's names."""
    cls = getattr(httpx, type(exc).__name__, httpx.RemoteProtocolError)
    return cast("httpx.TransportError", cls(str(exc)))
