"""What both shells do alike: whom they ask, and which requests that takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from functools import cache, lru_cache, partial
from typing import Any, TypeAlias

import httpx

from emissary_transport.catalogue import Page, described_model, listed_models
from emissary_transport.exchange import Exchange
from emissary_transport.flow import (
    Flow,
    Send,
    T,
    delivery,
    encoded,
    fetch,
    json_headers,
    parsed_url,
)
from emissary_transport.inquiry import Inquiry, ModelCard
from emissary_transport.pool import Connections
from emissary_transport.secrecy import secrets_of
from emissary_transport.service import Service
from emissary_transport.services import LISTINGS
from emissary_transport.settings import Settings
from emissary_transport.timeouts import httpx_timeout

Questions: TypeAlias = Generator[Inquiry[Page], Page, T]
"""What asks for one page after the other, and gives what they come to."""


class Asking:
    """A service, and how it is asked."""

    def __init__(
        self, service: Service, settings: Settings, connections: Connections | None = None
    ) -> None:
        self.service = service
        self.settings = settings
        self.connections = connections or Connections()
        self._secrets = secrets_of(service.bare_key(settings.api_key), settings.headers)
        self._timeout = timeout = httpx_timeout(settings.timeout)
        stall = settings.stall_timeout
        self._stall = timeout.read if stall is None else stall
        waits = [wait for wait in (timeout.read, stall) if wait is not None]
        self._stream_timeout = httpx.Timeout(
            connect=timeout.connect,
            read=min(waits, default=None),
            write=timeout.write,
            pool=timeout.pool,
        )
        self._extensions = {
            streams: {"timeout": self._timeout_of(streams).as_dict()} for streams in (False, True)
        }
        self._headers = lru_cache(maxsize=256)(partial(json_headers, service, settings))
        self._url = cache(partial(service.url, settings.base_url))

    def _delivery(self, exchange: Exchange) -> Flow[httpx.Response]:
        path, ids = exchange.url_path, exchange.ids
        url = self.service.url(self.settings.base_url, path, ids) if ids else self._url(path)
        content, streams = encoded(self.service, exchange.body), exchange.streams
        send = Send("POST", url, self._headers(url, streams), content, streams)
        return delivery(self.service, self.settings, send)

    def _inquiry(self, inquiry: Inquiry[Any]) -> Flow[httpx.Response]:
        service, settings = inquiry.service, self.settings
        if inquiry.body is None:
            send = fetch(service, settings, inquiry.url, has_key=inquiry.has_key)
            return delivery(service, settings, send)
        content = encoded(service, inquiry.body)
        send = Send("POST", inquiry.url, json_headers(service, settings, inquiry.url), content)
        return delivery(service, settings, send)

    def _models(self, listing: str | None, filters: dict[str, Any]) -> Questions[list[ModelCard]]:
        listings = LISTINGS.get(self.service.name, {})
        return listed_models(self.service, self.settings.base_url, listings, listing, filters)

    def _model(self, model: str) -> Questions[ModelCard]:
        listings = LISTINGS.get(self.service.name, {})
        return described_model(self.service, self.settings.base_url, listings, model)

    def _request(self, send: Send) -> httpx.Request:
        """The request as it is sent: nothing else is added to it."""
        request = httpx.Request(
            send.method,
            parsed_url(send.url),
            headers=send.headers,
            stream=OnePiece(send.content),
            extensions=self._extensions[send.streams],
        )
        if send.content:
            request.headers["Content-Length"] = str(len(send.content))
        return request

    def _own_request(self, http: httpx.Client | httpx.AsyncClient, send: Send) -> httpx.Request:
        """The request with what the caller's own client adds to it."""
        headers = send.headers.copy()
        if not any(name.lower() == "host" for name in self.settings.headers):
            del headers["Host"]  # the client may name another
        is_theirs = self.settings.timeout is None and http.timeout != httpx.Timeout(5.0)
        return http.build_request(
            send.method,
            send.url,
            headers=headers,
            content=send.content,
            timeout=http.timeout if is_theirs else self._timeout_of(send.streams),
        )

    def _timeout_of(self, streams: bool) -> httpx.Timeout:
        return self._stream_timeout if streams else self._timeout


class OnePiece(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A request's body; httpx's own is a generator, which trio misses when a call is cancelled."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Awaited(iter(self))


class _Awaited:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> _Awaited:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration
