"""Connections that wait for their next request, and requests that wait until there is room."""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import anyio
import httpx

from emissary_transport.httpx_words import Origin

C = TypeVar("C")


class Idle(Generic[C]):
    """Idle connections by origin, which any thread may put and take.

    Args:
        limits: How many are kept for an origin, and for how many seconds; both are set.
        close: Hangs up, or sees to it.
        is_fit: Whether a connection can serve once more.
    """

    def __init__(
        self,
        limits: httpx.Limits,
        close: Callable[[C], object],
        is_fit: Callable[[C], bool],
    ) -> None:
        self._most = limits.max_keepalive_connections or 0
        self._longest = limits.keepalive_expiry or 0.0
        self.hang_up = close
        self._is_fit = is_fit
        self._waiting: dict[Origin, deque[tuple[float, C]]] = {}
        self._is_closed = False

    def take(self, origin: Origin) -> C | None:
        """A connection that is fit, the last used first; others are closed on the way."""
        waiting, oldest = self._waiting.get(origin), time.monotonic() - self._longest
        with suppress(IndexError):  # there is none left
            while waiting is not None:
                since, connection = waiting.pop()
                if since > oldest and self._is_fit(connection):
                    return connection
                self.hang_up(connection)
        return None

    def put(self, origin: Origin, connection: C) -> None:
        """Keep a connection, and close those that have waited too long or are too many."""
        now = time.monotonic()
        self._waiting.setdefault(origin, deque()).append((now, connection))
        most, oldest = 0 if self._is_closed else self._most, now - self._longest
        for waiting in [*self._waiting.values()]:
            with suppress(IndexError):  # none is left, or another thread was faster
                while len(waiting) > most or waiting[0][0] < oldest:
                    self.hang_up(waiting.popleft()[1])

    def close(self) -> None:
        """Close all of them, and from now on each one that is put here."""
        self._is_closed = True
        for waiting in [*self._waiting.values()]:
            with suppress(IndexError):
                while True:
                    self.hang_up(waiting.pop()[1])


class Lease(Generic[C]):
    """One request's place, and the connection that serves it; both are given back together, once.

    Args:
        idle: Where a connection goes that can serve again.
        origin: Where it leads.
        leave: Lets the next request in.
    """

    def __init__(self, idle: Idle[C], origin: Origin, leave: Callable[[], object]) -> None:
        self.connection: C | None = None
        self.is_over = False
        self._idle = idle
        self._origin = origin
        self._leave = leave

    def end(self, *, is_fit: bool) -> None:
        """Keep the connection for another request, or hang up."""
        if self.is_over:
            return
        self.is_over = True
        try:
            if self.connection and is_fit:
                self._idle.put(self._origin, self.connection)
            elif self.connection:
                self._idle.hang_up(self.connection)
        finally:
            self._leave()


NO_ROOM = "No connection came free in time."


def let_in(room: threading.Semaphore, wait: float | None) -> None:
    """Wait until there is room for one more request.

    Raises:
        httpx.PoolTimeout: There is none in time.
    """
    if not room.acquire(timeout=wait):
        raise httpx.PoolTimeout(NO_ROOM)


async def alet_in(room: anyio.Semaphore, wait: float | None) -> None:
    """Wait until there is room for one more request; see `let_in`."""
    try:
        room.acquire_nowait()
    except anyio.WouldBlock:
        with anyio.move_on_after(wait) as scope:
            await room.acquire()
        if scope.cancelled_caught:
            raise httpx.PoolTimeout(NO_ROOM) from None


def is_readable(sock: Any) -> bool:
    """Whether something has come, which over an idle connection could only be its end."""
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
