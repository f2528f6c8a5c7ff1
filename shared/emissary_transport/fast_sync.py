"""The fast transport for sync calls: sockets that httpcore opens, and httptools' parser."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import cast

import httpcore
import httpx
from httptools import HttpParserError

from emissary_transport.http_answer import Answer
from emissary_transport.httpx_words import Origin, origin_of, place_of, response_of, written
from emissary_transport.idle import Idle, Lease, is_readable, let_in
from emissary_transport.lingering import Timed

PIECE = 64 * 1024
"""Bytes that are read at once, at most."""


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
        self._idle: Idle[socket.socket] = Idle(limits, socket.socket.close, _is_silent)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came; the classes are stock httpx's.
        """
        waits = request.extensions["timeout"]
        let_in(self._room, waits["pool"])
        origin = origin_of(request.url)
        lease = Lease(self._idle, origin, self._room.release)
        body = Body(lease, waits["read"])
        try:
            lease.connection = self._idle.take(origin) or self._opened(origin, waits["connect"])
            body.begin(request, waits["write"])
            return response_of(body.answer, body)
        except httpx.TransportError as exc:
            fault = exc.with_traceback(None)
            fault.__context__ = None
        except BaseException:
            body.close()
            raise
        body.close()
        raise fault  # out here it does not lead to the request and the key in it

    def _opened(self, origin: Origin, wait: float | None) -> socket.socket:
        host, port = place_of(origin)
        try:
            stream = self._network.connect_tcp(host, port, wait)
            if origin[0] == "https":
                stream = stream.start_tls(self._tls, host, wait)
        except httpcore.ConnectTimeout as exc:
            raise httpx.ConnectTimeout(str(exc)) from None
        except httpcore.ConnectError as exc:
            raise httpx.ConnectError(str(exc)) from None
        return cast("socket.socket", stream.get_extra_info("socket"))

    def close(self) -> None:
        """Close all connections: the idle ones now, the others when they are given back."""
        self._idle.close()


class Body(Timed):
    """What comes over a connection in answer to one request."""

    def __init__(self, lease: Lease[socket.socket], wait: float | None) -> None:
        self.answer = Answer()
        self._wait = wait
        self._until: float | None = None
        self._fault: httpx.TransportError | None = None
        self._lease = lease

    def begin(self, request: httpx.Request, wait: float | None) -> None:
        """Send the request and read on until the head of the answer has come."""
        sock = cast("socket.socket", self._lease.connection)
        _send(sock, memoryview(written(request)), wait)
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
        if not self._lease.is_over:
            self._lease.end(is_fit=self.answer.can_another_follow)
            self.answer.close()

    def _read(self) -> None:
        """Read on; a fault is kept until all that came before it is handed over."""
        sock, wait = cast("socket.socket", self._lease.connection), self._wait
        if self._until is not None:
            wait = max(self._until - time.monotonic(), 0.001)
        try:
            _limit(sock, wait)
            self.answer.feed(sock.recv(PIECE))
            if self._until is not None and time.monotonic() > self._until:
                raise TimeoutError("It did not end in time.")
        except TimeoutError as exc:
            self._fault = httpx.ReadTimeout(str(exc))
        except OSError as exc:
            self._fault = httpx.ReadError(str(exc))
        except HttpParserError as exc:
            self._fault = httpx.RemoteProtocolError(str(exc))


def _send(sock: socket.socket, data: memoryview, wait: float | None) -> None:
    """Send a request, as far as the other side takes it: there may be an answer that says why."""
    try:
        _limit(sock, wait)
        while data:
            data = data[sock.send(data) :]
    except TimeoutError as exc:
        raise httpx.WriteTimeout(str(exc)) from None
    except OSError:
        pass


def _limit(sock: socket.socket, wait: float | None) -> None:
    """Let nothing take longer; to say so anew would be a system call."""
    if sock.gettimeout() != wait:
        sock.settimeout(wait)


def _is_silent(sock: socket.socket) -> bool:
    return not is_readable(sock)
