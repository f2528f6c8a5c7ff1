"""HTTP clients, made when first needed and shared by all models with the same settings.

One sync client a process and one async client a running event loop. A client is closed when the
last model that used it is closed, when its event loop ends, or at exit; a forked child starts with
none.
"""

from __future__ import annotations

import atexit
import functools
import os
import ssl
import threading
import urllib.request
from collections.abc import AsyncGenerator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeAlias
from weakref import WeakSet

import httpx
from anyio.lowlevel import RunVar

Surroundings: TypeAlias = tuple[tuple[str, str], ...]
LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30.0)


def surroundings() -> Surroundings:
    """What a client takes from the environment: proxies and certificates."""
    certificates = {name: os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    return tuple(sorted((urllib.request.getproxies() | certificates).items()))


@functools.lru_cache(maxsize=4)
def _tls(_: Surroundings) -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reading the certificates takes some 20 ms


def no_cookies() -> CookieJar:
    """A jar that stays empty: what a service tells one model is not for the others."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


class _Shared:
    """A sync client and who uses it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.holders: WeakSet[Connections] = WeakSet()


class _SharedAsync:
    """An async client, who uses it, and what closes it when the event loop ends."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.holders: WeakSet[Connections] = WeakSet()
        self.keeper = _kept(client)


async def _kept(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Close the client when the event loop shuts its async generators down, at its end."""
    try:
        yield
    finally:
        await client.aclose()


_lock = threading.Lock()
_shared: dict[Surroundings, _Shared] = {}
_parents: list[_Shared] = []
"""Clients of a forked child's parent: not closed, since a lock in them may be held for ever."""
_shared_async: RunVar[dict[Surroundings, _SharedAsync]] = RunVar("emissary_transport.clients")


def _forget() -> None:
    """Start a forked child without its parent's connections, which must stay the parent's."""
    global _lock
    _lock = threading.Lock()
    _parents.extend(_shared.values())
    _shared.clear()


def _close_all() -> None:
    while _shared:
        _shared.popitem()[1].client.close()


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
        self._own = http_client
        self._own_async = http_async_client

    @functools.cached_property
    def _surroundings(self) -> Surroundings:
        """As they are when a client is first needed, which is when it takes them."""
        return surroundings()

    def is_own(self, client: httpx.Client | httpx.AsyncClient) -> bool:
        """Whether a client is the caller's own."""
        return client is self._own or client is self._own_async

    def client(self) -> httpx.Client:
        """The client for sync calls."""
        if self._own is not None:
            return self._own
        shared = _shared.get(self._surroundings)
        if shared is None or self not in shared.holders:
            with _lock:
                shared = _shared.get(self._surroundings)
                if shared is None:
                    tls = _tls(self._surroundings)
                    http = httpx.Client(verify=tls, limits=LIMITS, cookies=no_cookies())
                    shared = _Shared(http)
                    _shared[self._surroundings] = shared
                shared.holders.add(self)
        return shared.client

    async def async_client(self) -> httpx.AsyncClient:
        """The client for async calls in the running event loop."""
        if self._own_async is not None:
            return self._own_async
        clients = _shared_async.get(None)
        if clients is None:
            clients = {}
            _shared_async.set(clients)
        shared = clients.get(self._surroundings)
        if shared is None or shared.client.is_closed:
            tls = _tls(self._surroundings)
            http = httpx.AsyncClient(verify=tls, limits=LIMITS, cookies=no_cookies())
            shared = _SharedAsync(http)
            clients[self._surroundings] = shared
            await anext(shared.keeper)
        shared.holders.add(self)
        return shared.client

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
        shared.client.close()

    async def aclose(self) -> None:
        """Let go of the running event loop's client, and of the sync one."""
        self.close()
        clients = _shared_async.get(None) or {}
        shared = clients.get(self._surroundings)
        if shared is None:
            return
        shared.holders.discard(self)
        if not shared.holders:
            del clients[self._surroundings]
            await shared.keeper.aclose()


def _must_be(cls: type, client: object) -> None:
    if client is not None and not isinstance(client, cls):
        raise ValueError(
            f"Pass an httpx.{cls.__name__}, not {type(client).__module__}.{type(client).__name__}."
        )
