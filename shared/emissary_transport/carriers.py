"""What carries requests: one transport for what goes directly, and one for each proxy.

Shared carriers stand below `httpx.Client`: what a client adds (cookies, redirects, defaults to
merge) is not wanted here, and a third of what a request costs.
"""

from __future__ import annotations

import functools
import logging
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

import httpx

from emissary_transport.faster import fast_async_transport, fast_transport
from emissary_transport.httpx_words import Origin, origin_of
from emissary_transport.stock import AsyncStockTransport, StockTransport
from emissary_transport.surroundings import Surroundings

TransportT = TypeVar("TransportT", httpx.BaseTransport, httpx.AsyncBaseTransport)

LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=1000, keepalive_expiry=30.0)
_log = logging.getLogger("emissary_transport")


@functools.lru_cache(maxsize=4)
def _tls(_: tuple[str, str]) -> ssl.SSLContext:
    tls = httpx.create_ssl_context()  # reading the certificates takes some 20 ms
    tls.set_alpn_protocols(["http/1.1"])
    return tls


class _Routes(ABC, Generic[TransportT]):
    """Which transport leads to which place; made when first needed."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._transports: dict[object, TransportT] = {}
        self._by_origin: dict[Origin, TransportT] = {}
        self.is_closed = False

    @abstractmethod
    def _made(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> TransportT: ...

    def _to(self, url: httpx.URL) -> TransportT:
        direct = self._transports.get(None)
        if direct and not self._surroundings.proxies:
            return direct
        origin = origin_of(url)
        return self._by_origin.get(origin) or self._find(origin, url)

    def _find(self, origin: Origin, url: httpx.URL) -> TransportT:
        proxy = self._surroundings.proxy_for(url)
        key = (str(proxy.url), proxy.raw_auth) if proxy else None
        with self._lock:
            transport = self._transports.get(key)
            if transport is None:
                transport = self._made(_tls(self._surroundings.certificates), proxy)
                self._transports[key] = transport
            self._by_origin[origin] = transport
        return transport

    def _taken(self) -> Iterator[TransportT]:
        """The transports there were, for the last time."""
        self.is_closed = True
        self._by_origin.clear()
        while self._transports:
            yield self._transports.popitem()[1]


class Carrier(_Routes[httpx.BaseTransport]):
    """Sends requests, synchronously."""

    def _made(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> httpx.BaseTransport:
        fast = fast_transport(self._surroundings.http, proxy)
        if fast is not None:
            return fast(tls, LIMITS)
        return StockTransport(tls, LIMITS, proxy)

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer, of which only the head has come.

        Raises:
            httpx.TransportError: None came.
        """
        try:
            response = self._to(request.url).handle_request(request)
        except UnicodeError as exc:
            raise _not_a_host(exc) from exc
        _tell(request, response)
        return response

    def close(self) -> None:
        """Close all connections."""
        for transport in self._taken():
            transport.close()


class AsyncCarrier(_Routes[httpx.AsyncBaseTransport]):
    """Sends requests, asynchronously; see `Carrier`."""

    def _made(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
        fast = fast_async_transport(self._surroundings.http, proxy)
        if fast is not None:
            return fast(tls, LIMITS)
        return AsyncStockTransport(tls, LIMITS, proxy)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give its answer; see `Carrier.send`."""
        try:
            response = await self._to(request.url).handle_async_request(request)
        except UnicodeError as exc:
            raise _not_a_host(exc) from exc
        _tell(request, response)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._taken():
            await transport.aclose()


def _not_a_host(exc: UnicodeError) -> httpx.ConnectError:
    """What stock httpx lets out as Python has it: the host is none that could be looked up."""
    return httpx.ConnectError(str(exc))


def _tell(request: httpx.Request, response: httpx.Response) -> None:
    """Log a request much as `httpx.Client` does."""
    if _log.isEnabledFor(logging.INFO):
        status = response.status_code, response.reason_phrase
        _log.info('HTTP Request: %s %s "%d %s"', request.method, request.url, *status)
