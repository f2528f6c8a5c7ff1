"""Connections that wait for their next request."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import httpx

from emissary_transport.httpx_words import Origin


class Closable(Protocol):
    """A connection, as far as it matters here."""

    def close(self) -> None:
        """Hang up."""
        ...


C = TypeVar("C", bound=Closable)


class Idle(Generic[C]):
    """Idle connections by origin, which any thread may put and take.

    Args:
        limits: How many are kept for an origin, and for how many seconds; both are set.
        is_fit: Whether a connection can serve once more.
    """

    def __init__(self, limits: httpx.Limits, is_fit: Callable[[C], bool]) -> None:
        self._most = limits.max_keepalive_connections or 0
        self._longest = limits.keepalive_expiry or 0.0
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
                connection.close()
        return None

    def put(self, origin: Origin, connection: C) -> None:
        """Keep a connection, and close those that have waited too long or are too many."""
        now = time.monotonic()
        self._waiting.setdefault(origin, deque()).append((now, connection))
        most, oldest = 0 if self._is_closed else self._most, now - self._longest
        for waiting in [*self._waiting.values()]:
            with suppress(IndexError):  # none is left, or another thread was faster
                while len(waiting) > most or waiting[0][0] < oldest:
                    waiting.popleft()[1].close()

    def close(self) -> None:
        """Close all of them, and from now on each one that is put here."""
        self._is_closed = True
        for waiting in [*self._waiting.values()]:
            with suppress(IndexError):
                while True:
                    waiting.pop()[1].close()
