"""Carriers, made when first needed and shared by all models with the same surroundings.

One sync carrier a process and one async carrier a running event loop. A carrier is closed when the
last model that used it is closed, when its event loop ends, or at exit; a forked child starts with
none.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from weakref import WeakKeyDictionary, WeakSet

import httpx
from anyio.lowlevel import current_token

from emissary_transport.carriers import AsyncCarrier, Carrier
from emissary_transport.surroundings import Surroundings, surroundings


class _Shared:
    """A sync carrier and who uses it."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.holders: WeakSet[Connections] = WeakSet()


class _SharedAsync:
    """An async carrier, who uses it, and what closes it when the event loop ends."""

    def __init__(self, carrier: AsyncCarrier, forget: Callable[[], object]) -> None:
        self.carrier = carrier
        self.holders: WeakSet[Connections] = WeakSet()
        self.keeper = _kept(carrier, forget)


async def _kept(carrier: AsyncCarrier, forget: Callable[[], object]) -> AsyncGenerator[None, None]:
    """Close the carrier when the event loop shuts its async generators down, at its end."""
    try:
        yield
    finally:
        forget()  # or what is kept by the loop would keep the loop
        await carrier.aclose()


_lock = threading.Lock()
_shared: dict[Surroundings, _Shared] = {}
_parents: list[_Shared] = []
"""Carriers of a forked child's parent: not closed, since a lock in them may be held for ever."""
_shared_async: WeakKeyDictionary[object, dict[Surroundings, _SharedAsync]] = WeakKeyDictionary()
"""By the event loop that they belong to."""


def _carriers_here() -> dict[Surroundings, _SharedAsync]:
    """The carriers of the running event loop."""
    loop = _event_loop()
    carriers = _shared_async.get(loop)
    if carriers is None:
        carriers = _shared_async[loop] = {}
    return carriers


def _event_loop() -> object:
    """The running event loop; to ask anyio, which knows trio too, takes three times as long."""
    if "trio" not in sys.modules and (task := asyncio.current_task()):
        return task.get_loop()
    token = current_token()
    return getattr(token, "native_token", token)  # before anyio 4.11 they are the same


def _forget() -> None:
    """Start a forked child without its parent's connections, which must stay the parent's."""
    global _lock
    _lock = threading.Lock()
    _parents.extend(_shared.values())
    _shared.clear()


def _close_all() -> None:
    while _shared:
        _shared.popitem()[1].carrier.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
atexit.register(_close_all)


class Connections:
    """The HTTP clients that one model uses: the caller's own, or the shared ones.

    Args:
        http_client: A client of the caller's, for sync calls. It is never closed here.
        http_async_client: The same for async calls; it works in the event loop it belongs to.

    Raises:
        ValueError: A client is not one of httpx's.
    """

    def __init__(
        self,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
    ) -> None:
        _must_be(httpx.Client, http_client)
        _must_be(httpx.AsyncClient, http_async_client)
        self.own = http_client
        self.own_async = http_async_client

    @functools.cached_property
    def _surroundings(self) -> Surroundings:
        """As they are when a client is first needed, which is when it takes them."""
        return surroundings()

    def carrier(self) -> Carrier:
        """What sends sync calls, if the caller has no client of their own."""
        shared = _shared.get(self._surroundings)
        if shared is None or self not in shared.holders:
            with _lock:
                shared = _shared.get(self._surroundings)
                if shared is None:
                    shared = _shared[self._surroundings] = _Shared(Carrier(self._surroundings))
                shared.holders.add(self)
        return shared.carrier

    async def async_carrier(self) -> AsyncCarrier:
        """What sends async calls in the running event loop; see `carrier`."""
        carriers = _carriers_here()
        shared = carriers.get(self._surroundings)
        if shared is None or shared.carrier.is_closed:
            forget = functools.partial(carriers.pop, self._surroundings, None)
            shared = _SharedAsync(AsyncCarrier(self._surroundings), forget)
            carriers[self._surroundings] = shared
            await anext(shared.keeper)
        shared.holders.add(self)
        return shared.carrier

    def close(self) -> None:
        """Let go of the sync client; it is closed with the last model that uses it."""
        with _lock:
            shared = _shared.get(self._surroundings)
            if shared is None:
                return
            shared.holders.discard(self)
            if shared.holders:
                return
            del _shared[self._surroundings]
        shared.carrier.close()

    async def aclose(self) -> None:
        """Let go of the running event loop's client, and of the sync one."""
        self.close()
        carriers = _carriers_here()
        shared = carriers.get(self._surroundings)
        if shared is None:
            return
        shared.holders.discard(self)
        if not shared.holders:
            del carriers[self._surroundings]
            await shared.keeper.aclose()


def _must_be(cls: type, client: object) -> None:
    if client is not None and not isinstance(client, cls):
        raise ValueError(
            f"Pass an httpx.{cls.__name__}, not {type(client).__module__}.{type(client).__name__}."
        )
